//! `bench queue`: jobs that do nothing, from enqueue to done, through the real worker: claimed under a lease, ended one by one
//! in shared commits. In this process, with nothing beside it.
//!
//! Fails when a job is lost or is done without being claimed; never because of a figure.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use domain::{Clock as _, Ids as _, ids::JobId, runs::NotRunning};
use engine::{agent::Catalog, ports::SharedModel};
use futures::future::try_join_all;
use services::{
    Parts, Services,
    clock::{OrderedIds, SystemClock},
    jobs::{KINDS, NO_OP, Worker, WorkerSettings},
    models::Models,
};
use storage::{DatabaseSettings, Db, Durability, runs::NewJob, wake::Topic};
use tempfile::TempDir;
use testkit::model::ScriptedModel;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    place::Place,
    postgres::Postgres,
    report::{Series, Table, say},
};

/// How to measure.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// Jobs of each figure.
    #[arg(long, default_value_t = 20_000)]
    jobs: u32,
    /// Jobs that are enqueued in one transaction, where they are.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// Producers, where each job is enqueued by itself.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    producers: u32,
    /// Jobs that are timed one after the other.
    #[arg(long, default_value_t = 300)]
    timed: u32,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// On which databases: sqlite, sqlite-full, postgres.
    #[arg(long, value_delimiter = ',', default_value = "sqlite,sqlite-full,postgres")]
    databases: Vec<Kind>,
}

/// No figure takes so long.
const PATIENCE: Duration = Duration::from_mins(5);

/// A database and what its commits survive.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `SQLite`, `synchronous=NORMAL`.
    Sqlite,
    /// `SQLite`, `synchronous=FULL`.
    SqliteFull,
    /// Postgres.
    Postgres,
}

/// A worker at work on a fresh database.
struct Bench {
    db: Db,
    clock: Arc<SystemClock>,
    ids: Arc<OrderedIds>,
    drain: CancellationToken,
    stop: CancellationToken,
    working: JoinSet<domain::Result<()>>,
    background: JoinSet<()>,
    told: String,
    // Last, so that the server outlives its connections.
    _postgres: Option<Postgres>,
    _directory: TempDir,
}

/// The figures of one round.
#[derive(Default)]
struct Round {
    batched: f64,
    single: f64,
    start: Series,
    done: Series,
}

/// Measures each database.
pub async fn run(place: &Place, options: Options) -> Result<()> {
    let mut table = Table::new(&["", "jobs/s, batches", "jobs/s, single", "start p50 ms", "p99 ms", "done p50 ms", "p99 ms"]);
    let mut classes = Vec::new();
    for kind in &options.databases {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            let bench = Bench::start(place, *kind).await?;
            rounds.push(bench.round(&options).await?);
            classes.push(bench.told.clone());
            bench.end().await?;
        }
        let series = |number: fn(&Round) -> f64| rounds.iter().map(number).collect::<Series>();
        table.row([
            format!("{kind:?}").to_lowercase(),
            series(|round| round.batched).spread(0),
            series(|round| round.single).spread(0),
            series(|round| round.start.median()).spread(2),
            series(|round| round.start.quantile(0.99)).spread(1),
            series(|round| round.done.median()).spread(2),
            series(|round| round.done.quantile(0.99)).spread(1),
        ]);
    }
    classes.dedup();
    say("");
    for class in &classes {
        say(class);
    }
    say(format!(
        "{} jobs; medians of {} rounds [smallest-largest]. batches: {} jobs a transaction; single: one, by {} producers at once.",
        options.jobs, options.rounds, options.batch, options.producers
    ));
    say("start, done: one job at a time, seen by asking again and again, so a little late.\n");
    table.print();
    Ok(())
}

impl Bench {
    async fn start(place: &Place, kind: Kind) -> Result<Self> {
        let directory = place.scratch("queue")?;
        let sqlite = format!("sqlite:{}", directory.path().join("troupe.db").display());
        let (mut settings, postgres) = match kind {
            Kind::Postgres => {
                let postgres = Postgres::start(place, None).await?;
                (DatabaseSettings::new(postgres.create("troupe")?), Some(postgres))
            }
            _ => (DatabaseSettings::new(sqlite), None),
        };
        if kind == Kind::SqliteFull {
            settings.durability = Durability::Full;
        }
        let (clock, ids): (Arc<SystemClock>, Arc<OrderedIds>) = Default::default();
        let db = Db::connect(&settings, Arc::clone(&clock) as _).await?;
        db.migrate().await?;
        let class = match kind {
            Kind::Sqlite => "WAL, synchronous=NORMAL: survives kill -9, not power loss",
            Kind::SqliteFull => "WAL, synchronous=FULL: survives power loss",
            Kind::Postgres => "fsync and synchronous_commit on: survives power loss",
        };
        let version = db.version().await?;
        let told = format!("{}: {class}", version.split(" on ").next().unwrap_or(&version));
        let model = Models::free(Arc::new(ScriptedModel::new(Vec::new())) as SharedModel, "none");
        let services = Services::new(Parts { db: db.clone(), clock: clock.clone(), ids: ids.clone(), catalog: Catalog::builtin()?, models: model });
        let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
        let (mut working, mut background) = (JoinSet::new(), JoinSet::new());
        working.spawn(Worker::new(&services, WorkerSettings::named("bench")).run(drain.clone()));
        let listening = stop.clone();
        background.spawn(async move { services.run_background(listening).await });
        Ok(Self { db, clock, ids, drain, stop, working, background, told, _postgres: postgres, _directory: directory })
    }

    async fn round(&self, options: &Options) -> Result<Round> {
        self.through(options.jobs / 10, options.batch, 1).await?;
        let batched = self.through(options.jobs, options.batch, 2).await?;
        let single = self.through(options.jobs / 4, 1, options.producers).await?;
        let mut round = Round { batched, single, ..Round::default() };
        for _ in 0..options.timed {
            let (start, done) = self.one().await?;
            round.start.add_time(start);
            round.done.add_time(done);
        }
        Ok(round)
    }

    fn job(&self) -> NewJob {
        NewJob::new(JobId::from(self.ids.fresh(self.clock.now())), NO_OP, "{}")
    }

    /// Enqueues jobs and waits until all are done. Returns jobs a second.
    async fn through(&self, jobs: u32, batch: u32, producers: u32) -> Result<f64> {
        let started = Instant::now();
        try_join_all((0..producers).map(|_| self.produce(jobs / producers, batch))).await?;
        loop {
            // Counting costs more than a job: first the last one, then all.
            let depth = storage::runs::depth(&self.db).await?;
            if depth.queued + depth.running == 0 {
                return Ok(f64::from(jobs / producers * producers) / started.elapsed().as_secs_f64());
            }
            if started.elapsed() > PATIENCE {
                bail!("{} jobs are queued and {} run after {} s", depth.queued, depth.running, PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn produce(&self, jobs: u32, batch: u32) -> Result<()> {
        let mut left = jobs;
        while left > 0 {
            let mut tx = self.db.begin().await?;
            for _ in 0..batch.min(left) {
                if !storage::runs::enqueue(&mut tx, &self.job()).await? {
                    bail!("a job was not enqueued");
                }
            }
            tx.commit().await?;
            self.db.wake().tell(Topic::Jobs);
            left = left.saturating_sub(batch);
        }
        Ok(())
    }

    /// One job: how long after its commit it was claimed, and done.
    async fn one(&self) -> Result<(Duration, Duration)> {
        let job = self.job();
        let mut tx = self.db.begin().await?;
        storage::runs::enqueue(&mut tx, &job).await?;
        tx.commit().await?;
        let committed = Instant::now();
        self.db.wake().tell(Topic::Jobs);
        let mut claimed = None;
        while committed.elapsed() < PATIENCE {
            match storage::runs::why(&self.db, job.id, KINDS).await? {
                NotRunning::Worker => {}
                NotRunning::Running => {
                    claimed.get_or_insert_with(|| committed.elapsed());
                }
                NotRunning::Ended => {
                    let done = committed.elapsed();
                    return Ok((claimed.unwrap_or(done), done));
                }
                other => bail!("a job that nothing holds back: {other:?}"),
            }
        }
        bail!("a job was not done within {} s", PATIENCE.as_secs())
    }

    async fn end(mut self) -> Result<()> {
        self.drain.cancel();
        self.working.join_next().await.context("no worker")???;
        self.stop.cancel();
        while self.background.join_next().await.is_some() {}
        self.db.close().await;
        Ok(())
    }
}
