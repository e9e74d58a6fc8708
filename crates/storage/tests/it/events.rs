//! Streams: places without gaps, whoever writes at once; nothing from what was taken back.

use std::time::Duration;

use contracts::{
    StreamEvent,
    stream::{ConversationChanged, ConversationRenamed, RunStarted},
};
use domain::{
    chat::TitleSource,
    runs::{Ending, RunKind},
};
use storage::{
    Db, StoreError,
    events::{self, StoredFrame, Stream, append},
    runs,
};
use testkit::{both_databases, fixtures::Fixture, ids::Dice};
use tokio::task::JoinSet;

use crate::unit;

fn renamed(title: &str) -> StreamEvent {
    ConversationRenamed { title: title.into(), source: TitleSource::User }.into()
}

fn seqs(frames: &[StoredFrame]) -> Vec<i64> {
    frames.iter().map(|frame| frame.seq).collect()
}

/// Follows streams while they are written: whoever has seen n has seen everything up to n.
async fn follow(db: Db, stream: Stream, until: i64) {
    let mut seen = 0;
    while seen < until {
        let frames = events::after(&db, stream, seen, 7).await.unwrap();
        for frame in &frames {
            assert_eq!(frame.seq, seen + 1, "a gap");
            seen = frame.seq;
        }
        let last = events::last_seq(&db, stream).await.unwrap().unwrap();
        assert!(last >= seen);
        tokio::task::yield_now().await;
    }
}

both_databases! {
    async fn a_stream_counts_from_one(fx: Fixture) {
        let stream = Stream::Conversation(fx.conversation(fx.ada).await);
        assert_eq!(events::last_seq(&fx.db, stream).await.unwrap(), Some(0));
        let told = unit!(fx.db, tx => append(&mut tx, stream, &[renamed("a"), renamed("b")]).await).unwrap();
        assert_eq!((told.stream.clone(), seqs(&told.frames)), (stream.id(), vec![1, 2]));
        let more = unit!(fx.db, tx => append(&mut tx, stream, &[renamed("ü\n\"\0")]).await).unwrap();
        assert_eq!(seqs(&more.frames), [3]);
        assert!(unit!(fx.db, tx => append(&mut tx, stream, &[]).await).unwrap().frames.is_empty());
        assert_eq!(told.frames[1], StoredFrame::of(2, &renamed("b"), told.frames[0].at), "one unit of work has one instant");
        let stored = events::after(&fx.db, stream, 0, 10).await.unwrap();
        assert_eq!(stored, [told.frames, more.frames].concat());
        assert_eq!(stored[2].read().unwrap().event, renamed("ü\n\"\0"));
        assert_eq!(seqs(&events::after(&fx.db, stream, 1, 1).await.unwrap()), [2]);
        assert!(events::after(&fx.db, stream, 3, 10).await.unwrap().is_empty());
        assert_eq!(events::last_seq(&fx.db, stream).await.unwrap(), Some(3));
    }

    async fn streams_count_for_themselves(fx: Fixture) {
        let conversation = fx.conversation(fx.ada).await;
        let streams = [Stream::Conversation(conversation), Stream::Organization(fx.ada.org)];
        for (n, stream) in streams.into_iter().enumerate() {
            for _ in 0..=n {
                unit!(fx.db, tx => append(&mut tx, stream, &[renamed("x")]).await).unwrap();
            }
        }
        assert_eq!(events::last_seq(&fx.db, streams[0]).await.unwrap(), Some(1));
        assert_eq!(events::last_seq(&fx.db, streams[1]).await.unwrap(), Some(2));
        let (run, lease) = fx.held_run().await;
        assert_eq!(events::last_seq(&fx.db, Stream::Run(run.run)).await.unwrap(), Some(0));
        let mut tx = fx.db.begin().await.unwrap();
        let end = runs::End { ending: Ending::Succeeded, error: None, items: "[]".into(), before: vec![] };
        let told = runs::end(&mut tx, lease, end).await.unwrap();
        assert_eq!(events::after_in(&mut tx, run.run, 0, 9).await.unwrap(), told.frames, "the unit of work sees its own");
        assert!(events::after_in(&mut tx, run.run, 1, 9).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        assert_eq!(events::last_seq(&fx.db, Stream::Run(run.run)).await.unwrap(), Some(1));
    }

    async fn there_is_no_stream_without_an_owner(fx: Fixture) {
        let nobody = Stream::Conversation(fx.id());
        assert!(matches!(unit!(fx.db, tx => append(&mut tx, nobody, &[renamed("x")]).await), Err(StoreError::Corrupt(_))));
        assert_eq!(events::last_seq(&fx.db, nobody).await.unwrap(), None);
        assert_eq!(events::last_seq(&fx.db, Stream::Run(fx.id())).await.unwrap(), None);
        assert!(events::after(&fx.db, nobody, 0, 10).await.unwrap().is_empty());
    }

    async fn what_is_taken_back_leaves_no_gap(fx: Fixture) {
        let stream = Stream::Conversation(fx.conversation(fx.ada).await);
        unit!(fx.db, tx => append(&mut tx, stream, &[renamed("kept")]).await).unwrap();
        let mut tx = fx.db.begin().await.unwrap();
        append(&mut tx, stream, &[renamed("lost"), renamed("lost")]).await.unwrap();
        drop(tx);
        unit!(fx.db, tx => append(&mut tx, stream, &[renamed("kept too")]).await).unwrap();
        assert_eq!(seqs(&events::after(&fx.db, stream, 0, 10).await.unwrap()), [1, 2]);
    }

    async fn many_writers_leave_no_gap_and_readers_miss_nothing(fx: Fixture) {
        let streams = [Stream::Conversation(fx.conversation(fx.ada).await), Stream::Conversation(fx.conversation(fx.ada).await)];
        let organization = Stream::Organization(fx.ada.org);
        let mut writers = JoinSet::new();
        for n in 0..6_u64 {
            let db = if n % 2 == 0 { fx.db.clone() } else { fx.database.connect().await };
            let (org, user, conversation) = (fx.ada.org, fx.ada.user, fx.id());
            writers.spawn(async move {
                let (mut dice, mut kept) = (Dice::new(n), [0_i64; 3]);
                for round in 0..25 {
                    let which = dice.below(2);
                    let mut tx = db.begin().await.unwrap();
                    let some: Vec<_> = (0..=dice.below(3)).map(|_| renamed(&format!("{n} {round}"))).collect();
                    append(&mut tx, streams[which], &some).await.unwrap();
                    let changed = ConversationChanged { conversation_id: conversation, user_id: user, deleted: false }.into();
                    append(&mut tx, Stream::Organization(org), &[changed]).await.unwrap();
                    // Others wait for the rows meanwhile, and some units are taken back.
                    tokio::time::sleep(Duration::from_micros(dice.next() % 500)).await;
                    if dice.percent(75) {
                        tx.commit().await.unwrap();
                        kept[which] += i64::try_from(some.len()).unwrap();
                        kept[2] += 1;
                    }
                }
                kept
            });
        }
        let stop = tokio_util::sync::CancellationToken::new();
        let mut readers = JoinSet::new();
        for stream in [streams[0], streams[1], organization] {
            let (db, stop) = (fx.db.clone(), stop.clone());
            readers.spawn(async move { stop.run_until_cancelled(follow(db, stream, i64::MAX)).await });
        }
        let kept = writers.join_all().await.into_iter().fold([0; 3], |sum, kept| [sum[0] + kept[0], sum[1] + kept[1], sum[2] + kept[2]]);
        stop.cancel();
        readers.join_all().await;
        for (stream, count) in [streams[0], streams[1], organization].into_iter().zip(kept) {
            assert_eq!(events::last_seq(&fx.db, stream).await.unwrap(), Some(count));
            follow(fx.db.clone(), stream, count).await;
        }
    }

    async fn a_frame_of_another_version_is_kept_as_it_is(fx: Fixture) {
        let stream = Stream::Organization(fx.ada.org);
        let started: StreamEvent = RunStarted { run_id: fx.id(), run_kind: RunKind::ChatTurn, agent: "Triage".into() }.into();
        unit!(fx.db, tx => append(&mut tx, stream, std::slice::from_ref(&started)).await).unwrap();
        fx.database.execute(&format!("INSERT INTO events (stream, seq, kind, data, at) VALUES ('{}', 2, 'from.the.future', '{{\"x\":1}}', 7)", stream.id())).await;
        let frames = events::after(&fx.db, stream, 0, 10).await.unwrap();
        assert_eq!(frames[0].read().unwrap().event, started);
        assert_eq!((&*frames[1].kind, &*frames[1].data, frames[1].at.micros(), frames[1].read()), ("from.the.future", "{\"x\":1}", 7, None));
    }
}
