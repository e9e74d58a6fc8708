//! Workers that die, drain, sleep and lose their leases in the middle of an answer: whoever goes on, the reader sees one
//! clean answer, and nobody who lost the run writes into it.

use std::time::Duration;

use adapters::{PracticeModel, PracticeSpeed};
use domain::runs::RunStatus;
use services::jobs::WorkerSettings;
use testkit::{
    both_databases,
    db::Kind,
    model::{Gate, ScriptedAnswer, ScriptedModel},
};

use crate::stage::{Stage, completed, count, ending, shared, soon, until};

/// Slow enough to be caught in the middle.
fn slowly() -> PracticeModel {
    PracticeModel::new(PracticeSpeed::Every(Duration::from_millis(15)))
}

fn numbers(most: u32) -> String {
    (1..=most).map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

/// Leases that are over soon after their worker is.
fn short(settings: &mut WorkerSettings) {
    (settings.lease, settings.heartbeat) = (Duration::from_secs(2), Duration::from_millis(400));
}

/// A lease that only a test takes away, and no room for another.
fn no_heartbeat(settings: &mut WorkerSettings) {
    (settings.lease, settings.heartbeat, settings.slots) = (Duration::from_mins(10), Duration::from_mins(10), 1);
}

/// The first lease of every job is over, as after a long sleep.
const EXPIRE: &str = "UPDATE jobs SET lease_until = 0 WHERE status = 'running' AND lease_epoch = 1";

both_databases! {
    async fn after_a_kill_the_answer_goes_on_at_the_same_token(stage: Stage) {
        let first = stage.process_with("first", shared(slowly()), short).await;
        let sent = stage.say("Count to 90").await;
        stage.shown(sent.run_id, 12).await;
        first.kill();
        let second = stage.process_with("second", shared(slowly()), short).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [(numbers(90), false)]);
        assert_eq!((count(&frames, "run.resumed"), count(&frames, "message.reset"), count(&frames, "message.started")), (1, 0, 1));
        assert_eq!(ending(&frames), (RunStatus::Succeeded, None));
        assert_eq!(stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().attempt, 1, "a lost lease costs no attempt");
        second.drain().await;
    }

    async fn killed_again_and_again_it_still_completes(stage: Stage) {
        let sent = stage.say("Count to 120").await;
        for round in 1..=3 {
            let process = stage.process_with("mortal", shared(slowly()), short).await;
            stage.shown(sent.run_id, round * 25).await;
            process.kill();
        }
        let last = stage.process_with("last", shared(slowly()), short).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [(numbers(120), false)]);
        assert_eq!((count(&frames, "message.reset"), ending(&frames).0), (0, RunStatus::Succeeded));
        last.drain().await;
    }

    async fn a_model_that_cannot_go_on_starts_anew_behind_a_reset(stage: Stage) {
        let gate = Gate::default();
        let stuck = ScriptedModel::new([ScriptedAnswer::new().opened().words("half an ").wait(&gate).words("answer").done()]).restarting();
        let first = stage.process_with("first", shared(stuck), short).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 2).await;
        first.kill();
        let second = stage.process_with("second", shared(ScriptedModel::new([ScriptedAnswer::text("a whole answer")]).restarting()), short).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [("a whole answer".to_owned(), false)]);
        assert_eq!((count(&frames, "message.reset"), count(&frames, "message.started")), (1, 1));
        second.drain().await;
    }

    async fn a_drained_worker_hands_the_answer_over_at_once(stage: Stage) {
        let first = stage.process("first", shared(slowly())).await;
        let sent = stage.say("Count to 90").await;
        stage.shown(sent.run_id, 10).await;
        first.drain().await;
        assert_eq!(stage.status(sent.run_id).await, RunStatus::Queued);
        let shown = stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().last_seq;
        let second = stage.process("second", shared(slowly())).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [(numbers(90), false)]);
        assert!(i64::try_from(frames.len()).unwrap() > shown && shown > 10);
        assert_eq!((count(&frames, "run.resumed"), count(&frames, "message.reset")), (1, 0));
        assert_eq!(stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().attempt, 1);
        second.drain().await;
    }

    async fn whoever_lost_the_run_writes_nothing_more(stage: Stage) {
        let gate = Gate::default();
        let late = ScriptedModel::new([ScriptedAnswer::new().opened().words("from the first, ").wait(&gate).words("and too-late").done()]).restarting();
        let first = stage.process_with("first", shared(late), no_heartbeat).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 3).await;
        stage.fx.database.execute(EXPIRE).await;
        // On SQLite, where a second process has no business, its start takes everything back.
        let held = Gate::default();
        let other = ScriptedModel::new([ScriptedAnswer::new().opened().words("from the ").wait(&held).words("second").done()]).restarting();
        let second = stage.process_with("second", shared(other), no_heartbeat).await;
        stage.shown(sent.run_id, 5).await;
        gate.open();
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.open();
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [("from the second".to_owned(), false)]);
        assert!(frames.iter().all(|frame| !frame.event.data().contains("too-late")), "{frames:#?}");
        assert_eq!((count(&frames, "message.reset"), ending(&frames).0), (1, RunStatus::Succeeded));
        assert_eq!(stage.fx.database.texts("SELECT body FROM messages WHERE author = 'agent'").await, ["from the second"]);
        second.drain().await;
        first.drain().await;
    }

    async fn a_process_that_slept_may_take_its_own_run_again(stage: Stage) {
        let (late, held) = (Gate::default(), Gate::default());
        let model = ScriptedModel::new([
            ScriptedAnswer::new().opened().words("before the sleep, ").wait(&late).words("and too-late").done(),
            ScriptedAnswer::new().opened().words("after ").wait(&held).words("it").done(),
        ])
        .restarting();
        let often = |settings: &mut WorkerSettings| (settings.lease, settings.heartbeat) = (Duration::from_secs(3), Duration::from_millis(600));
        let process = stage.process_with("sleeper", shared(model), often).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 3).await;
        // As if the machine had been suspended: the lease is over, and the process's own reaper sees it first.
        until("the loss", async || {
            stage.fx.database.execute(EXPIRE).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            stage.fx.database.texts("SELECT CAST(lease_epoch AS TEXT) FROM jobs").await != ["1"]
        })
        .await;
        stage.shown(sent.run_id, 4).await;
        late.open();
        // The late writes and those of the new claim now come from one process; its heartbeat must keep the new lease.
        tokio::time::sleep(Duration::from_secs(4)).await;
        held.open();
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [("after it".to_owned(), false)]);
        assert!(frames.iter().all(|frame| !frame.event.data().contains("too-late")), "{frames:#?}");
        assert_eq!((count(&frames, "message.reset"), count(&frames, "run.resumed"), ending(&frames).0), (1, 1, RunStatus::Succeeded));
        process.drain().await;
    }

    async fn a_run_that_kills_every_worker_is_given_up(stage: Stage) {
        let sent = stage.say("go").await;
        for round in 0..3 {
            let process = stage.process_with("doomed", shared(ScriptedModel::new([ScriptedAnswer::new().stall()])), short).await;
            until("the claim", async || stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap().last_seq > round).await;
            process.kill();
        }
        let last = stage.process_with("last", shared(ScriptedModel::new([])), short).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(ending(&frames), (RunStatus::Failed, Some("worker_lost".to_owned())));
        assert_eq!(stage.services().chat.get(&stage.ctx, stage.conversation).await.unwrap().active_run, None);
        last.drain().await;
    }
}

#[test]
fn two_workers_share_the_work() {
    testkit::db::run(Kind::Postgres, async |stage: Stage| {
        let [first, second] = [stage.process("first", shared(slowly())).await, stage.process("second", shared(slowly())).await];
        let mut runs = Vec::new();
        for n in 0..16 {
            let conversation = stage.another_conversation().await;
            runs.push((n, stage.say_in(conversation, &format!("Count to {}", 20 + n)).await.run_id));
        }
        for (n, run) in runs {
            let frames = stage.read(run).await;
            assert_eq!(completed(&frames), [(numbers(20 + n), false)]);
            assert_eq!((count(&frames, "run.started"), count(&frames, "run.resumed")), (1, 0));
        }
        let workers = stage.fx.database.texts("SELECT DISTINCT worker FROM jobs WHERE kind = 'run_turn'").await;
        assert!((1..=2).contains(&workers.len()), "{workers:?}");
        soon("both drains", async { tokio::join!(first.drain(), second.drain()) }).await;
    });
}

#[test]
fn one_of_two_workers_dies_and_the_other_takes_over() {
    testkit::db::run(Kind::Postgres, async |stage: Stage| {
        let first = stage.process_with("first", shared(slowly()), short).await;
        let mut runs = Vec::new();
        for _ in 0..6 {
            let conversation = stage.another_conversation().await;
            runs.push(stage.say_in(conversation, "Count to 100").await.run_id);
        }
        for run in &runs {
            stage.shown(*run, 3).await;
        }
        let second = stage.process_with("second", shared(slowly()), short).await;
        first.kill();
        for run in runs {
            let frames = stage.read(run).await;
            assert_eq!(completed(&frames), [(numbers(100), false)]);
            assert_eq!((count(&frames, "run.resumed"), count(&frames, "message.reset")), (1, 0));
        }
        second.drain().await;
    });
}
