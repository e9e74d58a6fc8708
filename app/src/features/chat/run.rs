//! An agent's answer as this tab knows it: frames are folded into it, and what changed is shown when it is drawn.

use std::sync::Arc;

use contracts::{
    chat::RunEntry,
    runs::RunError,
    transcript::{Item, Transcript},
};
use domain::{Timestamp, ids::RunId, runs::RunStatus};
use leptos::prelude::*;

use crate::news::Told;

/// An answer.
#[derive(Clone)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// The agent's name for people.
    pub agent: Arc<str>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Where it stands.
    pub status: ArcRwSignal<RunStatus>,
    /// Why it failed.
    pub error: ArcRwSignal<Option<RunError>>,
    /// What it shows, in order.
    pub items: ArcRwSignal<Vec<ShownItem>>,
    folded: ArcStoredValue<Transcript>,
    drawn: ArcStoredValue<i64>,
}

/// One thing that an answer shows.
#[derive(Clone)]
pub struct ShownItem {
    /// Tells it from the others.
    pub key: String,
    /// What it is by now.
    pub item: ArcRwSignal<Item>,
}

/// How a frame fits to those before it.
pub enum Heard {
    /// Heard before.
    Known,
    /// The next one.
    Next,
    /// Others are missing between.
    Gap,
}

impl Run {
    /// An answer as the server tells of it.
    pub fn open(entry: RunEntry) -> Self {
        Self {
            id: entry.run_id,
            agent: entry.agent.as_str().into(),
            created_at: entry.created_at,
            status: ArcRwSignal::new(entry.status),
            error: ArcRwSignal::new(entry.error.clone()),
            items: ArcRwSignal::new(entry.items.iter().cloned().map(ShownItem::new).collect()),
            drawn: ArcStoredValue::new(entry.last_seq),
            folded: ArcStoredValue::new(folded(entry)),
        }
    }

    /// An answer that was asked for just now. Browser only.
    pub fn asked(id: RunId, agent: String) -> Self {
        let created_at = Timestamp::from_micros((js_sys::Date::now() * 1000.0) as i64);
        Self::open(RunEntry { run_id: id, agent, status: RunStatus::Queued, items: Vec::new(), last_seq: 0, error: None, created_at })
    }

    /// The newest frame that is folded in.
    pub fn last_seq(&self) -> i64 {
        self.folded.read_value().last_seq
    }

    /// Whether nothing will be added.
    pub fn has_ended(&self) -> bool {
        self.folded.read_value().ended.is_some()
    }

    /// Folds a frame in.
    pub fn hear(&self, told: &Told) -> Heard {
        let mut folded = self.folded.write_value();
        if told.seq <= folded.last_seq {
            return Heard::Known;
        }
        if told.seq > folded.last_seq + 1 {
            return Heard::Gap;
        }
        match &told.frame {
            Some(frame) => {
                folded.apply(frame);
            }
            // A kind that is not shown says nothing here, but it was there.
            None => folded.last_seq = told.seq,
        }
        Heard::Next
    }

    /// Takes the server's word when it is newer.
    pub fn take(&self, entry: RunEntry) {
        if entry.last_seq >= self.last_seq() {
            self.folded.set_value(folded(entry));
        }
    }

    /// Shows what has changed since it was drawn last.
    pub fn draw(&self) {
        let folded = self.folded.read_value();
        if folded.last_seq == *self.drawn.read_value() {
            return;
        }
        self.drawn.set_value(folded.last_seq);
        let keys: Vec<String> = folded.items.iter().map(key).collect();
        if !self.items.with_untracked(|shown| shown.iter().map(|shown| &shown.key).eq(&keys)) {
            let kept = |key: &String| self.items.with_untracked(|shown| shown.iter().find(|shown| shown.key == *key).cloned());
            let shown = keys.iter().zip(&folded.items).map(|(key, item)| kept(key).unwrap_or_else(|| ShownItem::new(item.clone()))).collect();
            self.items.set(shown);
        }
        self.items.with_untracked(|shown| {
            for (shown, item) in shown.iter().zip(&folded.items) {
                if shown.item.with_untracked(|shown| shown != item) {
                    shown.item.set(item.clone());
                }
            }
        });
        let status = folded.ended.unwrap_or(RunStatus::Running);
        if self.status.get_untracked() != status {
            self.error.set(folded.error.clone());
            self.status.set(status);
        }
    }

    /// What to say when it has ended.
    pub fn farewell(&self) -> String {
        let folded = self.folded.read_value();
        match folded.ended {
            Some(RunStatus::Succeeded) => ["Response complete, ", &words(&folded).to_string(), " words"].concat(),
            Some(RunStatus::Cancelled) => "Stopped".to_owned(),
            _ => "The answer failed".to_owned(),
        }
    }
}

impl ShownItem {
    fn new(item: Item) -> Self {
        Self { key: key(&item), item: ArcRwSignal::new(item) }
    }
}

fn key(item: &Item) -> String {
    match item {
        Item::Message(message) => message.id.to_string(),
        Item::Tool(tool) => tool.call_id.clone(),
    }
}

fn words(folded: &Transcript) -> usize {
    let text = |item: &Item| if let Item::Message(message) = item { message.text.split_whitespace().count() } else { 0 };
    folded.items.iter().map(text).sum()
}

fn folded(entry: RunEntry) -> Transcript {
    Transcript { ended: entry.status.is_ended().then_some(entry.status), items: entry.items, last_seq: entry.last_seq, error: entry.error, cost_micros: 0 }
}
