//! `troupe worker`: works off jobs beside servers on the same Postgres.

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, lifecycle::Signals, serving, telemetry};

/// Works until a signal.
pub async fn run(config: Config) -> Result<()> {
    telemetry::start(&config)?;
    let stopping = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let mut working = std::pin::pin!(serving::work_only(&config, stopping.clone()));
    tokio::select! {
        ended = &mut working => return ended,
        () = signals.first(&stopping) => {}
    }
    signals.while_draining(working).await
}
