//! `troupe doctor`: every setting and where it came from, what is simulated, and whether all that is needed answers.

use std::time::Duration;

use anyhow::{Result, bail};
use storage::Db;

use super::say;
use crate::{compose, config::Config, lifecycle::DataLock};

/// Tells, and fails when something keeps the server from starting.
pub async fn run(config: Config) -> Result<()> {
    compose::cryptography();
    say("Settings");
    let width = config.report().iter().map(|line| line.value.chars().count()).max().unwrap_or(0).min(48);
    for line in config.report() {
        say(&format!("  {:<24} {:<width$}  {}", line.variable, line.value, line.origin));
    }
    say("Simulated");
    let simulated = config.simulated();
    for sentence in &simulated {
        say(&format!("  {sentence}"));
    }
    if simulated.is_empty() {
        say("  Nothing.");
    }
    say("Checks");
    let mut failed = false;
    for (what, outcome) in checks(&config).await {
        failed |= outcome.is_err();
        let (mark, text) = match outcome {
            Ok(text) => ("ok  ", text),
            Err(text) => ("FAIL", text),
        };
        say(&format!("  {mark} {what}: {text}"));
    }
    if failed {
        bail!("not everything is as it should be; see above");
    }
    Ok(())
}

type Check = (&'static str, Result<String, String>);

async fn checks(config: &Config) -> Vec<Check> {
    let refusals = config.refusals();
    let safe = if refusals.is_empty() { Ok("safe to start with".to_owned()) } else { Err(refusals.join(" ")) };
    let mut checks = vec![("settings", safe), ("data directory", data_dir(config))];
    let settings = compose::database_settings(config);
    if !settings.is_postgres() && DataLock::is_taken(&config.data_dir) {
        checks.push(("database", Ok("in use by a running server, which `/ready` tells more of".to_owned())));
        return checks;
    }
    if !settings.is_postgres() && !config.data_dir.exists() {
        checks.push(("database", Ok("SQLite, made at the first start".to_owned())));
        return checks;
    }
    match Db::connect(&settings, compose::clock()).await {
        Err(error) => checks.push(("database", Err(error.to_string()))),
        Ok(db) => {
            checks.push(("database", db.version().await.map_err(|error| error.to_string())));
            let schema = match db.is_migrated().await {
                Ok(true) => Ok("up to date".to_owned()),
                Ok(false) => Ok("older than this version; the next start brings it up to date".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            checks.push(("schema", schema));
            if db.is_shared() {
                let heard = db.wake().round_trip(Duration::from_secs(2)).await;
                checks.push(("wake between processes", heard.map(|took| format!("heard after {} ms", took.as_millis()))));
            }
            db.close().await;
        }
    }
    checks
}

/// Whether it is there and ours to write, found out without leaving anything behind.
fn data_dir(config: &Config) -> Result<String, String> {
    let dir = &config.data_dir;
    let shown = dir.display();
    if !dir.exists() {
        return Ok(format!("{shown} is made at the first start"));
    }
    match probe(dir) {
        Ok(()) => Ok(format!("{shown} can be written")),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

fn probe(dir: &std::path::Path) -> std::io::Result<()> {
    let file = dir.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&file, b"")?;
    std::fs::remove_file(file)
}
