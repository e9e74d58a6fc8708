//! The fake OpenAI server as a program, for benchmarks and for trying things out by hand.
//!
//! `fake_openai [--port P] [--chunks N] [--interval-ms M]`: with chunks every call gets so many deltas, evenly spaced; without, answers
//! follow the words of the request. It prints its base URL and serves until it is stopped.

use std::{io::Write as _, time::Duration};

use testkit::openai::FakeOpenAi;

fn argument(arguments: &[String], name: &str) -> anyhow::Result<Option<u64>> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else { return Ok(None) };
    let value = arguments.get(at + 1).ok_or_else(|| anyhow::anyhow!("{name} needs a number"))?;
    Ok(Some(value.parse().map_err(|_| anyhow::anyhow!("{name}: `{value}` is not a number"))?))
}

// One thread: what it costs is then easy to tell from what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = argument(&arguments, "--port")?.unwrap_or(0);
    let fake = FakeOpenAi::start_at(u16::try_from(port)?).await?;
    if let Some(chunks) = argument(&arguments, "--chunks")? {
        let interval = argument(&arguments, "--interval-ms")?.unwrap_or(10);
        fake.stub(usize::try_from(chunks)?, Duration::from_millis(interval));
    }
    writeln!(std::io::stdout(), "{}", fake.base_url)?;
    fake.run().await;
    Ok(())
}
