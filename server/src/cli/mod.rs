//! The command line: what an operator can say to the binary. One file a command.

mod doctor;
mod migrate;
mod openapi;
mod serve;
mod worker;

use std::{fmt::Write as _, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::config::Config;

/// Put AI agents to work.
#[derive(Parser)]
#[command(name = "troupe", version, max_term_width = 100)]
struct Cli {
    /// A settings file in place of `troupe.toml` in the data directory.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve pages and API, and work off jobs, in one process.
    Serve(serve::Options),
    /// Work off jobs only, beside servers on the same Postgres.
    Worker,
    /// Bring the database's schema up to this version.
    Migrate,
    /// Tell every setting and where it came from, what is simulated, and whether all that is needed answers.
    Doctor,
    /// Print the `OpenAPI` description of the API.
    Openapi,
}

/// Runs the command that the process was given.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match obey(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("troupe: {error}");
            for cause in error.chain().skip(1) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\n  because: {cause}");
            }
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

async fn obey(cli: Cli) -> Result<()> {
    let load = || Config::load(cli.config.as_deref());
    match cli.command {
        Command::Serve(options) => serve::run(load()?, options).await,
        Command::Worker => worker::run(load()?).await,
        Command::Migrate => migrate::run(load()?).await,
        Command::Doctor => doctor::run(load()?).await,
        Command::Openapi => openapi::run(),
    }
}

/// Writes to standard output; a reader that has gone away is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
