//! The figures of all rounds, and the tables made of them.

use std::collections::BTreeMap;

use crate::{
    report::{Series, Table, say},
    stream::load::Sample,
};

impl Sample {
    /// Several samples as one.
    pub fn mean(samples: Vec<Self>) -> Self {
        let count = samples.len().max(1) as f64;
        let mut whole = Self::default();
        for sample in samples {
            whole.cpu += sample.cpu / count;
            whole.rate += sample.rate / count;
            whole.wire += sample.wire / count;
            whole.noise += sample.noise / count;
            whole.memory = whole.memory.max(sample.memory);
            whole.first.join(&sample.first);
            whole.ages.join(&sample.ages);
        }
        whole
    }
}

/// Samples by number of streams and system.
pub struct Figures {
    streams: Vec<u32>,
    systems: Vec<&'static str>,
    samples: BTreeMap<(u32, usize), Vec<Sample>>,
}

impl Figures {
    /// No figures yet.
    pub fn new(streams: &[u32], systems: Vec<&'static str>) -> Self {
        Self { streams: streams.to_vec(), systems, samples: BTreeMap::new() }
    }

    /// Adds one of a round.
    pub fn add(&mut self, streams: u32, system: usize, sample: Sample) {
        self.samples.entry((streams, system)).or_default().push(sample);
    }

    /// One number of every round.
    fn of(&self, streams: u32, system: usize, number: impl Fn(&Sample) -> f64) -> Series {
        self.samples.get(&(streams, system)).into_iter().flatten().map(number).collect()
    }

    /// One number of every round, less what the same round had without anything in between.
    fn added(&self, streams: u32, system: usize, number: impl Fn(&Sample) -> f64) -> Series {
        let direct = self.systems.iter().position(|name| *name == "direct").and_then(|at| self.samples.get(&(streams, at)));
        let samples = self.samples.get(&(streams, system)).into_iter().flatten().enumerate();
        samples.map(|(round, sample)| number(sample) - direct.and_then(|all| all.get(round)).map_or(0.0, &number)).collect()
    }

    /// Prints a table for each number of streams, and how Troupe compares.
    pub fn print(&self, dialect: &str) {
        for &streams in &self.streams {
            say(format!("\n{streams} at once ({dialect}); medians of the rounds [smallest-largest]"));
            let head = ["", "CPU ms/1,000", "first token +ms", "p99 +ms", "piece p50 +ms", "p99 +ms", "pieces/s", "bytes/piece", "MiB", "noise"];
            let mut table = Table::new(&head);
            for (at, name) in self.systems.iter().enumerate() {
                table.row([
                    (*name).to_owned(),
                    if *name == "direct" { "-".to_owned() } else { self.of(streams, at, |s| s.cpu).spread(1) },
                    self.added(streams, at, |s| s.first.median()).spread(2),
                    self.added(streams, at, |s| s.first.quantile(0.99)).spread(1),
                    self.added(streams, at, |s| s.ages.median()).spread(2),
                    self.added(streams, at, |s| s.ages.quantile(0.99)).spread(1),
                    self.of(streams, at, |s| s.rate).spread(0),
                    format!("{:.0}", self.of(streams, at, |s| s.wire).median()),
                    format!("{:.0}", self.of(streams, at, |s| s.memory as f64 / 1_048_576.0).median()),
                    format!("{:.0} %", self.of(streams, at, |s| s.noise * 100.0).median()),
                ]);
            }
            table.print();
            self.compare(streams);
        }
        say("\n+ms: beyond what the provider itself takes, in the same round. noise: share of a core that nobody here used.");
    }

    fn compare(&self, streams: u32) {
        let cost = |name: &str| self.systems.iter().position(|known| *known == name).map(|at| self.of(streams, at, |s| s.cpu).median());
        let Some(relay) = cost("fastapi") else { return };
        for name in ["sqlite", "sqlite-full", "postgres"] {
            if let Some(own) = cost(name).filter(|own| *own > 0.0) {
                say(format!("{name}: {:.1} times less processor time than fastapi", relay / own));
            }
        }
    }
}
