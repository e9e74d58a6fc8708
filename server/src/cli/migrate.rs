//! `troupe migrate`: the schema alone, for deployments that do it before they start servers.

use anyhow::Result;

use crate::{compose, config::Config, telemetry};

/// Migrates. `serve` and `worker` do the same when they start.
pub async fn run(config: Config) -> Result<()> {
    telemetry::start(&config)?;
    let (db, _lock) = compose::database(&config).await?;
    super::say(&format!("The schema is up to date on {}.", db.version().await?));
    db.close().await;
    Ok(())
}
