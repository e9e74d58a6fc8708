//! Holds what clients saw against what the server has, and both against what must be.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    client::Account,
    drill::reader::Record,
    frames::{Event, Frames},
};

/// What is wrong, in all.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Runs that did not end well, acknowledged messages that are gone, frames that a client saw and the record has not.
    pub lost: u32,
    /// Places that a client never got.
    pub gaps: u32,
    /// Places that a client got again.
    pub doubled: u32,
    /// Each of them, and whatever else is wrong, in words.
    pub complaints: Vec<String>,
    /// Frames that were seen.
    pub frames: usize,
    /// Answers that began anew.
    pub resets: usize,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.gaps + self.doubled == 0 && self.complaints.is_empty()
    }

    /// Adds another.
    pub fn join(&mut self, other: Self) {
        self.lost += other.lost;
        self.gaps += other.gaps;
        self.doubled += other.doubled;
        self.complaints.extend(other.complaints);
        self.frames += other.frames;
        self.resets += other.resets;
    }

    fn lose(&mut self, complaint: String) {
        self.lost += 1;
        self.complaints.push(complaint);
    }
}

/// Checks every record.
pub async fn all(people: &[Account], bases: &[String], records: &[Record], expected: &str) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for (number, record) in records.iter().enumerate() {
        let base = &bases[number % bases.len()];
        let account = people.get(record.person).context("nobody")?;
        let text = seen(record, &mut verdict);
        let run = &record.sent.run;
        if text.as_deref() != Some(expected) {
            verdict.complaints.push(format!("run {run}: its text is not that of an undisturbed answer: {text:?}"));
        }
        let state = account.get(format!("{base}/api/v1/runs/{run}")).await?;
        if state["status"] != "succeeded" {
            verdict.lose(format!("run {run} ended {}: {}", state["status"], state["error"]));
        }
        if replay(account, base, run).await? != record.frames {
            verdict.lose(format!("run {run}: what the client saw is not what is in the record"));
        }
        kept(&account.messages(base, &record.conversation).await?, record, expected, &mut verdict);
    }
    Ok(verdict)
}

/// Checks the order of what a client saw. Returns the completed text, when the deltas make it.
fn seen(record: &Record, verdict: &mut Verdict) -> Option<String> {
    let run = &record.sent.run;
    let (mut last, mut texts, mut completed) = (0, HashMap::<String, String>::new(), None);
    verdict.frames += record.frames.len();
    for odd in &record.odd {
        verdict.lose(format!("run {run}: {odd}"));
    }
    for Event { id, kind, data } in &record.frames {
        let id = id.unwrap_or(0);
        if id <= last {
            verdict.doubled += 1;
            verdict.complaints.push(format!("run {run}: event {id} came after {last}"));
        } else if id != last + 1 {
            verdict.gaps += u32::try_from(id - last - 1).unwrap_or(u32::MAX);
            verdict.complaints.push(format!("run {run}: event {id} came after {last}"));
        }
        last = last.max(id);
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let (message, text) = (data["message_id"].as_str().unwrap_or_default().to_owned(), data["text"].as_str().unwrap_or_default());
        match kind.as_str() {
            "message.delta" => texts.entry(message).or_default().push_str(text),
            "message.reset" => {
                verdict.resets += 1;
                texts.remove(&message);
            }
            "message.completed" => {
                if texts.get(&message).map(String::as_str) != Some(text) {
                    verdict.complaints.push(format!("run {run}: the pieces of its message do not make its text"));
                }
                completed = Some(text.to_owned());
            }
            _ => {}
        }
    }
    let ends = record.frames.iter().filter(|frame| frame.kind == "run.finished").count();
    if ends != 1 || record.frames.last().is_none_or(|frame| frame.kind != "run.finished") {
        verdict.complaints.push(format!("run {run}: it has {ends} ends, or something after its end"));
    }
    completed
}

/// The whole record of a run, as somebody reads it who comes late.
async fn replay(account: &Account, base: &str, run: &str) -> Result<Vec<Event>> {
    let bytes = account.events(base, run, 0).await?.error_for_status()?.bytes().await?;
    Ok(Frames::default().push(&bytes))
}

/// Checks that what was acknowledged is there, once, and its answer too.
fn kept(messages: &[Value], record: &Record, expected: &str, verdict: &mut Verdict) {
    let (run, sent) = (&record.sent.run, &record.sent.message);
    match messages.iter().filter(|message| message["id"] == sent.as_str()).count() {
        1 => {}
        0 => verdict.lose(format!("message {sent} was acknowledged and is gone")),
        more => verdict.complaints.push(format!("message {sent} is there {more} times")),
    }
    let answers: Vec<&Value> = messages.iter().filter(|message| message["author"] == "agent" && message["run_id"] == run.as_str()).collect();
    if answers.len() != 1 || answers[0]["text"] != expected || answers[0]["partial"] != false || messages.len() != 2 {
        verdict.lose(format!("run {run}: its answer is not kept as it was shown; {} messages", messages.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::Sent, report::Series};

    fn record(ids: &[i64]) -> Record {
        let frame = |id: i64, kind: &str, data: &str| Event { id: Some(id), kind: kind.into(), data: data.into() };
        let mut frames: Vec<Event> = ids.iter().map(|id| frame(*id, "message.delta", r#"{"message_id":"m","text":"a"}"#)).collect();
        let last = ids.iter().max().copied().unwrap_or(0);
        let text = "a".repeat(ids.len());
        frames.push(frame(last + 1, "message.completed", &format!(r#"{{"message_id":"m","text":"{text}"}}"#)));
        frames.push(frame(last + 2, "run.finished", r#"{"status":"succeeded"}"#));
        let sent = Sent { message: "q".into(), run: "r".into() };
        Record { person: 0, conversation: "c".into(), sent, frames, odd: Vec::new(), cuts: Series::default() }
    }

    #[test]
    fn gaps_and_doubles_are_counted() {
        for (ids, gaps, doubled) in [(vec![1, 2, 3], 0, 0), (vec![1, 2, 5], 2, 0), (vec![1, 2, 2, 3], 0, 1)] {
            let mut verdict = Verdict::default();
            seen(&record(&ids), &mut verdict);
            assert_eq!((verdict.gaps, verdict.doubled), (gaps, doubled), "{ids:?}");
            assert_eq!(verdict.is_clean(), gaps + doubled == 0);
        }
    }

    #[test]
    fn the_end_is_one_and_last() {
        let mut late = record(&[1]);
        late.frames.push(Event { id: Some(4), kind: "usage".into(), data: "{}".into() });
        let mut verdict = Verdict::default();
        assert_eq!(seen(&late, &mut verdict).as_deref(), Some("a"));
        assert!(!verdict.is_clean());
    }

    #[test]
    fn a_message_that_is_gone_is_lost() {
        let mut verdict = Verdict::default();
        kept(&[], &record(&[1]), "a", &mut verdict);
        assert_eq!(verdict.lost, 2);
    }
}
