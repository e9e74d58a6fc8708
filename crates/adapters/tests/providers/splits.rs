//! However a provider's bytes are split, the same chunks come out.

use crate::support::{ask, call, speaking};
use adapters::Api;
use serde_json::json;
use testkit::openai::{Dialect, FakeOpenAi, Fault, Output, Script};

fn script(dialect: Dialect) -> Script {
    Script::default()
        .then(Output::Reasoning(vec!["Hm… ".into()]))
        .then(Output::Text {
            pieces: vec!["Grüße ".into(), "🦀\n\n".into(), "\u{2028}\"x\"".into()], sources: vec![("Ö".into(), "https://ö.example/".into())]
        })
        .then_call("call_a", "search", &json!({"query": "ü"}))
        .fault(Fault::Comments)
        .dialect(dialect)
}

#[tokio::test]
async fn pieces_of_any_size_give_the_same_chunks() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in [Api::Responses, Api::Chat] {
        for dialect in [Dialect::Full, Dialect::Sparse] {
            let model = speaking(&fake, api);
            fake.push(script(dialect));
            let whole = ask(&model, call("hi")).await;
            assert!(whole.finish().is_some() && whole.calls().len() == 1 && whole.text().contains('🦀'));
            for bytes in [1, 2, 3, 5, 7, 11, 64, 1_000] {
                fake.push(script(dialect).fault(Fault::Split { bytes }));
                assert_eq!(ask(&model, call("hi")).await, whole, "{api:?} {dialect:?} pieces of {bytes}");
            }
        }
    }
}
