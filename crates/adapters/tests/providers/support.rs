//! What the tests of the provider adapters share: a call, a client of the fake server, and its answer in short.

use std::time::Duration;

use adapters::{Api, OpenAi, OpenAiSettings, openai::RetryPacing};
use domain::billing::TokenUsage;
use engine::ports::{Finish, InputItem, Model as _, ModelCall, ModelChunk, ModelError, ModelEvent, ModelResume, Speaker};
use futures::StreamExt as _;
use testkit::openai::FakeOpenAi;

/// A call with one message.
pub fn call(words: &str) -> ModelCall {
    ModelCall {
        model: "gpt-5.1".into(),
        instructions: "Be brief.".into(),
        input: vec![said(words)],
        tools: Vec::new(),
        output_schema: None,
        max_output_tokens: None,
        key: "0192f0c1:model:0".into(),
    }
}

/// Something that the person said.
pub fn said(text: &str) -> InputItem {
    InputItem::Message { speaker: Speaker::User, text: text.into() }
}

/// Settings for the fake: quick to try again, and patient, since many tests share the machine.
pub fn settings(fake: &FakeOpenAi, api: Api) -> OpenAiSettings {
    let pacing = RetryPacing { retries: 3, base: Duration::from_millis(2), longest: Duration::from_secs(2) };
    OpenAiSettings { api, idle_timeout: Duration::from_secs(10), pacing, ..OpenAiSettings::new(&fake.base_url) }
}

/// A client with these settings.
pub fn client(settings: OpenAiSettings) -> OpenAi {
    // The first test of the process sets it; for the others it is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    OpenAi::new(settings).expect("settings of a test")
}

/// A client of the fake.
pub fn speaking(fake: &FakeOpenAi, api: Api) -> OpenAi {
    client(settings(fake, api))
}

/// All that a call gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    pub chunks: Vec<ModelChunk>,
    pub error: Option<ModelError>,
}

/// Makes a call, to its end.
pub async fn ask(model: &OpenAi, call: ModelCall) -> Answer {
    go_on(model, call, None).await
}

/// Makes a call or goes on with it.
pub async fn go_on(model: &OpenAi, call: ModelCall, resume: Option<ModelResume>) -> Answer {
    let mut stream = model.stream(call, resume);
    let mut answer = Answer::default();
    let all = async {
        while let Some(item) = stream.next().await {
            assert!(answer.error.is_none(), "nothing comes after an error: {item:?}");
            match item {
                Ok(chunk) => answer.chunks.push(chunk),
                Err(error) => answer.error = Some(error),
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.expect("a call ends");
    answer
}

impl Answer {
    pub fn events(&self) -> Vec<&ModelEvent> {
        self.chunks.iter().map(|chunk| &chunk.event).collect()
    }

    pub fn text(&self) -> String {
        self.chunks.iter().filter_map(|chunk| if let ModelEvent::Text { text } = &chunk.event { Some(text.as_str()) } else { None }).collect()
    }

    pub fn reasoning(&self) -> String {
        self.chunks.iter().filter_map(|chunk| if let ModelEvent::Reasoning { text } = &chunk.event { Some(text.as_str()) } else { None }).collect()
    }

    pub fn refusal(&self) -> String {
        self.chunks.iter().filter_map(|chunk| if let ModelEvent::Refusal { text } = &chunk.event { Some(text.as_str()) } else { None }).collect()
    }

    pub fn calls(&self) -> Vec<(&str, &str, &str)> {
        let call = |chunk: &'_ ModelChunk| matches!(chunk.event, ModelEvent::ToolCall { .. });
        self.chunks
            .iter()
            .filter(|chunk| call(chunk))
            .filter_map(|chunk| match &chunk.event {
                ModelEvent::ToolCall { call_id, name, arguments } => Some((call_id.as_str(), name.as_str(), arguments.as_str())),
                _ => None,
            })
            .collect()
    }

    pub fn citations(&self) -> Vec<(u32, &str, &str)> {
        self.chunks
            .iter()
            .filter_map(|chunk| match &chunk.event {
                ModelEvent::Citation { number, title, url } => Some((*number, title.as_str(), url.as_str())),
                _ => None,
            })
            .collect()
    }

    pub fn usage(&self) -> Option<TokenUsage> {
        self.chunks.iter().find_map(|chunk| if let ModelEvent::Usage { usage } = &chunk.event { Some(*usage) } else { None })
    }

    pub fn finish(&self) -> Option<Finish> {
        self.chunks.last().and_then(|chunk| if let ModelEvent::Finished { finish } = &chunk.event { Some(*finish) } else { None })
    }

    pub fn code(&self) -> Option<&'static str> {
        self.error.as_ref().map(|error| error.code)
    }
}
