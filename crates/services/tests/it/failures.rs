//! Models and databases that fail in the middle: attempts, their end, and what readers see of it.

use contracts::{chat::Entry, page::PageQuery};
use domain::{Error, Idempotency, chat::Author, runs::RunStatus};
use services::jobs::WorkerSettings;
use std::time::Duration;
use testkit::{
    both_databases,
    db::{Database, Kind},
    model::{Gate, ScriptedAnswer, ScriptedModel},
};

use crate::{
    proxy::Proxy,
    stage::{Stage, completed, count, ending, shared, until},
};

/// Makes the database refuse frames with a word in them, as it does what it cannot store.
async fn poison(database: &Database, word: &str) {
    match database.kind() {
        Kind::Sqlite => {
            let refuse = format!("CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.data LIKE '%{word}%' BEGIN SELECT RAISE(ABORT, 'poison'); END");
            database.execute(&refuse).await;
        }
        Kind::Postgres => {
            let refuse = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$";
            database.execute(refuse).await;
            let when = format!("CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.data LIKE '%{word}%') EXECUTE FUNCTION poison()");
            database.execute(&when).await;
        }
    }
}

async fn cure(database: &Database) {
    database.execute(if database.kind() == Kind::Sqlite { "DROP TRIGGER poison" } else { "DROP TRIGGER poison ON events" }).await;
}

both_databases! {
    async fn a_model_that_fails_for_a_moment_is_asked_again(stage: Stage) {
        let model = ScriptedModel::new([ScriptedAnswer::new().opened().words("first ").fail("model_cut", true), ScriptedAnswer::text("the second time")]).restarting();
        let process = stage.process("scripted", shared(model)).await;
        let sent = stage.say("go").await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [("the second time".to_owned(), false)]);
        assert_eq!((count(&frames, "run.resumed"), count(&frames, "message.reset"), ending(&frames)), (1, 1, (RunStatus::Succeeded, None)));
        assert_eq!(stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().attempt, 2);
        process.drain().await;
    }

    async fn a_model_that_refuses_ends_the_run_and_it_can_be_asked_again(stage: Stage) {
        let answers = [ScriptedAnswer::new().opened().words("half ").fail("model_refused_request", false), ScriptedAnswer::text("whole")];
        let process = stage.scripted(answers).await;
        let first = stage.say("go").await;
        let frames = stage.read(first.run_id).await;
        assert_eq!(ending(&frames), (RunStatus::Failed, Some("model_refused_request".to_owned())));
        assert_eq!(completed(&frames), [("half ".to_owned(), true)], "what was shown is kept");

        let mut once = stage.ctx.clone();
        once.idempotency = Some(Idempotency { key: "k".into(), fingerprint: "f".into() });
        let again = stage.services().chat.retry(&once, first.run_id).await.unwrap();
        assert_eq!(stage.services().chat.retry(&once, first.run_id).await.unwrap(), again, "repeated, it counts once");
        assert_eq!(again.message_id, first.message_id);
        assert_ne!(again.run_id, first.run_id);
        assert_eq!(completed(&stage.read(again.run_id).await), [("whole".to_owned(), false)]);
        let messages = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items;
        assert_eq!(messages.iter().map(|message| (message.author, message.text.as_str())).collect::<Vec<_>>(), [(Author::User, "go"), (Author::Agent, "whole")]);
        let page = stage.services().chat.transcript(&stage.ctx, stage.conversation).await.unwrap();
        assert!(matches!(page.entries.as_slice(), [Entry::Message(_), Entry::Run(run)] if run.run_id == again.run_id));
        assert!(matches!(stage.services().chat.retry(&stage.ctx, first.run_id).await, Err(Error::NotFound(_))), "that run answers nothing any more");
        assert_eq!(stage.read(first.run_id).await, frames, "and its frames stay");
        process.drain().await;
    }

    async fn only_the_last_message_is_answered_again(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::failure("model_refused_request", false), ScriptedAnswer::text("fine")]).await;
        let first = stage.say("one").await;
        stage.read(first.run_id).await;
        let second = stage.say("two").await;
        stage.read(second.run_id).await;
        assert!(matches!(stage.services().chat.retry(&stage.ctx, first.run_id).await, Err(Error::Conflict { code: "not_last", .. })));
        process.drain().await;
    }

    async fn a_write_that_the_database_refuses_leaves_no_hole(stage: Stage) {
        let words: Vec<String> = (0..400).map(|n| if n == 60 { "poison ".to_owned() } else { format!("word{n} ") }).collect();
        // Slow enough for several commits, and quick enough for more to come in while one is refused.
        let answer = words.iter().fold(ScriptedAnswer::new().opened(), |answer, word| answer.piece(word).pause(Duration::from_micros(300))).done();
        poison(&stage.fx.database, "poison").await;
        let process = stage.process("scripted", shared(ScriptedModel::new(vec![answer; 5]))).await;
        let sent = stage.say("go").await;
        until("the first refusal", async || stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().attempt > 1).await;
        cure(&stage.fx.database).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [(words.concat(), false)]);
        assert_eq!(ending(&frames), (RunStatus::Succeeded, None));
        process.drain().await;
    }

    async fn a_run_that_cannot_be_stored_takes_no_other_with_it(stage: Stage) {
        let (held, gate) = (Gate::default(), Gate::default());
        let answers = [
            ScriptedAnswer::new().opened().words("fine ").wait(&held).words("and well").done(),
            ScriptedAnswer::new().opened().words("a ").wait(&gate).words("poison pill").done(),
        ];
        let model = ScriptedModel::new(answers);
        let process = stage.process("scripted", shared(model)).await;
        let good = stage.say("one").await;
        stage.shown(good.run_id, 1).await;
        let conversation = stage.another_conversation().await;
        let bad = stage.say_in(conversation, "two").await;
        stage.shown(bad.run_id, 1).await;
        poison(&stage.fx.database, "poison").await;
        held.open();
        gate.open();
        let frames = stage.read(good.run_id).await;
        assert_eq!((completed(&frames), count(&frames, "run.resumed")), (vec![("fine and well".to_owned(), false)], 0));
        until("the refusal", async || stage.services().runs.get(&stage.ctx, bad.run_id).await.unwrap().attempt > 1).await;
        cure(&stage.fx.database).await;
        assert_eq!(completed(&stage.read(bad.run_id).await), [("a poison pill".to_owned(), false)]);
        process.drain().await;
    }

    async fn a_process_that_loses_its_database_loses_no_run(stage: Stage) {
        let gate = Gate::default();
        let answer = || ScriptedAnswer::new().opened().words("kept, ").wait(&gate).words("and gone on").done();
        let short = |settings: &mut WorkerSettings| (settings.lease, settings.heartbeat) = (Duration::from_secs(2), Duration::from_millis(500));
        let first = stage.process_with("cut off", shared(ScriptedModel::new([answer()])), short).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 1).await;
        // Nothing that it writes from now on is stored, and it cannot even say so.
        first.db.close().await;
        gate.open();
        tokio::time::sleep(Duration::from_millis(200)).await;
        first.kill();
        let second = stage.process_with("second", shared(ScriptedModel::new([answer()]).restarting()), short).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!((completed(&frames), ending(&frames).0), (vec![("kept, and gone on".to_owned(), false)], RunStatus::Succeeded));
        second.drain().await;
    }
}

#[test]
fn a_commit_whose_answer_is_lost_shows_nothing_twice() {
    testkit::db::run(Kind::Postgres, async |stage: Stage| {
        let proxy = Proxy::start(&stage.fx.database).await;
        let words: Vec<String> = (0..600).map(|n| format!("word{n} ")).collect();
        let answer = words.iter().fold(ScriptedAnswer::new().opened(), |answer, word| answer.piece(word).pause(Duration::from_millis(2))).done();
        let short = |settings: &mut WorkerSettings| (settings.lease, settings.heartbeat) = (Duration::from_secs(2), Duration::from_millis(500));
        let process = stage.process_at(&proxy.url, "behind the proxy", shared(ScriptedModel::new(vec![answer; 9])), short).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 40).await;
        proxy.swallow(true);
        tokio::time::sleep(Duration::from_millis(150)).await;
        proxy.swallow(false);
        let frames = stage.read(sent.run_id).await;
        assert!(proxy.swallowed() > 0, "no answer was lost");
        assert_eq!(completed(&frames), [(words.concat(), false)]);
        assert_eq!((ending(&frames).0, count(&frames, "message.reset")), (RunStatus::Succeeded, 0));
        assert!(count(&frames, "run.resumed") > 0, "the run was taken up from what is stored");
        process.drain().await;
    });
}
