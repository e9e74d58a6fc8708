//! `bench stream`: what an answer costs on its way from the provider to the reader, Troupe beside a relay.
//!
//! Everything runs against one provider of our own, in alternating order. The client and the provider share one core,
//! what is measured has the others. Fails when a piece is lost, comes twice or out of order; never because of a figure.

mod load;
mod provider;
mod systems;
mod table;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    place::Place,
    process::machine,
    report::say,
    stream::{
        load::{Sample, sample},
        provider::{Pace, Provider},
        systems::System,
        table::Figures,
    },
};

/// How to measure.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// Answers at once, one figure each.
    #[arg(long, value_delimiter = ',', default_value = "1,20,100")]
    streams: Vec<u32>,
    /// Pieces of an answer.
    #[arg(long, default_value_t = 100)]
    chunks: u32,
    /// Milliseconds before each piece.
    #[arg(long, default_value_t = 10)]
    interval: u64,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// What is measured: direct, axum, fastapi, sqlite, sqlite-full, postgres.
    #[arg(long, value_delimiter = ',', default_value = "direct,axum,fastapi,sqlite,postgres")]
    systems: Vec<systems::Kind>,
    /// How the provider is spoken to: responses or chat.
    #[arg(long, default_value = "responses", value_parser = ["responses", "chat"])]
    dialect: String,
    /// Let everything run on every core.
    #[arg(long)]
    unpinned: bool,
    /// Wait up to so many seconds, for each figure, until nobody else uses the machine; and measure again when somebody did.
    #[arg(long, default_value_t = 0)]
    patience: u64,
}

/// Share of a core that others may use while we measure, when we are patient.
const QUIET: f64 = 0.08;
/// How often a disturbed figure is taken again.
const AGAIN: u32 = 4;

impl Options {
    fn pace(&self) -> Pace {
        Pace { chunks: self.chunks, interval: Duration::from_millis(self.interval) }
    }

    /// Moves this process to the first core, before it has threads. Returns the cores that are left for what is measured.
    pub fn pin(&self) -> Option<String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if self.unpinned || cores == 1 {
            return None;
        }
        let pinned = Command::new("taskset").args(["-acp", "0", &std::process::id().to_string()]).stdout(Stdio::null()).status();
        if pinned.is_ok_and(|status| status.success()) {
            return Some(if cores == 2 { "1".to_owned() } else { format!("1-{}", cores - 1) });
        }
        say("taskset is missing: nothing is pinned");
        None
    }
}

/// Measures everything, round by round.
pub async fn run(place: &Place, options: Options, cores: Option<String>) -> Result<()> {
    let provider = Provider::start(options.pace()).await?;
    let needed = options.streams.iter().copied().max().unwrap_or(1);
    let mut systems = Vec::new();
    for kind in &options.systems {
        let mut system =
            System::start(*kind, place, &provider.base, systems::Wish { dialect: &options.dialect, cores: cores.as_deref(), readers: needed }).await?;
        say(format!("{:<12} {}", kind.name(), system.told));
        system.measure(2.min(needed), options.pace()).await?;
        systems.push(system);
    }
    let mut figures = Figures::new(&options.streams, options.systems.iter().map(|kind| kind.name()).collect());
    for round in 0..options.rounds {
        let mut order: Vec<usize> = (0..systems.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for streams in &options.streams {
            for &at in &order {
                let Some(system) = systems.get_mut(at) else { continue };
                figures.add(*streams, at, patiently(&options, system, *streams).await?);
            }
        }
        say(format!("round {} of {}", round + 1, options.rounds));
    }
    figures.print(&options.dialect);
    Ok(())
}

/// One figure; taken again when the machine was not ours, as long as the caller is patient.
async fn patiently(options: &Options, system: &mut System, streams: u32) -> Result<Sample> {
    let mut tries = 0;
    loop {
        quiet(options.patience).await;
        tries += 1;
        let sample = system.measure(streams, options.pace()).await?;
        if sample.noise <= QUIET || options.patience == 0 || tries >= AGAIN {
            return Ok(sample);
        }
    }
}

/// Waits until the machine has nothing else to do, but not for ever.
async fn quiet(patience: u64) {
    let started = Instant::now();
    while started.elapsed().as_secs() < patience {
        let (before, looked) = (machine(), Instant::now());
        tokio::time::sleep(Duration::from_millis(300)).await;
        let busy = machine().saturating_sub(before).as_secs_f64() / looked.elapsed().as_secs_f64();
        if busy <= QUIET {
            return;
        }
    }
}

impl System {
    /// Asks for enough answers to tell what one costs, `streams` at a time.
    async fn measure(&mut self, streams: u32, pace: Pace) -> Result<Sample> {
        // The scheduler's clock is exact, but a second of one stream is not much of a sample.
        let times = (1_000 / (streams * pace.chunks)).clamp(1, 10);
        let mut samples = Vec::new();
        for _ in 0..times {
            let doors = self.doors(streams).await?;
            if doors.len() != streams as usize {
                bail!("{} doors for {streams} streams", doors.len());
            }
            samples.push(sample(doors, pace, &self.roots()?).await?);
        }
        Ok(Sample::mean(samples))
    }
}
