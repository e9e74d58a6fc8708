//! `bench llama`: Troupe with a real model that needs no network, and with a fake provider: sign up, send, see tokens stream, read
//! the history. Shows that `OPENAI_BASE_URL` alone is enough.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testkit::openai::FakeOpenAi;

use crate::{
    client::{Account, http},
    frames::Frames,
    place::Place,
    process::{Program, tail},
    python,
    report::{Table, say},
    troupe::{Troupe, free_port},
};

/// What to ask.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// The question.
    #[arg(long, default_value = "Name three large rivers of Europe.")]
    question: String,
    /// How the provider is spoken to: auto, responses or chat.
    #[arg(long, default_value = "auto", value_parser = ["auto", "responses", "chat"])]
    dialect: String,
    /// Leave the real model out.
    #[arg(long)]
    fake_only: bool,
}

/// What one conversation was like.
struct Talk {
    first: Duration,
    took: Duration,
    pieces: u32,
}

/// Talks to each.
pub async fn run(place: &Place, options: Options) -> Result<()> {
    let mut table = Table::new(&["", "first token ms", "pieces", "pieces/s"]);
    let mut tell = |name: &str, talk: &Talk| {
        let rate = f64::from(talk.pieces) / talk.took.as_secs_f64();
        table.row([name.to_owned(), talk.first.as_millis().to_string(), talk.pieces.to_string(), format!("{rate:.0}")]);
    };
    if !options.fake_only {
        let python = python::environment(place, "llama", true)?.to_string_lossy().into_owned();
        let (directory, port) = (place.scratch("llama")?, free_port()?);
        let script = place.peer("llama.py").to_string_lossy().into_owned();
        let program = Program::new(directory.path(), "llama", &[&python, &script, &port.to_string()]);
        let mut model = program.start()?;
        let base = format!("http://127.0.0.1:{port}");
        let started = Instant::now();
        while !http()?.get(format!("{base}/health")).send().await.is_ok_and(|response| response.status().is_success()) {
            model.check()?;
            if started.elapsed() > Duration::from_mins(2) {
                bail!("the model's server does not answer:\n{}", tail(&program.log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        say(format!("SmolLM2 135M behind llama.cpp at {base}/v1, up after {} ms", started.elapsed().as_millis()));
        tell("llama.cpp, SmolLM2 135M", &talk(place, &options, &format!("{base}/v1"), "smollm2").await?);
    }
    let fake = FakeOpenAi::start().await?;
    say(format!("\na fake OpenAI server at {}", fake.base_url));
    tell("fake OpenAI", &talk(place, &options, &fake.base_url, "fake").await?);
    say("");
    table.print();
    Ok(())
}

/// Signs up, asks, prints the tokens as they come, and then what is kept.
async fn talk(place: &Place, options: &Options, provider: &str, model: &str) -> Result<Talk> {
    let (directory, binary) = (place.scratch("talk")?, place.binary()?);
    let server = Troupe::server(&binary, directory.path())?.with("OPENAI_BASE_URL", provider).with("TROUPE_MODEL", model);
    let mut server = server.with("TROUPE_MODEL_API", options.dialect.as_str());
    server.start().await?;
    let base = server.base();
    let account = Account::sign_up(http()?, &base, "ada").await?;
    let conversation = account.converse(&base, "conversation", None).await?;
    say(format!("> {}", options.question));
    let asked = Instant::now();
    let mut response = account.ask(&base, &conversation, &options.question).await?;
    let (mut frames, mut text, mut talk) = (Frames::default(), String::new(), Talk { first: Duration::ZERO, took: Duration::ZERO, pieces: 0 });
    let mut end = Value::Null;
    while let Some(bytes) = response.chunk().await? {
        for event in frames.push(&bytes) {
            let data: Value = serde_json::from_str(&event.data)?;
            match event.kind.as_str() {
                "message.delta" => {
                    if talk.pieces == 0 {
                        talk.first = asked.elapsed();
                    }
                    talk.pieces += 1;
                    let piece = data["text"].as_str().unwrap_or_default();
                    text.push_str(piece);
                    show(piece);
                }
                "message.reset" => text.clear(),
                "run.finished" => end = data,
                _ => {}
            }
        }
    }
    talk.took = asked.elapsed();
    say("");
    if end["status"] != "succeeded" {
        bail!("the run ended {end}; the server's log:\n{}", tail(server.log()));
    }
    let kept = account.messages(&base, &conversation).await?;
    for message in &kept {
        say(format!("kept: {} {:?}", message["author"], message["text"].as_str().unwrap_or_default()));
    }
    let answer = kept.last().context("nothing is kept")?;
    if kept.len() != 2 || answer["text"].as_str() != Some(text.as_str()) || talk.pieces < 2 {
        bail!("what is kept is not what was shown, in {} pieces", talk.pieces);
    }
    server.end()?;
    Ok(talk)
}

/// Prints a piece of text as it comes.
fn show(piece: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let _ = out.write_all(piece.as_bytes());
    let _ = out.flush();
}
