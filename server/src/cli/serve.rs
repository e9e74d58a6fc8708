//! `troupe serve`: pages, API and workers in one process.

use anyhow::{Result, bail};

use crate::{config::Config, lifecycle::Signals, serving::Serving, telemetry};

/// How to serve.
#[derive(clap::Args, Clone, Copy)]
pub struct Options {
    /// Leave the jobs to `troupe worker` (Postgres only).
    #[arg(long)]
    no_worker: bool,
}

/// Serves until a signal.
pub async fn run(config: Config, options: Options) -> Result<()> {
    telemetry::start(&config)?;
    let refusals = config.refusals();
    if !refusals.is_empty() {
        bail!("these settings are not safe to start with:\n- {}", refusals.join("\n- "));
    }
    for simulated in config.simulated() {
        tracing::info!("simulated: {simulated}");
    }
    let mut signals = Signals::listen()?;
    let serving = Serving::start(config, !options.no_worker).await?;
    tracing::info!("Troupe {} serves {}", env!("CARGO_PKG_VERSION"), serving.url());
    signals.first(serving.stopping()).await;
    signals.while_draining(serving.ended()).await?;
    tracing::info!("stopped");
    Ok(())
}
