//! What the process tells about itself: log lines on standard error. Every line of a request carries its id.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{Config, LogFormat};

/// What others log below this is about their inside.
const OTHERS: &str = "hyper=warn,h2=warn,rustls=warn,reqwest=warn,sqlx=warn,tower_sessions=error,tower_sessions_core=error,leptos_router=warn";

/// Starts the log.
///
/// # Errors
/// The directives of `TROUPE_LOG` cannot be understood.
pub fn start(config: &Config) -> Result<()> {
    // Directives given later win, so whoever names one of the others hears it.
    let filter = EnvFilter::builder().parse(format!("{OTHERS},{}", config.log)).context("TROUPE_LOG")?;
    let terminal = std::io::stderr().is_terminal();
    let json = match config.log_format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init()
    } else {
        registry.with(lines.with_target(false)).try_init()
    };
    started.context("the log")
}
