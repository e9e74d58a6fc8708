//! Telling of commits: in one process at once, and on Postgres to every other one, broken connections included.

use std::{future::Future, time::Duration};

use storage::{
    Db,
    wake::{Fresh, Topic},
};
use testkit::{
    both_databases,
    db::{Database, Kind},
    fixtures::Fixture,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than a notification takes, shorter than a reader's own patience.
const SOON: Duration = Duration::from_secs(5);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("{what} did not happen within {SOON:?}"))
}

/// A connection that tells and hears, as every process has one.
async fn process(database: &Database, tasks: &mut JoinSet<()>, stop: &CancellationToken) -> Db {
    let db = database.connect().await;
    let (listening, stop) = (db.clone(), stop.clone());
    tasks.spawn(async move { listening.wake().listen(stop).await });
    // Whoever begins to listen is woken once.
    if database.kind() == Kind::Postgres {
        let mut first = db.wake().subscribe(Topic::Jobs);
        soon("listening", first.changed()).await;
    }
    db
}

/// Whether nothing is heard for a while.
async fn quiet(mut place: storage::wake::Subscription) -> bool {
    tokio::time::timeout(Duration::from_millis(300), place.changed()).await.is_err()
}

both_databases! {
    async fn a_commit_wakes_the_readers_of_this_process(fx: Fixture) {
        let (run, lease) = fx.held_run().await;
        let topic = Topic::Stream(run.run.to_string());
        let mut reader = fx.db.wake().subscribe(topic.clone());
        let other = fx.db.wake().subscribe(Topic::Control(run.run));
        assert!(matches!(reader.fresh(0), Fresh::Unknown(_)));
        let mut tx = fx.db.begin().await.unwrap();
        let end = storage::runs::End { ending: domain::runs::Ending::Succeeded, error: None, items: "[]".into(), before: vec![] };
        let told = storage::runs::end(&mut tx, lease, end).await.unwrap();
        tx.commit().await.unwrap();
        fx.db.wake().committed(&told.stream, &told.frames);
        soon("the wake", reader.changed()).await;
        assert!(matches!(reader.fresh(0), Fresh::Frames(frames) if frames == told.frames));
        assert!(matches!(reader.fresh(1), Fresh::Nothing));
        assert!(quiet(other).await);
        fx.db.wake().tell(topic);
        soon("the wake", reader.changed()).await;
        // A reader that is dropped while it asks the database asks again: the doubt stands until it has read.
        let Fresh::Unknown(doubt) = reader.fresh(1) else { panic!("another process may have committed") };
        assert!(matches!(reader.fresh(1), Fresh::Unknown(same) if same == doubt));
        reader.has_read(doubt);
        assert!(matches!(reader.fresh(1), Fresh::Nothing));
        reader.doubt();
        assert!(matches!(reader.fresh(1), Fresh::Unknown(_)));
    }

    async fn the_round_trip_works(database: Database) {
        let took = database.db().wake().round_trip(SOON).await.unwrap();
        assert!(took < SOON);
    }
}

/// A test that has no meaning on a database of one process.
macro_rules! on_postgres {
    ($(async fn $name:ident($arg:ident: $kind:ty) $body:block)+) => {$(
        #[test]
        fn $name() {
            async fn body($arg: $kind) $body
            testkit::db::run(Kind::Postgres, body);
        }
    )+};
}

on_postgres! {
    async fn a_commit_wakes_the_readers_of_other_processes(database: Database) {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let (a, b) = (process(&database, &mut tasks, &stop).await, process(&database, &mut tasks, &stop).await);
        for round in 0..20 {
            let (from, to) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
            let topic = Topic::Stream(format!("stream-{round}"));
            let (mut reader, bystander) = (to.wake().subscribe(topic.clone()), to.wake().subscribe(Topic::Stream("another".into())));
            from.wake().tell(topic);
            soon("hearing it", reader.changed()).await;
            assert!(matches!(reader.fresh(0), Fresh::Unknown(_)));
            assert!(round > 0 || quiet(bystander).await);
        }
        let mut jobs = b.wake().subscribe(Topic::Jobs);
        a.wake().tell(Topic::Jobs);
        soon("hearing of jobs", jobs.changed()).await;
        stop.cancel();
        soon("the end of listening", tasks.join_all()).await;
    }

    async fn many_topics_are_told_of_in_few_notifications(database: Database) {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let (a, b) = (process(&database, &mut tasks, &stop).await, process(&database, &mut tasks, &stop).await);
        let topics: Vec<_> = (0..1_000).map(|n| Topic::Stream(format!("0192f0c1-2345-7abc-8def-{n:012}"))).collect();
        let mut places: Vec<_> = topics.iter().map(|topic| b.wake().subscribe(topic.clone())).collect();
        for topic in topics {
            a.wake().tell(topic);
        }
        for place in &mut places {
            soon("hearing all", place.changed()).await;
        }
        stop.cancel();
    }

    async fn a_broken_connection_is_noticed_and_mended(database: Database) {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let (a, b) = (process(&database, &mut tasks, &stop).await, process(&database, &mut tasks, &stop).await);
        for _ in 0..2 {
            let mut reader = b.wake().subscribe(Topic::Stream("s".into()));
            database.execute("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'").await;
            soon("noticing the break", reader.changed()).await;
            // While nobody listens, everybody is woken again and again.
            a.wake().tell(Topic::Stream("s".into()));
            soon("hearing by polling", reader.changed()).await;
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            let mut reader = b.wake().subscribe(Topic::Stream("t".into()));
            a.wake().tell(Topic::Stream("t".into()));
            soon("hearing again", reader.changed()).await;
            assert!(quiet(reader).await, "and polling has ended");
        }
        stop.cancel();
    }
}
