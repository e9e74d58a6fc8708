//! Conversations and messages: each person sees their own, lists page without gaps, and search finds what was said.

use std::time::Duration;

use domain::{
    Clock as _,
    chat::{Author, TitleSource},
    ids::{ConversationId, MessageId, RunId},
};
use storage::{
    chat::{self, ConversationRow, MessageRow},
    search,
};
use testkit::{
    both_databases,
    fixtures::{Fixture, Person},
};

use crate::unit;

fn said(fx: &Fixture, author: Author, run: Option<RunId>, text: &str) -> MessageRow {
    let agent = (author == Author::Agent).then(|| "triage".to_owned());
    MessageRow { id: fx.id(), author, agent, run, text: text.into(), partial: author == Author::Agent, created_at: fx.database.clock().now() }
}

async fn say(fx: &Fixture, conversation: ConversationId, message: &MessageRow) {
    unit!(fx.db, tx => chat::insert_message(&mut tx, conversation, fx.ada.org, message).await).unwrap();
}

async fn find(fx: &Fixture, of: Person, id: ConversationId) -> Option<ConversationRow> {
    chat::find(&fx.db, of.org, of.user, id).await.unwrap()
}

async fn found(fx: &Fixture, words: &str) -> Vec<String> {
    search::messages(&fx.db, fx.ada.org, fx.ada.user, words, 10).await.unwrap().into_iter().map(|hit| hit.text).collect()
}

both_databases! {
    async fn a_conversation_reads_back(fx: Fixture) {
        let row = ConversationRow { title: "Ünïcode \u{1F600}\0".into(), ..fx.conversation_row(fx.ada) };
        unit!(fx.db, tx => chat::insert(&mut tx, &row).await).unwrap();
        assert_eq!(find(&fx, fx.ada, row.id).await, Some(ConversationRow { title: "Ünïcode \u{1F600}\u{fffd}".into(), ..row }));
    }

    async fn nobody_else_finds_it(fx: Fixture) {
        let conversation = fx.conversation(fx.ada).await;
        let eve = fx.person("Eve").await;
        let mixed = [eve, Person { org: fx.ada.org, user: eve.user }, Person { org: eve.org, user: fx.ada.user }];
        for stranger in mixed {
            assert_eq!(find(&fx, stranger, conversation).await, None);
            assert_eq!(unit!(fx.db, tx => chat::lock(&mut tx, stranger.org, stranger.user, conversation).await).unwrap(), None);
            assert!(chat::list(&fx.db, stranger.org, stranger.user, None, 10).await.unwrap().is_empty());
            say(&fx, conversation, &said(&fx, Author::User, None, "secret")).await;
            assert!(search::messages(&fx.db, stranger.org, stranger.user, "secret", 10).await.unwrap().is_empty());
        }
        assert!(unit!(fx.db, tx => chat::lock(&mut tx, fx.ada.org, fx.ada.user, conversation).await).unwrap().is_some());
    }

    async fn lists_page_without_gaps_or_doubles(fx: Fixture) {
        let mut expected = Vec::new();
        for n in 0..23 {
            let id = fx.conversation(fx.ada).await;
            // Several with the same instant, so that the id decides.
            let at = fx.database.clock().now().plus(Duration::from_secs(n / 4));
            unit!(fx.db, tx => chat::set_active_run(&mut tx, id, None, at.minus(Duration::from_micros(u64::try_from(at.micros() % 1_000_000).unwrap()))).await).unwrap();
            expected.push(id);
        }
        let all = chat::list(&fx.db, fx.ada.org, fx.ada.user, None, 100).await.unwrap();
        assert_eq!(all.len(), 23);
        assert!(all.windows(2).all(|pair| (pair[0].updated_at, pair[0].id) > (pair[1].updated_at, pair[1].id)));
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = chat::list(&fx.db, fx.ada.org, fx.ada.user, before, 5).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.updated_at, last.id));
            paged.extend(page);
        }
        assert_eq!(paged, all);
    }

    async fn deleted_conversations_are_not_listed_but_come_back(fx: Fixture) {
        let id = fx.conversation(fx.ada).await;
        say(&fx, id, &said(&fx, Author::User, None, "needle")).await;
        let at = fx.database.clock().now();
        unit!(fx.db, tx => chat::set_deleted(&mut tx, id, Some(at)).await).unwrap();
        assert!(chat::list(&fx.db, fx.ada.org, fx.ada.user, None, 10).await.unwrap().is_empty());
        assert!(found(&fx, "needle").await.is_empty());
        assert_eq!(find(&fx, fx.ada, id).await.unwrap().deleted_at, Some(at));
        unit!(fx.db, tx => chat::set_deleted(&mut tx, id, None).await).unwrap();
        assert_eq!(chat::list(&fx.db, fx.ada.org, fx.ada.user, None, 10).await.unwrap().len(), 1);
        assert_eq!(found(&fx, "needle").await, ["needle"]);
    }

    async fn what_a_person_calls_it_stays(fx: Fixture) {
        let id = fx.conversation(fx.ada).await;
        let title = async |title: &str, source| unit!(fx.db, tx => chat::set_title(&mut tx, id, title, source).await).unwrap();
        assert!(unit!(fx.db, tx => chat::is_draft(&mut tx, id).await).unwrap());
        assert!(title("first words\0", TitleSource::Draft).await);
        assert!(title("by the agent", TitleSource::Agent).await);
        assert!(!unit!(fx.db, tx => chat::is_draft(&mut tx, id).await).unwrap());
        assert!(!title("by the agent again", TitleSource::Agent).await);
        assert!(title("by Ada", TitleSource::User).await);
        assert!(!title("by the agent", TitleSource::Agent).await);
        assert!(title("by Ada again", TitleSource::User).await);
        let row = find(&fx, fx.ada, id).await.unwrap();
        assert_eq!((row.title.as_str(), row.title_source), ("by Ada again", TitleSource::User));
        assert!(!unit!(fx.db, tx => chat::is_draft(&mut tx, fx.id()).await).unwrap());
    }

    async fn messages_come_in_the_order_in_which_they_were_said(fx: Fixture) {
        let (id, other) = (fx.conversation(fx.ada).await, fx.conversation(fx.ada).await);
        let mut all = Vec::new();
        for n in 0..7 {
            let message = said(&fx, if n % 2 == 0 { Author::User } else { Author::Agent }, None, &format!("{n}"));
            say(&fx, id, &message).await;
            say(&fx, other, &said(&fx, Author::User, None, "elsewhere")).await;
            all.push(message);
        }
        assert_eq!(chat::messages_after(&fx.db, id, None, 100).await.unwrap(), all);
        assert_eq!(chat::messages_after(&fx.db, id, Some(all[2].id), 2).await.unwrap(), all[3..5]);
        assert_eq!(chat::newest_messages(&fx.db, id, 3).await.unwrap(), all[4..]);
        assert_eq!(unit!(fx.db, tx => chat::last_question(&mut tx, id).await).unwrap(), Some(all[6].id));
        let empty = fx.conversation(fx.ada).await;
        assert_eq!(unit!(fx.db, tx => chat::last_question(&mut tx, empty).await).unwrap(), None::<MessageId>);
    }

    async fn a_question_has_one_answer_at_a_time(fx: Fixture) {
        let id = fx.conversation(fx.ada).await;
        let (first, second): (RunId, RunId) = (fx.id(), fx.id());
        let question = said(&fx, Author::User, Some(first), "Why?");
        say(&fx, id, &question).await;
        say(&fx, id, &said(&fx, Author::Agent, Some(first), "Because")).await;
        assert_eq!(chat::question_of(&fx.db, first).await.unwrap().map(|found| found.id), Some(question.id));
        unit!(fx.db, tx => chat::remove_answer(&mut tx, first).await).unwrap();
        unit!(fx.db, tx => chat::set_message_run(&mut tx, question.id, second).await).unwrap();
        assert_eq!(chat::question_of(&fx.db, first).await.unwrap(), None);
        assert_eq!(chat::question_of(&fx.db, second).await.unwrap().map(|found| found.run), Some(Some(second)));
        assert_eq!(chat::newest_messages(&fx.db, id, 9).await.unwrap().len(), 1);
    }

    async fn a_conversation_names_the_run_that_answers(fx: Fixture) {
        let (id, run, at) = (fx.conversation(fx.ada).await, fx.id(), fx.database.clock().now());
        unit!(fx.db, tx => chat::set_active_run(&mut tx, id, Some(run), at).await).unwrap();
        let row = find(&fx, fx.ada, id).await.unwrap();
        assert_eq!((row.active_run, row.updated_at), (Some(run), at));
        unit!(fx.db, tx => chat::set_active_run(&mut tx, id, None, at).await).unwrap();
        assert_eq!(find(&fx, fx.ada, id).await.unwrap().active_run, None);
    }

    async fn search_takes_every_character_for_itself(fx: Fixture) {
        let id = fx.conversation(fx.ada).await;
        for text in ["100% sure", "100 sure", "snake_case", "snakeXcase", r"back\slash", "it's; DROP TABLE messages"] {
            say(&fx, id, &said(&fx, Author::User, None, text)).await;
        }
        assert_eq!(found(&fx, "100%").await, ["100% sure"]);
        assert_eq!(found(&fx, "e_c").await, ["snake_case"]);
        assert_eq!(found(&fx, r"k\s").await, [r"back\slash"]);
        assert_eq!(found(&fx, "'s; drop").await, ["it's; DROP TABLE messages"]);
        assert_eq!(found(&fx, "%%").await, Vec::<String>::new());
        assert_eq!(found(&fx, "nul \0").await, Vec::<String>::new());
        assert_eq!(found(&fx, &"x".repeat(200_000)).await, Vec::<String>::new());
        assert_eq!(found(&fx, "").await.len(), 6);
    }

    async fn search_finds_words_in_any_case_the_newest_first(fx: Fixture) {
        let id = fx.conversation(fx.ada).await;
        for text in ["Ärger im Büro", "ANGER management", "anger again"] {
            say(&fx, id, &said(&fx, Author::User, None, text)).await;
        }
        assert_eq!(found(&fx, "Anger").await, ["anger again", "ANGER management"]);
        assert_eq!(found(&fx, "Ärger IM").await, ["Ärger im Büro"], "at least as it was written");
        let hits = search::messages(&fx.db, fx.ada.org, fx.ada.user, "anger", 1).await.unwrap();
        assert_eq!((hits.len(), hits[0].conversation, hits[0].title.as_str()), (1, id, "New chat"));
    }
}
