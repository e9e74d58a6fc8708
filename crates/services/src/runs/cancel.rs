//! Stopping a run. A worker that holds it is told and keeps what was written; one that nobody holds ends at once.

use contracts::runs::RunView;
use domain::{Ctx, Error, Result, access::Permission, ids::RunId, runs::Ending};
use storage::{runs::CancelOutcome, wake::Topic};

use super::{LastWord, Runs};
use crate::Core;

impl Runs {
    /// Stops one of the caller's runs. Stopping one that has ended changes nothing.
    pub async fn cancel(&self, ctx: &Ctx, id: RunId) -> Result<RunView> {
        ctx.allow(Permission::WriteChat)?;
        self.core.own_run(ctx, id).await?;
        self.core.stop_run(id).await?;
        let run = storage::runs::find(&self.core.db, id).await?.ok_or(Error::NotFound("run"))?;
        self.core.run_view(run).await
    }
}

impl Core {
    /// Asks for the end of a run.
    pub(crate) async fn stop_run(&self, id: RunId) -> Result<()> {
        let run = storage::runs::find(&self.db, id).await?.ok_or(Error::NotFound("run"))?;
        let mut tx = self.db.begin().await?;
        let outcome = storage::runs::request_cancel(&mut tx, id).await?;
        let told = match outcome {
            CancelOutcome::Idle => {
                // The run's row is locked now: nobody adds a frame between this and the end.
                let transcript = crate::chat::transcript::fold_in(&mut tx, id).await?;
                self.end_idle(&mut tx, LastWord { run: &run, transcript, ending: Ending::Cancelled, error: None }).await?
            }
            CancelOutcome::Asked | CancelOutcome::Ended => Vec::new(),
        };
        tx.commit().await?;
        self.told(&told);
        if outcome == CancelOutcome::Asked {
            self.db.wake().tell(Topic::Control(id));
        }
        Ok(())
    }
}
