//! Ends jobs that are done, many in one unit of work: whatever was done while the last one was ended.

use std::sync::Arc;

use storage::runs::{Finished, Lease};
use tokio::sync::mpsc;

use crate::Core;

/// Jobs ended at once.
const BATCH: usize = 512;

/// Ends jobs as they come, until every sender is gone.
pub(super) async fn run(core: Arc<Core>, mut done: mpsc::Receiver<Lease>) {
    let mut batch = Vec::with_capacity(BATCH);
    while done.recv_many(&mut batch, BATCH).await > 0 {
        if let Err(error) = finish(&core, &batch).await {
            // Their leases run out, and they are done again: jobs are safe to repeat.
            tracing::error!(%error, jobs = batch.len(), "jobs that are done could not be ended");
        }
        batch.clear();
    }
}

async fn finish(core: &Core, batch: &[Lease]) -> domain::Result<()> {
    let mut tx = core.db.begin().await?;
    storage::runs::finish_many(&mut tx, batch, Finished::Done).await?;
    Ok(tx.commit().await?)
}
