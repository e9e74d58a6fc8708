//! Keeps the tables small: what has ended long enough ago goes or is packed. Each step stands for itself.

use std::{sync::Arc, time::Duration};

use domain::Result;

use super::outcome::Outcome;
use crate::Core;

/// Frames of a run are packed this long after its end: readers that were cut have come back by then.
const PACK_AFTER: Duration = Duration::from_mins(10);
/// Ended jobs are kept this long for whoever looks at the queue.
const KEEP_JOBS: Duration = Duration::from_hours(24);
/// Answers for repeated requests are kept this long.
const KEEP_ANSWERS: Duration = Duration::from_hours(24);
/// Rows touched in one unit of work, so that writers never wait long.
const BATCH: i64 = 500;

pub(super) async fn execute(core: &Arc<Core>) -> Result<Outcome> {
    let now = core.clock.now();
    loop {
        let mut tx = core.db.begin().await?;
        let gone = storage::runs::prune(&mut tx, now.minus(KEEP_JOBS), BATCH).await?;
        tx.commit().await?;
        if i64::try_from(gone).unwrap_or(0) < BATCH {
            break;
        }
    }
    let mut tx = core.db.begin().await?;
    storage::identity::prune_sessions(&mut tx, now).await?;
    storage::identity::prune_answers(&mut tx, now.minus(KEEP_ANSWERS)).await?;
    tx.commit().await?;
    for run in storage::events::unpacked_runs(&core.db, now.minus(PACK_AFTER), BATCH).await? {
        let mut tx = core.db.begin().await?;
        storage::events::pack_run(&mut tx, run).await?;
        tx.commit().await?;
    }
    Ok(Outcome::Done)
}
