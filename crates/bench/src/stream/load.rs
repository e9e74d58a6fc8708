//! Many answers at once, read piece by piece: who is late, who is lost, and what it cost.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use reqwest::Response;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    client::Account,
    frames::Frames,
    process::{Cost, cost, cost_of, machine},
    report::Series,
    stream::provider::{Pace, ages},
};

/// No answer of ours takes so long beyond its own pace.
const PATIENCE: Duration = Duration::from_mins(1);
/// What comes after the last frame belongs to the answer too: it ends the run.
const SETTLE: Duration = Duration::from_millis(200);

/// Where one answer is asked for.
#[derive(Debug, Clone)]
pub enum Door {
    /// At the provider itself.
    Provider {
        /// With what client.
        http: reqwest::Client,
        /// The address that is posted to.
        url: String,
        /// The question, as the provider wants it.
        body: String,
    },
    /// At a relay.
    Relay {
        /// With what client.
        http: reqwest::Client,
        /// The relay.
        base: String,
    },
    /// In a conversation of Troupe's.
    Troupe {
        /// Whose.
        account: Account,
        /// The server.
        base: String,
        /// The conversation.
        conversation: String,
    },
}

#[derive(Deserialize)]
struct Delta {
    #[serde(alias = "delta")]
    text: String,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Content,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

impl Door {
    async fn open(&self) -> Result<Response> {
        let (request, body) = match self {
            Self::Provider { http, url, body } => (http.post(url), body.clone()),
            Self::Relay { http, base } => (http.post(format!("{base}/ask")), json!({ "text": "measure" }).to_string()),
            Self::Troupe { account, base, conversation } => return account.ask(base, conversation, "measure").await,
        };
        Ok(request.header("content-type", "application/json").body(body).send().await?.error_for_status()?)
    }
}

/// The text that an event carries, if it carries any.
fn piece(kind: &str, data: &str) -> Result<Option<String>> {
    match kind {
        "message.delta" | "response.output_text.delta" => Ok(Some(serde_json::from_str::<Delta>(data).with_context(|| data.to_owned())?.text)),
        "" if data != "[DONE]" => {
            let completion: Completion = serde_json::from_str(data).with_context(|| data.to_owned())?;
            Ok(completion.choices.into_iter().next().and_then(|choice| choice.delta.content))
        }
        "message.reset" => bail!("an answer began anew"),
        "run.finished" if !data.contains("\"succeeded\"") => bail!("an answer did not end well: {data}"),
        _ => Ok(None),
    }
}

/// What one answer was like.
#[derive(Debug, Default)]
struct Answer {
    first: Duration,
    ages: Series,
    bytes: usize,
    seen: Option<(Instant, Instant)>,
}

async fn answer(door: Door, pace: Pace) -> Result<Answer> {
    let asked = Instant::now();
    let mut response = door.open().await?;
    let (mut frames, mut answer, mut newest, mut count) = (Frames::default(), Answer::default(), 0, 0);
    while let Some(bytes) = response.chunk().await? {
        answer.bytes += bytes.len();
        for event in frames.push(&bytes) {
            let Some(text) = piece(&event.kind, &event.data)? else { continue };
            for (sent, age) in ages(&text) {
                if sent < newest {
                    bail!("a piece came twice, or too late");
                }
                (newest, count) = (sent, count + 1);
                answer.ages.add_time(age);
                let now = Instant::now();
                let first = answer.seen.map_or_else(
                    || {
                        answer.first = asked.elapsed();
                        now
                    },
                    |(first, _)| first,
                );
                answer.seen = Some((first, now));
            }
        }
    }
    if count == pace.chunks { Ok(answer) } else { Err(anyhow!("{count} of {} pieces arrived", pace.chunks)) }
}

/// What a number of answers at once were like.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Processor time for 1,000 pieces, in milliseconds.
    pub cpu: f64,
    /// Time to the first piece of each answer, in milliseconds.
    pub first: Series,
    /// Time from the provider to the client of each piece, in milliseconds.
    pub ages: Series,
    /// Pieces a second, from the first that arrived to the last.
    pub rate: f64,
    /// Bytes that a piece takes on the wire.
    pub wire: f64,
    /// Resident memory after it, in bytes.
    pub memory: u64,
    /// The share of one core that nobody here used.
    pub noise: f64,
}

/// Asks at all doors at once and reads to the end; what that cost is read from the trees below `roots`.
pub async fn sample(doors: Vec<Door>, pace: Pace, roots: &[u32]) -> Result<Sample> {
    let mut answers = JoinSet::new();
    let streams = doors.len();
    let (ours, all, started) = (spent(roots), machine(), Instant::now());
    for door in doors {
        answers.spawn(tokio::time::timeout(PATIENCE + pace.interval * pace.chunks, answer(door, pace)));
    }
    let mut sample = Sample::default();
    let (mut seen, mut bytes): (Option<(Instant, Instant)>, usize) = (None, 0);
    while let Some(done) = answers.join_next().await {
        let answer = done?.map_err(|_| anyhow!("an answer hangs"))??;
        sample.first.add_time(answer.first);
        sample.ages.join(&answer.ages);
        bytes += answer.bytes;
        seen = match (seen, answer.seen) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }
    tokio::time::sleep(SETTLE).await;
    let (after, wall) = (spent(roots), started.elapsed());
    let used = after.system.cpu.saturating_sub(ours.system.cpu);
    let foreign = machine().saturating_sub(all).saturating_sub(used).saturating_sub(after.client.cpu.saturating_sub(ours.client.cpu));
    let pieces = streams as f64 * f64::from(pace.chunks);
    sample.cpu = used.as_secs_f64() * 1e3 / pieces * 1e3;
    sample.memory = after.system.memory;
    sample.noise = foreign.as_secs_f64() / wall.as_secs_f64();
    sample.wire = bytes as f64 / pieces;
    sample.rate = seen.map_or(0.0, |(first, last)| (pieces - 1.0) / last.duration_since(first).as_secs_f64());
    Ok(sample)
}

struct Spent {
    system: Cost,
    client: Cost,
}

fn spent(roots: &[u32]) -> Spent {
    Spent { system: cost(roots), client: cost_of(std::process::id()).unwrap_or_default() }
}
