//! Titles made by a model.

use std::sync::Arc;

use domain::{billing::Price, chat::TitleSource};
use engine::{
    agent::{MadeTitle, TitleRequest, make_title},
    ports::InputItem,
};
use testkit::model::{ScriptedAnswer, ScriptedModel};

async fn title(model: &ScriptedModel) -> MadeTitle {
    make_title(TitleRequest {
        model: Arc::new(model.clone()),
        model_name: "m".into(),
        price: Price { input: 1_000_000, cached: 0, output: 1_000_000 },
        key: "run:title".into(),
        question: "Which database should we take for the spine?".into(),
        answer: "Take SQLite. ".repeat(1_000),
    })
    .await
}

#[tokio::test]
async fn a_model_names_the_conversation() {
    let model = ScriptedModel::new([ScriptedAnswer::new().piece(r#"{"title":"Choosing "#).piece(r#"a database."}"#).done()]).real();
    let made = title(&model).await;
    assert_eq!((made.title.as_str(), made.source), ("Choosing a database", TitleSource::Agent));
    assert_eq!(made.usage.unwrap().cost_micros, 12);
    let call = model.seen().remove(0).call;
    assert!(call.output_schema.is_some() && call.tools.is_empty());
    let [InputItem::Message { text, .. }] = call.input.as_slice() else { panic!("{:?}", call.input) };
    assert!(text.contains("Which database") && text.len() < 5_000, "a long answer is not read whole");
}

#[tokio::test]
async fn without_a_good_title_the_first_words_are_one() {
    for answer in [ScriptedAnswer::failure("model_unavailable", true), ScriptedAnswer::text("Well,\nlet me think."), ScriptedAnswer::new()] {
        let made = title(&ScriptedModel::new([answer])).await;
        assert_eq!((made.title.as_str(), made.source), ("Which database should we take for the spine?", TitleSource::Draft));
    }
}
