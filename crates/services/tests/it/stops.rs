//! Stopping: wherever the run is, it ends once, keeps what was shown, and frees its conversation.

use contracts::page::PageQuery;
use domain::runs::RunStatus;
use testkit::{
    both_databases,
    model::{Gate, ScriptedAnswer},
};

use crate::stage::{Stage, completed, count, ending, until};

both_databases! {
    async fn a_stopped_answer_keeps_what_was_shown(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::new().opened().words("as far as this ").stall()]).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 4).await;
        stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap();
        let frames = stage.read(sent.run_id).await;
        assert_eq!((completed(&frames), ending(&frames)), (vec![("as far as this ".to_owned(), true)], (RunStatus::Cancelled, None)));
        let messages = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items;
        assert_eq!(messages.last().map(|message| (message.text.as_str(), message.partial)), Some(("as far as this ", true)));
        assert_eq!(stage.services().chat.get(&stage.ctx, stage.conversation).await.unwrap().active_run, None);
        let again = stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap();
        assert_eq!((again.status, again.last_seq), (RunStatus::Cancelled, i64::try_from(frames.len()).unwrap()));
        process.drain().await;
    }

    async fn a_run_that_no_worker_took_is_stopped_at_once(stage: Stage) {
        let sent = stage.say("go").await;
        assert_eq!(stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap().status, RunStatus::Cancelled);
        let frames = stage.read(sent.run_id).await;
        assert_eq!((frames.len(), ending(&frames)), (1, (RunStatus::Cancelled, None)));
        assert_eq!(stage.services().chat.get(&stage.ctx, stage.conversation).await.unwrap().active_run, None);
        stage.say("and on").await;
    }

    async fn a_run_between_two_attempts_is_stopped_at_once(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::new().opened().words("some ").fail("model_unavailable", true)]).await;
        let sent = stage.say("go").await;
        until("the first failure", async || stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().attempt == 2).await;
        stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap();
        let frames = stage.read(sent.run_id).await;
        assert_eq!((completed(&frames), ending(&frames).0), (vec![("some ".to_owned(), true)], RunStatus::Cancelled));
        process.drain().await;
    }

    async fn a_stop_in_another_process_is_heard(stage: Stage) {
        // The verbs of the stage have a connection of their own: on Postgres, another process.
        let gate = Gate::default();
        let process = stage.process_with("deaf", crate::stage::shared(testkit::model::ScriptedModel::new([ScriptedAnswer::new().opened().words("x ").wait(&gate).done()])), |settings| {
            settings.heartbeat = std::time::Duration::from_millis(300);
        })
        .await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 1).await;
        stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap();
        assert_eq!(ending(&stage.read(sent.run_id).await).0, RunStatus::Cancelled);
        process.drain().await;
    }

    async fn a_stop_that_the_dead_did_not_hear_is_heard_by_the_next(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::new().opened().words("some ").stall()]).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 1).await;
        process.kill();
        assert_eq!(stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap().status, RunStatus::Running);
        stage.fx.outlive_leases();
        let next = stage.scripted([]).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!((completed(&frames), ending(&frames).0, count(&frames, "run.resumed")), (vec![("some ".to_owned(), true)], RunStatus::Cancelled, 1));
        next.drain().await;
    }

    async fn many_are_stopped_at_once(stage: Stage) {
        let mut runs = Vec::new();
        for _ in 0..24 {
            let conversation = stage.another_conversation().await;
            runs.push(stage.say_in(conversation, "go").await.run_id);
        }
        // More than there are connections: nobody may hold one and wait for a second.
        let services = stage.services();
        let stopped = futures::future::join_all(runs.iter().map(|run| services.runs.cancel(&stage.ctx, *run))).await;
        assert!(stopped.iter().all(|run| run.as_ref().is_ok_and(|run| run.status == RunStatus::Cancelled)), "{stopped:?}");
    }

    async fn deleting_a_conversation_stops_its_answer(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::new().opened().words("some ").stall()]).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 1).await;
        stage.services().chat.delete(&stage.ctx, stage.conversation).await.unwrap();
        until("the end", async || stage.fx.database.texts("SELECT status FROM runs").await == ["cancelled"]).await;
        process.drain().await;
    }
}
