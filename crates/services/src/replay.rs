//! Requests that count once: the answer is kept in the unit of work of the change, so a repeated request finds either
//! both or neither.

use domain::{Actor, Ctx, Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use storage::{Tx, identity::KeptAnswer};

/// Who the caller's keys belong to.
fn caller(ctx: &Ctx) -> Option<String> {
    match &ctx.actor {
        Actor::User { user, .. } => Some(format!("user:{user}")),
        Actor::ApiKey { key, .. } => Some(format!("key:{key}")),
        // Nobody to scope the key to: a stranger could read another's answer.
        Actor::Anonymous | Actor::System(_) => None,
    }
}

/// The answer given to this very request before, if it was.
///
/// # Errors
/// A conflict when the key was used for another request.
pub(crate) async fn earlier<T: DeserializeOwned>(tx: &mut Tx, ctx: &Ctx) -> Result<Option<T>> {
    let (Some(idempotency), Some(caller)) = (&ctx.idempotency, caller(ctx)) else { return Ok(None) };
    let Some(kept) = storage::identity::kept_answer(tx, &caller, &idempotency.key).await? else { return Ok(None) };
    if kept.fingerprint != idempotency.fingerprint {
        return Err(Error::conflict("idempotency_key_reused", "This Idempotency-Key was used for another request."));
    }
    serde_json::from_str(&kept.answer).map(Some).map_err(Error::internal)
}

/// Keeps the answer for a repeated request.
pub(crate) async fn keep<T: Serialize>(tx: &mut Tx, ctx: &Ctx, answer: &T) -> Result<()> {
    let (Some(idempotency), Some(caller)) = (&ctx.idempotency, caller(ctx)) else { return Ok(()) };
    let kept = KeptAnswer { fingerprint: idempotency.fingerprint.clone(), answer: serde_json::to_string(answer).map_err(Error::internal)? };
    match storage::identity::keep_answer(tx, &caller, &idempotency.key, &kept).await {
        Err(storage::StoreError::Duplicate(_)) => {
            Err(Error::conflict("idempotency_key_in_use", "The same request is being answered at this moment. Try again to get its answer."))
        }
        done => Ok(done?),
    }
}
