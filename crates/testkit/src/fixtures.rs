//! Fixtures: people, conversations, runs and jobs, quickly and without ceremony.
//!
//! [`Fixture`] works on storage, as tests of the kernel need it; [`Fixture::services`] puts the verbs on the same database.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be set up has failed the test")]

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, Clock as _, Ctx, Ids, Membership,
    access::Role,
    chat::TitleSource,
    ids::{ConversationId, JobId, OrgId, RunId, UserId},
    runs::{Ending, RunKind},
};
use engine::{
    agent::{Catalog, DEFAULT_AGENT},
    ports::SharedModel,
};
use services::{Parts, Services, models::Models};
use storage::{
    Db,
    chat::ConversationRow,
    claim::{ClaimRequest, Claimed, claim},
    runs::{End, Lease, NewJob, NewRun},
};
use uuid::Uuid;

use crate::{
    db::{Database, Start},
    ids::SeededIds,
};

/// How long a lease of the fixtures holds.
pub const LEASE: Duration = Duration::from_secs(10);

/// A person in an organization of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Their organization.
    pub org: OrgId,
    /// They.
    pub user: UserId,
}

/// A run and the job behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobId,
}

/// A database with a person in it, and short words for what tests need.
#[derive(Clone)]
pub struct Fixture {
    /// The database of the test.
    pub database: Database,
    /// Its connection.
    pub db: Db,
    /// Ids, the same in every run of the test.
    pub ids: Arc<SeededIds>,
    /// Somebody.
    pub ada: Person,
}

impl Start for Fixture {
    async fn start(database: Database) -> Self {
        let (db, ids) = (database.db().clone(), Arc::new(SeededIds::new(1)));
        let ada = person(&db, &database, &ids, "Ada").await;
        Self { database, db, ids, ada }
    }
}

async fn person(db: &Db, database: &Database, ids: &SeededIds, name: &str) -> Person {
    let fresh = || ids.fresh(database.clock().now());
    let person = Person { org: fresh().into(), user: fresh().into() };
    let mut tx = db.begin().await.unwrap();
    let email = format!("{}@example.com", name.to_lowercase());
    storage::identity::insert_user(&mut tx, person.user, &email, name, None).await.unwrap();
    storage::identity::insert_organization(&mut tx, person.org, &format!("{name}’s troupe")).await.unwrap();
    storage::identity::insert_membership(&mut tx, person.org, person.user, Role::Owner).await.unwrap();
    tx.commit().await.unwrap();
    person
}

impl Fixture {
    /// A fresh id.
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(self.ids.fresh(self.database.clock().now()))
    }

    /// Another person, in an organization of their own.
    pub async fn person(&self, name: &str) -> Person {
        person(&self.db, &self.database, &self.ids, name).await
    }

    /// A conversation of a person.
    pub async fn conversation(&self, of: Person) -> ConversationId {
        let row = self.conversation_row(of);
        let mut tx = self.db.begin().await.unwrap();
        storage::chat::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        row.id
    }

    /// A conversation that is not stored yet.
    pub fn conversation_row(&self, of: Person) -> ConversationRow {
        let now = self.database.clock().now();
        ConversationRow {
            id: self.id(),
            org: of.org,
            user: of.user,
            agent: DEFAULT_AGENT.to_owned(),
            title: "New chat".to_owned(),
            title_source: TitleSource::Draft,
            active_run: None,
            event_seq: 0,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    /// A queued run of Ada's, with its job.
    pub async fn run(&self) -> Queued {
        self.run_with(None, |_| {}).await
    }

    /// A queued run of Ada's in a conversation, with its job as `change` leaves it.
    pub async fn run_with(&self, conversation: Option<ConversationId>, change: impl FnOnce(&mut NewJob)) -> Queued {
        let queued = Queued { run: self.id(), job: self.id() };
        let new = NewRun {
            id: queued.run,
            org: self.ada.org,
            user: self.ada.user,
            kind: RunKind::ChatTurn,
            agent: DEFAULT_AGENT.to_owned(),
            conversation,
            job: queued.job,
        };
        let mut job = NewJob { org: Some(self.ada.org), run: Some(queued.run), ..NewJob::new(queued.job, "work", "{}") };
        change(&mut job);
        let mut tx = self.db.begin().await.unwrap();
        storage::runs::insert(&mut tx, &new).await.unwrap();
        assert!(storage::runs::enqueue(&mut tx, &job).await.unwrap(), "the unique key is taken");
        tx.commit().await.unwrap();
        queued
    }

    /// A queued job without a run, as `change` leaves it; `None` when its unique key is taken.
    pub async fn job_with(&self, change: impl FnOnce(&mut NewJob)) -> Option<JobId> {
        let mut job = NewJob::new(self.id(), "work", "{}");
        change(&mut job);
        let mut tx = self.db.begin().await.unwrap();
        let added = storage::runs::enqueue(&mut tx, &job).await.unwrap();
        tx.commit().await.unwrap();
        added.then_some(job.id)
    }

    /// A queued job without a run.
    pub async fn job(&self) -> JobId {
        self.job_with(|_| {}).await.unwrap()
    }

    /// Claims jobs of the kind `work`, as a worker would.
    pub async fn claim(&self, limit: i64) -> Vec<Claimed> {
        claim_as(&self.db, "worker", limit).await
    }

    /// Claims the one job that is ready.
    pub async fn claim_one(&self) -> Claimed {
        let mut claimed = self.claim(2).await;
        assert_eq!(claimed.len(), 1, "one job was expected to be ready: {claimed:?}");
        claimed.remove(0)
    }

    /// A run that is held, and its lease.
    pub async fn held_run(&self) -> (Queued, Lease) {
        let queued = self.run().await;
        (queued, self.claim_one().await.lease)
    }

    /// Lets every lease run out.
    pub fn outlive_leases(&self) {
        self.database.advance(LEASE + Duration::from_secs(1));
    }

    /// Ends a held run.
    pub async fn end(&self, lease: Lease, ending: Ending) -> Result<(), storage::StoreError> {
        let mut tx = self.db.begin().await?;
        storage::runs::end(&mut tx, lease, End { ending, error: None, items: "[]".to_owned(), before: Vec::new() }).await?;
        tx.commit().await
    }

    /// The verbs, with a model that answers.
    pub fn services(&self, model: SharedModel) -> Services {
        self.services_on(self.db.clone(), model)
    }

    /// The verbs on a connection of their own, as another process has them.
    pub fn services_on(&self, db: Db, model: SharedModel) -> Services {
        let clock: Arc<dyn domain::Clock> = Arc::<crate::clock::ManualClock>::clone(self.database.clock());
        let ids: Arc<dyn Ids> = Arc::<SeededIds>::clone(&self.ids);
        Services::new(Parts { db, clock, ids, catalog: Catalog::builtin().unwrap(), models: Models::free(model, "scripted") })
    }

    /// A person who acts.
    pub fn ctx(&self, who: Person) -> Ctx {
        self.ctx_as(who, Role::Owner)
    }

    /// A person who acts in a role.
    pub fn ctx_as(&self, who: Person, role: Role) -> Ctx {
        let actor = Actor::User { user: who.user, session: self.id() };
        let clock: Arc<dyn domain::Clock> = Arc::<crate::clock::ManualClock>::clone(self.database.clock());
        let ids: Arc<dyn Ids> = Arc::<SeededIds>::clone(&self.ids);
        Ctx::new(actor, Some(Membership { org: who.org, role }), "test", clock, ids)
    }
}

/// Claims jobs of the kind `work` on some connection.
pub async fn claim_as(db: &Db, worker: &str, limit: i64) -> Vec<Claimed> {
    let request = ClaimRequest { worker: worker.to_owned(), kinds: vec!["work"], limit, lease: LEASE };
    claim(db, &request).await.unwrap()
}
