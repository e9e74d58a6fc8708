//! `bench start`: how long the binary takes to be ready on a migrated database, and the memory that it has when idle.
//!
//! The program's file is in the system's cache, as it is after an update or a crash.

use std::time::Duration;

use anyhow::Result;

use crate::{
    place::Place,
    process::cost,
    report::{Series, Table, say},
    troupe::{Troupe, version},
};

/// How to measure.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// Starts.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    times: u32,
}

/// When a server counts as idle.
const IDLE: Duration = Duration::from_secs(5);

/// Starts and stops, again and again.
pub async fn run(place: &Place, options: Options) -> Result<()> {
    let (directory, binary) = (place.scratch("start")?, place.binary()?);
    let mut server = Troupe::server(&binary, directory.path())?;
    let first = server.start().await?;
    server.end()?;
    let mut starts = Series::default();
    for _ in 0..options.times {
        starts.add_time(server.start().await?);
        server.end()?;
    }
    server.start().await?;
    tokio::time::sleep(IDLE).await;
    let idle = cost(&[server.id()?]);
    server.end()?;
    let bytes = std::fs::metadata(&binary)?.len();
    say(format!("{}, {:.1} MiB, SQLite", version(&binary)?, bytes as f64 / 1_048_576.0));
    let mut table = Table::new(&["", "figure"]);
    let millis = |value: f64| format!("{value:.0} ms");
    table.row(["first start, migrations included".to_owned(), millis(first.as_secs_f64() * 1e3)]);
    table.row([format!("to /ready, median of {}", starts.len()), millis(starts.median())]);
    table.row(["to /ready, p95".to_owned(), millis(starts.quantile(0.95))]);
    table.row([format!("resident after {} s idle", IDLE.as_secs()), format!("{:.1} MiB", idle.memory as f64 / 1_048_576.0)]);
    table.row(["processor time by then".to_owned(), millis(idle.cpu.as_secs_f64() * 1e3)]);
    table.print();
    Ok(())
}
