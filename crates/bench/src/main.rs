//! Figures and drills against the real binary, run as `cargo run --release -p bench -- <command>`.
//!
//! Every command ends with a plain table. It fails when something is broken, never because something is slow. Whatever it
//! starts ends with it. Nothing here is part of the product.

mod chance;
mod client;
mod drill;
mod edits;
mod frames;
mod llama;
mod place;
mod postgres;
mod process;
mod python;
mod queue;
mod relay;
mod report;
mod start;
mod stream;
mod troupe;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{place::Place, report::say};

#[derive(Parser)]
#[command(name = "bench", about = "Figures and drills against the real binary.", max_term_width = 120)]
struct Cli {
    /// The `troupe` binary; the released one in the target directory when left out.
    #[arg(long, global = true, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where databases are put while they are measured; the system's temporary directory when left out.
    #[arg(long, global = true, value_name = "DIRECTORY")]
    scratch: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kill processes at random moments while runs stream, and count what was lost.
    DrillKill(drill::Options),
    /// Processor time and latency of streamed answers, beside relays without a log.
    Stream(stream::Options),
    /// Jobs from enqueue to done.
    Queue(queue::Options),
    /// Cold start and idle memory.
    Start(start::Options),
    /// Edits until they show.
    Build(edits::Options),
    /// Talk to a small real model that needs no network, and to a fake provider.
    Llama(llama::Options),
    /// A bare relay, to be measured by `stream`.
    #[command(hide = true)]
    Relay(relay::Options),
}

fn main() -> ExitCode {
    match prepare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn prepare() -> Result<()> {
    let cli = Cli::parse();
    // Fails only when one was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let place = Place::find(cli.binary, cli.scratch)?;
    let cores = match &cli.command {
        Command::Stream(options) => options.pin(),
        _ => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        // Dropping what runs ends every process that it has started.
        tokio::select! {
            done = obey(&place, cli.command, cores) => done,
            _ = terminate.recv() => bail!("stopped"),
            _ = interrupt.recv() => bail!("stopped"),
        }
    })
}

async fn obey(place: &Place, command: Command, cores: Option<String>) -> Result<()> {
    match command {
        Command::DrillKill(options) => drill::run(place, options).await,
        Command::Stream(options) => stream::run(place, options, cores).await,
        Command::Queue(options) => queue::run(place, options).await,
        Command::Start(options) => start::run(place, options).await,
        Command::Build(options) => edits::run(place, options).await,
        Command::Llama(options) => llama::run(place, options).await,
        Command::Relay(options) => relay::run(options).await,
    }
}
