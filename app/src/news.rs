//! What arrives on the tab's stream, and how it is read.
//!
//! Read by hand and not by derived code: that would be the largest single part of what a browser loads. The
//! contract's own types are filled, so a field that changes there does not compile here; a test reads back
//! every kind that pages show.

use std::str::FromStr;

use contracts::{
    Frame, StreamEvent,
    chat::MessageView,
    runs::RunError,
    stream::{
        Citation, ConversationRenamed, MessageAdded, MessageCompleted, MessageDelta, MessageReset, MessageStarted, ReasoningDelta, RunEnded, RunFinished,
        RunQueued, ToolArguments, ToolFinished, ToolOutput, ToolStarted,
    },
};
use domain::{
    agents::Risk,
    chat::{Author, TitleSource},
    ids::{ConversationId, RunId},
    runs::RunStatus,
};
use serde_json::{Map, Value};

/// One frame of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its place in the stream.
    pub seq: i64,
    /// What happened; `None` for a kind that pages do not show.
    pub frame: Option<Frame>,
}

impl Told {
    /// What happened.
    pub fn event(&self) -> Option<&StreamEvent> {
        self.frame.as_ref().map(|frame| &frame.event)
    }
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A run's stream.
    Run(RunId, Told),
    /// The stream of the conversation at hand.
    Conversation(ConversationId, Told),
    /// The organization's stream.
    Organization(Told),
    /// The organization's stream was opened without knowing where: lists may be behind.
    Opened,
}

impl News {
    /// Reads one message; `None` for a stream that this version does not know.
    pub fn read(text: &str) -> Option<Self> {
        let mut envelope = Fields::of(serde_json::from_slice(text.as_bytes()).ok()?)?;
        let (stream, seq, kind) = (envelope.text("stream")?, envelope.number("seq")?, envelope.text("kind")?);
        let event = envelope.take("data").and_then(Fields::of).and_then(|mut data| data.event(&kind));
        let told = Told { seq, frame: event.map(|event| Frame { seq, event }) };
        match stream.as_str() {
            "run" => Some(Self::Run(envelope.read("id")?, told)),
            "conversation" => Some(Self::Conversation(envelope.read("id")?, told)),
            "organization" => Some(Self::Organization(told)),
            _ => None,
        }
    }
}

/// The fields of an object, taken one by one.
struct Fields(Map<String, Value>);

impl Fields {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self(fields)),
            _ => None,
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn read<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    fn status(&mut self) -> Option<RunStatus> {
        RunStatus::parse(&self.text("status")?)
    }

    fn event(&mut self, kind: &str) -> Option<StreamEvent> {
        self.message_event(kind).or_else(|| self.tool_event(kind)).or_else(|| self.run_event(kind)).or_else(|| self.conversation_event(kind))
    }

    fn message_event(&mut self, kind: &str) -> Option<StreamEvent> {
        Some(match kind {
            "message.started" => MessageStarted { message_id: self.read("message_id")?, agent: self.text("agent")? }.into(),
            "message.delta" => MessageDelta { message_id: self.read("message_id")?, text: self.text("text")? }.into(),
            "message.reset" => MessageReset { message_id: self.read("message_id")? }.into(),
            "message.completed" => {
                let (message_id, text) = (self.read("message_id")?, self.text("text")?);
                MessageCompleted { message_id, text, partial: self.flag("partial"), refusal: self.flag("refusal") }.into()
            }
            "reasoning.delta" => ReasoningDelta { message_id: self.read("message_id")?, text: self.text("text")? }.into(),
            "citation" => {
                let number = u32::try_from(self.number("number")?).ok()?;
                Citation { message_id: self.read("message_id")?, number, title: self.text("title")?, url: self.text("url")? }.into()
            }
            _ => return None,
        })
    }

    fn tool_event(&mut self, kind: &str) -> Option<StreamEvent> {
        Some(match kind {
            "tool.started" => ToolStarted { call_id: self.text("call_id")?, name: self.text("name")?, title: self.text("title")?, risk: self.risk() }.into(),
            "tool.arguments" => ToolArguments { call_id: self.text("call_id")?, arguments: self.text("arguments")? }.into(),
            "tool.output" => ToolOutput { call_id: self.text("call_id")?, output: self.text("output")? }.into(),
            "tool.finished" => ToolFinished { call_id: self.text("call_id")?, ok: self.flag("ok"), duration_ms: self.number("duration_ms")? }.into(),
            _ => return None,
        })
    }

    fn run_event(&mut self, kind: &str) -> Option<StreamEvent> {
        Some(match kind {
            "run.queued" => RunQueued { run_id: self.read("run_id")?, agent: self.text("agent")? }.into(),
            "run.ended" => RunEnded { run_id: self.read("run_id")?, status: self.status()? }.into(),
            "run.finished" => {
                let error =
                    self.take("error").and_then(Self::of).and_then(|mut error| Some(RunError { code: error.text("code")?, message: error.text("message")? }));
                RunFinished { status: self.status()?, error }.into()
            }
            _ => return None,
        })
    }

    fn conversation_event(&mut self, kind: &str) -> Option<StreamEvent> {
        Some(match kind {
            "message.added" => MessageAdded { message: Self::of(self.take("message")?)?.message()? }.into(),
            "conversation.renamed" => ConversationRenamed { title: self.text("title")?, source: self.title_source() }.into(),
            _ => return None,
        })
    }

    fn message(&mut self) -> Option<MessageView> {
        let author = if self.text("author")? == Author::User.as_str() { Author::User } else { Author::Agent };
        Some(MessageView {
            id: self.read("id")?,
            author,
            agent: self.text("agent"),
            text: self.text("text")?,
            partial: self.flag("partial"),
            run_id: self.read("run_id"),
            created_at: self.read("created_at")?,
        })
    }

    fn risk(&mut self) -> Risk {
        match self.text("risk").as_deref() {
            Some("read") => Risk::Read,
            Some("write") => Risk::Write,
            _ => Risk::Destructive,
        }
    }

    fn title_source(&mut self) -> TitleSource {
        let word = self.text("source").unwrap_or_default();
        [TitleSource::Draft, TitleSource::Agent].into_iter().find(|source| source.as_str() == word).unwrap_or(TitleSource::User)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ID: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

    fn read<T: FromStr<Err: std::fmt::Debug>>() -> T {
        ID.parse().unwrap()
    }

    fn shown() -> Vec<StreamEvent> {
        let message = MessageView {
            id: read(),
            author: Author::User,
            agent: None,
            text: "\"é\"\n".into(),
            partial: false,
            run_id: Some(read()),
            created_at: "2026-11-20T05:32:30.123456Z".parse().unwrap(),
        };
        let error = RunError { code: "model_cut".into(), message: "It broke.".into() };
        vec![
            MessageStarted { message_id: read(), agent: "triage".into() }.into(),
            MessageDelta { message_id: read(), text: "He\u{1f600}".into() }.into(),
            MessageReset { message_id: read() }.into(),
            MessageCompleted { message_id: read(), text: "a".into(), partial: true, refusal: false }.into(),
            MessageCompleted { message_id: read(), text: String::new(), partial: false, refusal: true }.into(),
            ReasoningDelta { message_id: read(), text: "b".into() }.into(),
            Citation { message_id: read(), number: 7, title: "t".into(), url: "https://example.com".into() }.into(),
            ToolStarted { call_id: "c".into(), name: "n".into(), title: "t".into(), risk: Risk::Read }.into(),
            ToolStarted { call_id: "c".into(), name: "n".into(), title: "t".into(), risk: Risk::Write }.into(),
            ToolStarted { call_id: "c".into(), name: "n".into(), title: "t".into(), risk: Risk::Destructive }.into(),
            ToolArguments { call_id: "c".into(), arguments: "{}".into() }.into(),
            ToolOutput { call_id: "c".into(), output: "o".into() }.into(),
            ToolFinished { call_id: "c".into(), ok: true, duration_ms: 12 }.into(),
            ToolFinished { call_id: "c".into(), ok: false, duration_ms: 0 }.into(),
            RunFinished { status: RunStatus::Failed, error: Some(error) }.into(),
            RunFinished { status: RunStatus::TimedOut, error: None }.into(),
            RunQueued { run_id: read(), agent: "triage".into() }.into(),
            RunEnded { run_id: read(), status: RunStatus::Cancelled }.into(),
            MessageAdded { message: MessageView { agent: Some("a".into()), author: Author::Agent, partial: true, run_id: None, ..message.clone() } }.into(),
            MessageAdded { message }.into(),
            ConversationRenamed { title: "t".into(), source: TitleSource::Agent }.into(),
            ConversationRenamed { title: "t".into(), source: TitleSource::User }.into(),
            ConversationRenamed { title: "t".into(), source: TitleSource::Draft }.into(),
        ]
    }

    #[test]
    fn every_kind_that_pages_show_reads_back() {
        for event in shown() {
            let sent = format!(r#"{{"stream":"run","id":"{ID}","seq":3,"kind":"{}","data":{}}}"#, event.kind(), event.data());
            let told = Told { seq: 3, frame: Some(Frame { seq: 3, event }) };
            assert_eq!(News::read(&sent), Some(News::Run(read(), told)), "{sent}");
        }
    }

    #[test]
    fn what_is_not_shown_counts_all_the_same() {
        let told = Told { seq: 9, frame: None };
        assert_eq!(News::read(r#"{"stream":"organization","id":"x","seq":9,"kind":"from.the.future","data":{}}"#), Some(News::Organization(told.clone())));
        assert_eq!(News::read(r#"{"stream":"organization","id":"x","seq":9,"kind":"message.delta","data":{}}"#), Some(News::Organization(told)));
        for odd in [
            "",
            "[]",
            "{}",
            r#"{"stream":"run","id":"no id","seq":1,"kind":"usage","data":{}}"#,
            r#"{"stream":"other","id":"x","seq":1,"kind":"usage","data":{}}"#,
        ] {
            assert_eq!(News::read(odd), None, "{odd}");
        }
    }
}
