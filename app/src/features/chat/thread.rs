//! A conversation as this tab knows it: opened once, then kept up to date by what the stream tells.
//!
//! Frames are folded at once and shown at most once a frame of the screen. A frame that does not follow the
//! last one is a gap: the conversation is asked for again, and what is newer wins.

use std::{sync::Arc, time::Duration};

use contracts::{
    StreamEvent,
    agents::AgentView,
    chat::{Entry, MessageView, Sent, TranscriptView},
    stream::MessageAdded,
};
use domain::{
    chat::Author,
    ids::{ConversationId, MessageId, RunId},
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    api::get_transcript,
    run::{Heard, Run},
};
use crate::{
    live::Watch,
    news::{News, Told},
    session,
    ui::Announcer,
};

/// A tab out of sight draws no frames: there, pieces are shown this late.
const LATEST: Duration = Duration::from_millis(250);
/// A conversation that could not be asked for is asked for again after this.
const LATER: Duration = Duration::from_secs(3);

/// One entry as shown.
#[derive(Clone)]
pub enum Shown {
    /// A person's message.
    Message(MessageView),
    /// A message on its way to the server.
    Echo(Echo),
    /// An agent's answer.
    Run(Run),
}

/// A message that the server has not told of yet.
#[derive(Clone)]
pub struct Echo {
    /// Counts echoes in this tab.
    pub number: u32,
    /// What was typed.
    pub text: String,
    /// What the server calls it, once it has said so.
    id: Option<MessageId>,
    /// Why it could not be sent.
    pub failure: ArcRwSignal<Option<String>>,
}

impl Shown {
    /// Tells it from all others.
    pub fn key(&self) -> String {
        match self {
            Self::Message(message) => message.id.to_string(),
            Self::Echo(echo) => echo.number.to_string(),
            Self::Run(run) => run.id.to_string(),
        }
    }
}

/// A conversation in this tab.
#[derive(Clone, Copy)]
pub struct Thread {
    /// Which.
    pub id: ConversationId,
    /// Its title.
    pub title: RwSignal<String>,
    /// What was said, oldest first.
    pub entries: RwSignal<Vec<Shown>>,
    /// The answer being written.
    pub active: RwSignal<Option<RunId>>,
    /// Grows with everything that is shown.
    pub grown: RwSignal<u32>,
    agent: StoredValue<String>,
    last_seq: StoredValue<i64>,
    echoes: StoredValue<u32>,
    drawing: StoredValue<bool>,
    /// While the conversation is asked for again: what was told meanwhile.
    missed: StoredValue<Option<Vec<Arc<News>>>>,
    announcer: Announcer,
}

impl Thread {
    /// A conversation as it was opened.
    pub fn open(view: TranscriptView, agent: Option<&AgentView>, announcer: Announcer) -> Self {
        let TranscriptView { conversation, entries, .. } = view;
        Self {
            id: conversation.id,
            title: RwSignal::new(conversation.title),
            entries: RwSignal::new(entries.into_iter().map(shown).collect()),
            active: RwSignal::new(conversation.active_run),
            grown: RwSignal::new(0),
            agent: StoredValue::new(agent.map_or(conversation.agent, |agent| agent.title.clone())),
            last_seq: StoredValue::new(conversation.last_seq),
            echoes: StoredValue::new(0),
            drawing: StoredValue::new(false),
            missed: StoredValue::new(None),
            announcer,
        }
    }

    /// Whether its page has gone: what was waited for comes too late.
    pub fn is_gone(self) -> bool {
        self.entries.is_disposed()
    }

    /// Says what is going on, to those who do not see it.
    pub fn greet(self) {
        if self.active.get_untracked().is_some() {
            self.announcer.say("Generating…");
        }
    }

    /// What the stream has to tell from here on.
    pub fn watch(self) -> Watch {
        let run = self.active.get_untracked().and_then(|id| self.run(id)).map(|run| (run.id, run.last_seq()));
        Watch { conversation: Some((self.id, self.last_seq.get_value())), run }
    }

    /// Takes in what the stream told.
    pub fn hear(self, news: &Arc<News>) {
        let waits = self.missed.try_update_value(|missed| missed.as_mut().map(|missed| missed.push(Arc::clone(news))).is_some());
        if waits != Some(false) {
            return;
        }
        match &**news {
            News::Run(id, told) => self.hear_run(*id, told),
            News::Conversation(id, told) if *id == self.id => self.hear_conversation(told),
            News::Conversation(..) | News::Organization(_) | News::Opened => {}
        }
    }

    /// Shows a message before the server has it; the number names the echo.
    pub fn echo(self, text: String) -> u32 {
        let number = self.echoes.get_value().wrapping_add(1);
        self.echoes.set_value(number);
        self.entries.update(|entries| entries.push(Shown::Echo(Echo { number, text, id: None, failure: ArcRwSignal::new(None) })));
        number
    }

    /// The server has the message and an answer has been asked for.
    pub fn sent(self, number: u32, sent: Sent) {
        self.entries.update(|entries| {
            let told = entries.iter().any(|entry| matches!(entry, Shown::Message(message) if message.id == sent.message_id));
            if told {
                entries.retain(|entry| !matches!(entry, Shown::Echo(echo) if echo.number == number));
            } else if let Some(echo) = echo_of(entries, |echo| echo.number == number) {
                echo.id = Some(sent.message_id);
            }
        });
        self.asked(sent.run_id);
    }

    /// An answer has been asked for.
    pub fn asked(self, run: RunId) {
        if self.run(run).is_none() {
            self.entries.update(|entries| {
                // Nothing was said since the last answer: this one takes its place.
                if matches!(entries.last(), Some(Shown::Run(_))) {
                    entries.pop();
                }
                entries.push(Shown::Run(Run::asked(run, self.agent.get_value())));
            });
            self.active.set(Some(run));
            self.announcer.say("Generating…");
        }
    }

    /// The message could not be sent; it stays, with the reason.
    pub fn refused(self, number: u32, reason: String) {
        let failure = self.entries.try_update_untracked(|entries| echo_of(entries, |echo| echo.number == number).map(|echo| echo.failure.clone()));
        if let Some(failure) = failure.flatten() {
            failure.set(Some(reason));
        }
    }

    /// Takes an echo away.
    pub fn discard(self, number: u32) {
        self.entries.update(|entries| entries.retain(|entry| !matches!(entry, Shown::Echo(echo) if echo.number == number)));
    }

    /// The last answer, if the last thing said is one.
    pub fn last_run(self) -> Option<RunId> {
        self.entries.with(|entries| if let Some(Shown::Run(run)) = entries.last() { Some(run.id) } else { None })
    }

    /// Asks for the conversation again: something was missed.
    fn ask_again(self) {
        if self.missed.with_value(Option::is_some) {
            return;
        }
        self.missed.set_value(Some(Vec::new()));
        spawn_local(async move {
            let answer = get_transcript(self.id.to_string()).await;
            match answer {
                _ if self.is_gone() => {}
                Ok(opened) => {
                    self.take(opened.transcript);
                    self.hear_missed();
                }
                Err(error) => {
                    session::check(&error);
                    set_timeout(move || self.hear_missed(), LATER);
                }
            }
        });
    }

    fn hear_missed(self) {
        if self.is_gone() {
            return;
        }
        let missed = self.missed.try_update_value(Option::take).flatten().unwrap_or_default();
        for news in missed {
            self.hear(&news);
        }
    }

    fn run(self, id: RunId) -> Option<Run> {
        self.entries.with_untracked(|entries| {
            entries.iter().rev().find_map(|entry| if let Shown::Run(run) = entry { (run.id == id).then(|| run.clone()) } else { None })
        })
    }

    fn hear_run(self, id: RunId, told: &Told) {
        let Some(run) = self.run(id) else { return };
        match run.hear(told) {
            Heard::Known => {}
            Heard::Gap => self.ask_again(),
            Heard::Next => {
                if run.has_ended() {
                    self.ended(id, &run);
                }
                self.draw_soon();
            }
        }
    }

    fn ended(self, id: RunId, run: &Run) {
        if self.active.get_untracked() == Some(id) {
            self.active.set(None);
            self.announcer.say(run.farewell());
        }
    }

    fn hear_conversation(self, told: &Told) {
        let last = self.last_seq.get_value();
        if told.seq <= last {
            return;
        }
        if told.seq > last + 1 {
            return self.ask_again();
        }
        self.last_seq.set_value(told.seq);
        match told.event() {
            Some(StreamEvent::MessageAdded(MessageAdded { message })) if message.author == Author::User => self.added(message.clone()),
            Some(StreamEvent::RunQueued(queued)) => self.asked(queued.run_id),
            Some(StreamEvent::RunEnded(ended)) if self.active.get_untracked() == Some(ended.run_id) => self.active.set(None),
            Some(StreamEvent::ConversationRenamed(renamed)) => self.title.set(renamed.title.clone()),
            _ => {}
        }
    }

    /// A person's message: its echo becomes the message itself.
    fn added(self, message: MessageView) {
        self.entries.update(|entries| {
            if entries.iter().any(|entry| matches!(entry, Shown::Message(known) if known.id == message.id)) {
                return;
            }
            let echoed = |entry: &Shown| matches!(entry, Shown::Echo(echo) if echo.id == Some(message.id) || (echo.id.is_none() && echo.text == message.text));
            if let Some(place) = entries.iter().position(echoed) {
                entries[place] = Shown::Message(message);
                return;
            }
            // An answer that this message asked for stands below it.
            let answer = entries.iter().position(|entry| matches!(entry, Shown::Run(run) if Some(run.id) == message.run_id));
            entries.insert(answer.unwrap_or(entries.len()), Shown::Message(message));
        });
    }

    /// What is newer wins; what is shown already stays where it is.
    fn take(self, view: TranscriptView) {
        let TranscriptView { conversation, entries, .. } = view;
        self.last_seq.set_value(conversation.last_seq);
        self.title.set(conversation.title);
        let fresh: Vec<Shown> = entries
            .into_iter()
            .map(|entry| match entry {
                Entry::Run(entry) => match self.run(entry.run_id) {
                    Some(run) => {
                        run.take(entry);
                        Shown::Run(run)
                    }
                    None => Shown::Run(Run::open(entry)),
                },
                Entry::Message(_) => shown(entry),
            })
            .collect();
        self.entries.update(|shown| {
            let arrived = |id: Option<MessageId>| id.is_some_and(|id| fresh.iter().any(|entry| matches!(entry, Shown::Message(message) if message.id == id)));
            let waiting: Vec<Shown> = shown.drain(..).filter(|entry| matches!(entry, Shown::Echo(echo) if !arrived(echo.id))).collect();
            *shown = fresh;
            shown.extend(waiting);
        });
        self.active.set(conversation.active_run);
        self.draw_soon();
    }

    /// Shows what was folded, once a frame of the screen.
    fn draw_soon(self) {
        if self.drawing.try_get_value().unwrap_or(true) {
            return;
        }
        self.drawing.set_value(true);
        if document().hidden() {
            set_timeout(move || self.draw(), LATEST);
        } else {
            request_animation_frame(move || self.draw());
        }
    }

    fn draw(self) {
        if !self.drawing.try_get_value().unwrap_or(false) {
            return;
        }
        self.drawing.set_value(false);
        let runs: Vec<Run> = self
            .entries
            .with_untracked(|entries| entries.iter().filter_map(|entry| if let Shown::Run(run) = entry { Some(run.clone()) } else { None }).collect());
        runs.iter().for_each(Run::draw);
        self.grown.update(|grown| *grown = grown.wrapping_add(1));
    }
}

fn shown(entry: Entry) -> Shown {
    match entry {
        Entry::Message(message) => Shown::Message(message),
        Entry::Run(run) => Shown::Run(Run::open(run)),
    }
}

fn echo_of(entries: &mut [Shown], wanted: impl Fn(&Echo) -> bool) -> Option<&mut Echo> {
    entries.iter_mut().find_map(|entry| if let Shown::Echo(echo) = entry { wanted(echo).then_some(echo) } else { None })
}
