//! The outbox: effects outside are asked for in the transaction of the change, delivered at least once, counted once by key.

use domain::ids::{EffectId, OrgId, RunId};

use super::Lease;
use crate::{Db, StoreError, StoreResult, Tx, row};

/// An effect to ask for.
#[derive(Debug, Clone)]
pub struct NewEffect {
    /// Id.
    pub id: EffectId,
    /// For which organization.
    pub org: Option<OrgId>,
    /// What kind of effect, such as `mail`.
    pub topic: &'static str,
    /// The key by which the outside counts it once.
    pub key: String,
    /// Input, as JSON text.
    pub payload: String,
}

/// An effect as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Id.
    pub id: EffectId,
    /// What kind.
    pub topic: String,
    /// The key by which the outside counts it once.
    pub key: String,
    /// Input, as JSON text.
    pub payload: String,
}

/// Asks for an effect in the caller's unit of work; under a run's lease when one is given.
///
/// Returns whether it was new: the same key is asked for once.
pub async fn request_effect(tx: &mut Tx, lease: Option<Lease>, effect: &NewEffect) -> StoreResult<bool> {
    let now = tx.now().await?.micros();
    let run: Option<RunId> = match lease {
        Some(Lease { run: Some(run), epoch, .. }) => {
            let held = on_tx!(tx, c => sqlx::query("UPDATE runs SET progress = progress + 1 WHERE id = $1 AND lease_epoch = $2 AND status = 'running'")
                .bind(run.to_string()).bind(epoch).execute(c).await?.rows_affected());
            if held != 1 {
                return Err(StoreError::LeaseLost);
            }
            Some(run)
        }
        _ => None,
    };
    let added = on_tx!(tx, c => sqlx::query(
        "INSERT INTO effects (id, org_id, run_id, topic, key, payload, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING")
        .bind(effect.id.to_string()).bind(effect.org.map(|o| o.to_string())).bind(run.map(|r| r.to_string())).bind(effect.topic)
        .bind(&effect.key).bind(&effect.payload).bind(now).execute(c).await?.rows_affected());
    Ok(added == 1)
}

/// An effect that has not been delivered.
pub async fn deliverable(db: &Db, id: EffectId) -> StoreResult<Option<Effect>> {
    let row: Option<(String, String, String, String)> = on_db!(db, c => sqlx::query_as(
        "SELECT id, topic, key, payload FROM effects WHERE id = $1 AND delivered_at IS NULL").bind(id.to_string()).fetch_optional(c).await?);
    row.map(|(id, topic, key, payload)| Ok(Effect { id: row::id(&id)?, topic, key, payload })).transpose()
}

/// Notes that an effect was delivered.
pub async fn delivered(tx: &mut Tx, id: EffectId) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query("UPDATE effects SET delivered_at = COALESCE(delivered_at, $2) WHERE id = $1").bind(id.to_string()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}
