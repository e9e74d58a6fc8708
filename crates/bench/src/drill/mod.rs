//! `bench drill-kill`: runs stream to clients that come back with `Last-Event-ID` while processes are killed at random moments.
//!
//! Fails when a run is lost, when a client has seen a gap, a double or a frame that is not in the record, or when a text is not
//! the one that an undisturbed answer has.

mod check;
mod field;
mod reader;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use tokio::task::JoinSet;

use crate::{
    chance::Chance,
    client::{Account, http},
    drill::{
        check::Verdict,
        field::{Field, Kind},
        reader::{Reader, Record},
    },
    place::Place,
    report::{Series, Table, say},
};

/// People who talk; their conversations stream side by side.
const PEOPLE: u32 = 4;

/// What to do.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// Runs in all.
    #[arg(default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    /// On which database: sqlite (one process), postgres (two servers and two workers), both.
    #[arg(long, default_value = "both", value_parser = ["sqlite", "postgres", "both"])]
    database: String,
    /// Runs that stream at once.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    at_once: u32,
    /// How far an answer counts.
    #[arg(long, default_value_t = 300)]
    count: u32,
    /// Milliseconds between its pieces.
    #[arg(long, default_value_t = 20)]
    interval: u32,
    /// Repeats the moments of an earlier drill.
    #[arg(long)]
    seed: Option<u64>,
    /// When to give up, in seconds.
    #[arg(long, default_value_t = 900)]
    within: u64,
}

/// Drills on each database.
pub async fn run(place: &Place, options: Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(Chance::seed);
    say(format!("seed {seed}"));
    let kinds: &[Kind] = match options.database.as_str() {
        "sqlite" => &[Kind::Sqlite],
        "postgres" => &[Kind::Postgres],
        _ => &[Kind::Sqlite, Kind::Postgres],
    };
    let mut whole = Verdict::default();
    let mut table = Table::new(&["", "runs", "kills", "cuts", "frames", "resets", "on again p50 ms", "p99 ms", "most ms", "seconds"]);
    for kind in kinds {
        let drilled = drill(place, &options, *kind, &mut Chance::new(seed)).await?;
        table.row([
            kind.name().to_owned(),
            options.runs.to_string(),
            drilled.kills.to_string(),
            drilled.cuts.len().to_string(),
            drilled.verdict.frames.to_string(),
            drilled.verdict.resets.to_string(),
            format!("{:.0}", drilled.cuts.median()),
            format!("{:.0}", drilled.cuts.quantile(0.99)),
            format!("{:.0}", drilled.cuts.most()),
            format!("{:.0}", drilled.took.as_secs_f64()),
        ]);
        whole.join(drilled.verdict);
    }
    say("");
    table.print();
    say("on again: from the moment at which a reader was cut off to its next frame");
    for complaint in whole.complaints.iter().take(20) {
        say(format!("- {complaint}"));
    }
    say(format!("lost={} gaps={} doubled={}", whole.lost, whole.gaps, whole.doubled));
    if whole.is_clean() { Ok(()) } else { bail!("{} complaints; repeat with --seed {seed}", whole.complaints.len()) }
}

struct Drilled {
    verdict: Verdict,
    kills: u32,
    cuts: Series,
    took: Duration,
}

/// What everybody in a drill shares.
struct Common {
    people: Vec<Account>,
    bases: Vec<String>,
    words: String,
    next: AtomicU32,
    runs: u32,
}

async fn drill(place: &Place, options: &Options, kind: Kind, chance: &mut Chance) -> Result<Drilled> {
    let started = Instant::now();
    let mut field = Field::start(place, kind, options.interval).await?;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Account::sign_up(http()?, &field.bases()[0], &format!("driller{number}")).await?);
    }
    let common = Arc::new(Common { people, bases: field.bases(), words: format!("count to {}", options.count), next: AtomicU32::new(0), runs: options.runs });
    let mut readers = JoinSet::new();
    for _ in 0..options.at_once.min(options.runs) {
        readers.spawn(read(Arc::clone(&common), chance.part()));
    }
    let (over, kills) = (AtomicBool::new(false), AtomicU32::new(0));
    let mut killing = chance.part();
    let records = async {
        let mut records = Vec::new();
        while let Some(read) = readers.join_next().await {
            records.extend(read??);
        }
        over.store(true, Ordering::Relaxed);
        Ok::<_, anyhow::Error>(records)
    };
    let killer = async {
        while !over.load(Ordering::Relaxed) {
            if field.kill_one(&mut killing, &over).await? {
                kills.fetch_add(1, Ordering::Relaxed);
            }
        }
        field.ready().await
    };
    let within = Duration::from_secs(options.within);
    let both = async { tokio::try_join!(records, killer) };
    let records = match tokio::time::timeout(within, both).await {
        Ok(done) => done.map(|(records, ())| records)?,
        Err(_) => return Err(anyhow!("not everything has ended after {} s; what stuck is in the log:\n{}", within.as_secs(), field.tail())),
    };
    let mut cuts = Series::default();
    for record in &records {
        cuts.join(&record.cuts);
    }
    let expected = (1..=options.count).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
    let verdict = check::all(&common.people, &field.bases(), &records, &expected).await?;
    Ok(Drilled { verdict, kills: kills.into_inner(), cuts, took: started.elapsed() })
}

/// One of those who talk: says something, reads the answer to its end, says something again, until there are enough runs.
async fn read(common: Arc<Common>, mut chance: Chance) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    loop {
        let number = common.next.fetch_add(1, Ordering::Relaxed);
        if number >= common.runs {
            return Ok(records);
        }
        let person = (number as usize) % common.people.len();
        let reader = Reader { account: common.people[person].clone(), bases: &common.bases, chance: chance.part() };
        records.push(reader.talk(person, number, &common.words).await?);
    }
}
