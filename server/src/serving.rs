//! A running server: its listener, its workers, and how both come to an end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use services::{
    Services,
    jobs::{Worker, WorkerSettings},
};
use storage::Db;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    compose,
    config::Config,
    http::{self, listen},
    lifecycle::DataLock,
    state::AppState,
};

/// How often the edge forgets what it no longer needs to know.
const TIDY_EVERY: Duration = Duration::from_mins(1);

/// What a process does until it is told to stop.
pub struct Serving {
    addr: SocketAddr,
    url: String,
    stopping: CancellationToken,
    ended: JoinHandle<Result<()>>,
}

/// What is put away last, after everything that used it.
struct Ground {
    services: Services,
    db: Db,
    lock: Option<DataLock>,
}

impl Serving {
    /// Connects, migrates, listens; with workers in the same process unless others do their work.
    ///
    /// # Errors
    /// The address is taken, the database does not answer, or another process owns it.
    pub async fn start(config: Config, with_worker: bool) -> Result<Self> {
        compose::cryptography();
        let listener = TcpListener::bind(config.addr).await.with_context(|| format!("listening on {}", config.addr))?;
        let addr = listener.local_addr()?;
        let config = Arc::new(config.listening_on(addr));
        let (db, lock) = compose::database(&config).await?;
        if !with_worker && !db.is_shared() {
            return Err(anyhow!("--no-worker needs Postgres: on SQLite no other process can do the work"));
        }
        let services = compose::services(db.clone(), &config)?;
        let stopping = CancellationToken::new();
        http::metrics::start();
        let state = AppState::new(services.clone(), Arc::clone(&config), stopping.clone(), compose::clock(), compose::ids());
        let tasks = TaskTracker::new();
        let edge = tasks.spawn(listen::serve(listener, http::router(&state), stopping.clone()));
        tasks.spawn(tidy(state, stopping.clone()));
        let worker = with_worker.then(|| work(&services, "serve", &stopping, &tasks));
        let ground = Ground { services, db, lock };
        let url = config.public_url.origin().to_owned();
        let ended = tasks.spawn(ground.hold(worker, Some(edge), stopping.clone(), tasks.clone()));
        Ok(Self { addr, url, stopping, ended })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address for people.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cancelled when it is time to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Waits until everything that was under way has come to an end.
    ///
    /// # Errors
    /// What made it stop, when nobody asked it to.
    pub async fn ended(self) -> Result<()> {
        self.ended.await.context("the server")?
    }

    /// Stops and waits for the end.
    ///
    /// # Errors
    /// As [`Serving::ended`].
    pub async fn stop(self) -> Result<()> {
        self.stopping.cancel();
        self.ended().await
    }
}

/// Works off jobs only, until `stopping`.
///
/// # Errors
/// The database is not shared, or does not answer.
pub async fn work_only(config: &Config, stopping: CancellationToken) -> Result<()> {
    compose::cryptography();
    let (db, lock) = compose::database(config).await?;
    if !db.is_shared() {
        return Err(anyhow!("`troupe worker` needs Postgres: on SQLite, `troupe serve` does the work itself"));
    }
    let services = compose::services(db.clone(), config)?;
    let tasks = TaskTracker::new();
    let worker = work(&services, "worker", &stopping, &tasks);
    Ground { services, db, lock }.hold(Some(worker), None, stopping, tasks).await
}

fn work(services: &Services, role: &str, stopping: &CancellationToken, tasks: &TaskTracker) -> JoinHandle<domain::Result<()>> {
    let worker = Worker::new(services, WorkerSettings::named(format!("{role}-{}", std::process::id())));
    tasks.spawn(worker.run(stopping.clone()))
}

impl Ground {
    /// Keeps the shared commits and wakes going until workers and edge have ended, then puts everything away.
    async fn hold(
        self,
        worker: Option<JoinHandle<domain::Result<()>>>,
        edge: Option<JoinHandle<()>>,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Result<()> {
        let last = CancellationToken::new();
        let background = {
            let (services, last) = (self.services.clone(), last.clone());
            tasks.spawn(async move { services.run_background(last).await })
        };
        let worked = if let Some(worker) = worker {
            worker.await.context("the worker")?.context("the worker")
        } else {
            stopping.cancelled().await;
            Ok(())
        };
        // A server whose worker ended by itself would take messages and answer none.
        self.services.set_working(false);
        stopping.cancel();
        if let Some(edge) = edge {
            edge.await.context("the edge")?;
        }
        last.cancel();
        background.await.context("what runs in the background")?;
        self.db.close().await;
        drop(self.lock);
        worked
    }
}

async fn tidy(state: AppState, stopping: CancellationToken) {
    let metrics = http::metrics::start();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(TIDY_EVERY) => {
                state.limits.forget_old();
                metrics.run_upkeep();
            }
        }
    }
}
