//! The operation context: who acts, for which organization, in which request, and the only doors to
//! time and to fresh ids. It is the first argument of every service verb.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use crate::{
    Error, Result, Timestamp,
    access::{Permission, Role, Scope},
    ids::{ApiKeyId, OrgId, SessionId, UserId},
};

/// Tells the time. The server's reads the system clock; tests and the simulation set it.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Makes fresh `UUIDv7` values for instants that the clock told.
pub trait Ids: Send + Sync {
    /// A fresh id whose time part is `now`.
    fn fresh(&self, now: Timestamp) -> Uuid;
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has signed in.
    Anonymous,
    /// A person, by session.
    User {
        /// Who.
        user: UserId,
        /// By which session.
        session: SessionId,
    },
    /// A program, with a person's key.
    ApiKey {
        /// Whose key.
        user: UserId,
        /// Which key.
        key: ApiKeyId,
        /// What it may do at most.
        scopes: Vec<Scope>,
    },
    /// The product itself: a job, a start-up step, an operator's command.
    System(&'static str),
}

/// Where the actor stands: an organization and the actor's role in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub org: OrgId,
    /// The role held there.
    pub role: Role,
}

/// A caller's key for "this request, once": honoured by the verbs that create things, in their own transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The `Idempotency-Key` as sent: 1 to 255 visible ASCII characters.
    pub key: String,
    /// A digest of method, path and body: the same key for another request is refused.
    pub fingerprint: String,
}

/// The context of one operation.
#[derive(Clone)]
pub struct Ctx {
    /// Who acts.
    pub actor: Actor,
    /// In which organization, when one is chosen.
    pub membership: Option<Membership>,
    /// The id of the request or job, for logs, events and problem documents.
    pub request_id: Arc<str>,
    /// The caller's wish that repeating the request counts once.
    pub idempotency: Option<Idempotency>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Ctx {
    /// A context for an actor.
    pub fn new(actor: Actor, membership: Option<Membership>, request_id: impl Into<Arc<str>>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { actor, membership, request_id: request_id.into(), idempotency: None, clock, ids }
    }

    /// The same request and clock, acting as someone else (after signing in, for example).
    #[must_use]
    pub fn with_actor(&self, actor: Actor, membership: Option<Membership>) -> Self {
        Self { actor, membership, ..self.clone() }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id.
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        T::from(self.ids.fresh(self.clock.now()))
    }

    /// The clock itself, for parts that outlive the operation.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The person behind the operation, by session or key.
    pub fn user(&self) -> Result<UserId> {
        match &self.actor {
            Actor::User { user, .. } | Actor::ApiKey { user, .. } => Ok(*user),
            Actor::Anonymous | Actor::System(_) => Err(Error::Unauthenticated),
        }
    }

    /// The organization that the operation is for.
    pub fn org(&self) -> Result<OrgId> {
        self.membership.map(|m| m.org).ok_or(Error::Unauthenticated)
    }

    /// Checks one permission of the actor's role and, for a key, of its scopes.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when nobody is signed in, [`Error::Denied`] when role or scope does not hold it.
    pub fn allow(&self, permission: Permission) -> Result<OrgId> {
        let membership = match &self.actor {
            Actor::Anonymous => return Err(Error::Unauthenticated),
            _ => self.membership.ok_or(Error::Unauthenticated)?,
        };
        let scoped = match &self.actor {
            Actor::ApiKey { scopes, .. } => scopes.iter().any(|scope| scope.holds(permission)),
            _ => true,
        };
        if scoped && membership.role.holds(permission) { Ok(membership.org) } else { Err(Error::Denied(permission)) }
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx").field("actor", &self.actor).field("membership", &self.membership).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}
