//! One who talks to an agent while servers die: repeats what was not acknowledged, and comes back with the last event seen.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use reqwest::StatusCode;

use crate::{
    chance::Chance,
    client::{Account, Sent, Trouble},
    frames::{Event, Frames},
    report::Series,
};

/// Tries of one request. With the pauses between them, about five minutes.
const TRIES: u32 = 4_000;

/// Everything that one client has seen of one run.
#[derive(Debug)]
pub struct Record {
    /// Whose, by number.
    pub person: usize,
    /// The conversation.
    pub conversation: String,
    /// What the server acknowledged.
    pub sent: Sent,
    /// Frames in the order in which they came.
    pub frames: Vec<Event>,
    /// Places that the client did not understand, such as a cursor that the server says is ahead.
    pub odd: Vec<String>,
    /// For each time that it was cut off, milliseconds until the next frame.
    pub cuts: Series,
}

/// A client.
pub struct Reader<'a> {
    /// Who talks.
    pub account: Account,
    /// The servers; any will do.
    pub bases: &'a [String],
    /// Which server, and when.
    pub chance: Chance,
}

impl Reader<'_> {
    /// Starts a conversation, says something and reads the answer to its end.
    pub async fn talk(mut self, person: usize, number: u32, words: &str) -> Result<Record> {
        let account = self.account.clone();
        let (key, mut tries) = (format!("conversation-{number}"), 0);
        let conversation = loop {
            match account.converse(&self.base(), &key, None).await {
                Ok(conversation) => break conversation,
                Err(trouble) => self.pause(trouble, &mut tries).await?,
            }
        };
        let (key, mut tries) = (format!("message-{number}"), 0);
        let sent = loop {
            match account.send(&self.base(), &conversation, &key, words).await {
                Ok(sent) => break sent,
                Err(trouble) => self.pause(trouble, &mut tries).await?,
            }
        };
        let mut record = Record { person, conversation, sent, frames: Vec::new(), odd: Vec::new(), cuts: Series::default() };
        self.follow(&mut record).await?;
        Ok(record)
    }

    /// Reads until the last frame, and then once more: there must be nothing after it.
    async fn follow(&mut self, record: &mut Record) -> Result<()> {
        let (mut cut, mut tries) = (None, 0);
        loop {
            let last = record.frames.iter().filter_map(|frame| frame.id).max().unwrap_or(0);
            let ended = record.frames.last().is_some_and(|frame| frame.kind == "run.finished");
            let base = self.base();
            let mut response = match self.account.events(&base, &record.sent.run, last).await {
                Ok(response) => response,
                Err(trouble) => {
                    self.pause(trouble, &mut tries).await?;
                    continue;
                }
            };
            match response.status() {
                StatusCode::OK if !ended => {}
                StatusCode::NO_CONTENT if ended => return Ok(()),
                status => {
                    record.odd.push(format!("after event {last}: {status} {}", response.text().await.unwrap_or_default()));
                    return Ok(());
                }
            }
            let mut frames = Frames::default();
            while let Ok(Some(bytes)) = response.chunk().await {
                for event in frames.push(&bytes) {
                    if let Some(since) = cut.take() {
                        record.cuts.add_time(Instant::elapsed(&since));
                    }
                    record.frames.push(event);
                    tries = 0;
                }
            }
            let ended = record.frames.last().is_some_and(|frame| frame.kind == "run.finished");
            if !ended {
                cut.get_or_insert_with(Instant::now);
            }
        }
    }

    fn base(&mut self) -> String {
        let at = self.chance.below(self.bases.len() as u64) as usize;
        self.bases.get(at).cloned().unwrap_or_default()
    }

    async fn pause(&mut self, trouble: Trouble, tries: &mut u32) -> Result<()> {
        *tries += 1;
        match trouble {
            Trouble::Refused(error) => bail!(error),
            Trouble::Cut if *tries > TRIES => Err(anyhow!("no server answers any more")),
            Trouble::Cut => {
                tokio::time::sleep(self.chance.between(Duration::from_millis(10), Duration::from_millis(130))).await;
                Ok(())
            }
        }
    }
}
