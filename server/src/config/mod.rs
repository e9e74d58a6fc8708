//! Settings: defaults, then `troupe.toml`, then the environment. The only place that reads the environment.
//!
//! A [`Config`] is checked and complete: nothing after it parses text again. Each value remembers where it
//! came from, so that `troupe doctor` can say it.

mod proxies;
mod public_url;
mod report;
mod safety;
mod setting;
mod source;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use leptos::config::LeptosOptions;
use secrecy::SecretString;
use serde::Deserialize;

pub use proxies::TrustedProxies;
pub use public_url::{PublicUrl, is_local_host};
pub use report::Line;
pub use setting::{SETTINGS, Setting};
pub use source::Sources;

/// What the whole program is told.
#[derive(Clone)]
pub struct Config {
    /// Where the server listens.
    pub addr: SocketAddr,
    /// The address that people use.
    pub public_url: PublicUrl,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The database's address; may hold a password.
    pub database_url: SecretString,
    /// Whether commits survive power loss on SQLite too.
    pub durability: Durability,
    /// Which model answers.
    pub model: ModelSettings,
    /// Who may sign up.
    pub signup: Signup,
    /// Whose word on the client's address counts.
    pub trusted_proxies: TrustedProxies,
    /// A Postgres address for LISTEN that goes round a pooler.
    pub listen_url: Option<SecretString>,
    /// Directives for the log, such as `info,server=debug`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where the bundle lies, when it is neither embedded nor beside the binary.
    pub site_dir: Option<PathBuf>,
    /// Whether `/dev/gallery` shows every primitive in every state.
    pub gallery: bool,
    /// Tries per account and quarter of an hour at the sign-in and sign-up doors.
    pub door_tries: u32,
    /// Moves the clock of leases and schedules, in seconds: for drills on a loopback server.
    pub clock_offset: i64,
    /// What a bundler that started this process said about the bundle.
    pub bundler: Option<LeptosOptions>,
    lines: Vec<Line>,
    public_url_given: bool,
}

/// Which model answers.
#[derive(Clone)]
pub struct ModelSettings {
    /// The provider's key.
    pub api_key: Option<SecretString>,
    /// The provider's address.
    pub base_url: Option<String>,
    /// The model's name.
    pub name: String,
    /// How to talk to the provider.
    pub api: ModelApi,
    /// How fast the practice model writes.
    pub practice: PracticePace,
}

impl ModelSettings {
    /// Whether the practice model answers: there is neither a key nor an address.
    pub fn is_simulated(&self) -> bool {
        self.api_key.is_none() && self.base_url.is_none()
    }
}

/// What a commit survives on SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// A killed process.
    Normal,
    /// Power loss too.
    Full,
}

/// How to talk to the model's provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelApi {
    /// Responses where it is there, else chat completions.
    Auto,
    /// Responses.
    Responses,
    /// Chat completions.
    Chat,
}

/// How fast the practice model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PracticePace {
    /// Like a hosted model.
    Natural,
    /// One piece after each such time.
    Every(Duration),
    /// All at once.
    Instant,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signup {
    /// Everybody.
    Open,
    /// Whoever was invited.
    Invite,
    /// Everybody, after an operator has approved.
    Approval,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Whether developers' pages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shown {
    /// In builds for developers.
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// The settings as written, before they are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    addr: String,
    public_url: Option<String>,
    data_dir: PathBuf,
    database_url: Option<String>,
    durability: Durability,
    openai_api_key: Option<String>,
    openai_base_url: Option<String>,
    model: String,
    model_api: ModelApi,
    practice_speed: String,
    signup: Signup,
    trusted_proxies: Option<String>,
    listen_url: Option<String>,
    log: String,
    log_format: LogFormat,
    site_dir: Option<PathBuf>,
    gallery: Shown,
    door_tries: u32,
    clock_offset: i64,
}

impl Config {
    /// Reads and checks the settings of this process. `file` is what `--config` named.
    ///
    /// # Errors
    /// A setting is unknown or cannot be understood; the text names it and says where it was found.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        Self::from_sources(&Sources::of_process(file)?)
    }

    /// Checks settings that were read from anywhere.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_sources(sources: &Sources) -> Result<Self> {
        let figment = sources.figment();
        let raw: Raw = figment.extract_lossy().map_err(|error| anyhow::anyhow!("settings: {error}"))?;
        let lines = report::lines(&figment);
        let addr = address(&raw.addr)?;
        let public_url = match &raw.public_url {
            Some(text) => PublicUrl::parse(text).with_context(|| format!("TROUPE_PUBLIC_URL: `{text}`"))?,
            None => PublicUrl::local(addr.port()),
        };
        let database_url = raw.database_url.unwrap_or_else(|| format!("sqlite:{}", raw.data_dir.join("troupe.db").display()));
        check_database(&database_url)?;
        if raw.door_tries == 0 {
            bail!("TROUPE_DOOR_TRIES: 0 would let nobody in");
        }
        Ok(Self {
            addr,
            public_url,
            data_dir: raw.data_dir,
            database_url: database_url.into(),
            durability: raw.durability,
            model: ModelSettings {
                api_key: raw.openai_api_key.map(Into::into),
                base_url: raw.openai_base_url.map(|url| url.trim_end_matches('/').to_owned()),
                name: raw.model,
                api: raw.model_api,
                practice: pace(&raw.practice_speed)?,
            },
            signup: raw.signup,
            trusted_proxies: raw.trusted_proxies.as_deref().unwrap_or_default().parse().context("TROUPE_TRUSTED_PROXIES")?,
            listen_url: raw.listen_url.map(Into::into),
            log: raw.log,
            log_format: raw.log_format,
            site_dir: raw.site_dir,
            gallery: match raw.gallery {
                Shown::Auto => cfg!(debug_assertions),
                Shown::On => true,
                Shown::Off => false,
            },
            door_tries: raw.door_tries,
            clock_offset: raw.clock_offset,
            bundler: sources.bundler.clone(),
            lines,
            public_url_given: raw.public_url.is_some(),
        })
    }

    /// Whether only this machine can reach the server.
    pub fn is_loopback(&self) -> bool {
        self.addr.ip().is_loopback()
    }

    /// The same settings once the listener has its port: port 0 asks the system for a free one.
    #[must_use]
    pub fn listening_on(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        if !self.public_url_given {
            self.public_url = PublicUrl::local(addr.port());
        }
        self
    }

    /// Every setting with its value and where it came from, secrets masked.
    pub fn report(&self) -> &[Line] {
        &self.lines
    }
}

fn address(text: &str) -> Result<SocketAddr> {
    let parsed = match text.strip_prefix("localhost:") {
        Some(port) => port.parse().ok().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().ok(),
    };
    parsed.with_context(|| format!("TROUPE_ADDR: `{text}` is not an address and port such as 127.0.0.1:3000"))
}

fn pace(text: &str) -> Result<PracticePace> {
    match (text, text.strip_suffix("ms").unwrap_or(text).parse()) {
        ("natural", _) => Ok(PracticePace::Natural),
        ("instant", _) => Ok(PracticePace::Instant),
        (_, Ok(millis)) => Ok(PracticePace::Every(Duration::from_millis(millis))),
        _ => bail!("TROUPE_PRACTICE_SPEED: `{text}` is none of natural, instant, and a time such as 10ms"),
    }
}

fn check_database(url: &str) -> Result<()> {
    if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    bail!("DATABASE_URL: it starts with `sqlite:` or `postgres://`")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn defaults_need_nothing() {
        let config = Config::from_sources(&Sources::given(&[])).unwrap();
        assert!(config.is_loopback());
        assert_eq!(config.public_url.origin(), "http://localhost:3000");
        assert!(config.model.is_simulated());
        assert!(config.database_url.expose_secret().starts_with("sqlite:"));
        assert!(config.refusals().is_empty());
    }

    #[test]
    fn numbers_and_keys_may_look_alike() {
        let config = Config::from_sources(&Sources::given(&[("openai_api_key", "12345"), ("door_tries", "50")])).unwrap();
        assert_eq!(config.door_tries, 50);
        assert_eq!(config.model.api_key.unwrap().expose_secret(), "12345");
    }

    #[test]
    fn nonsense_is_named() {
        for (key, value, word) in [
            ("addr", "nowhere", "TROUPE_ADDR"),
            ("public_url", "ftp://x", "TROUPE_PUBLIC_URL"),
            ("database_url", "mysql://x", "DATABASE_URL"),
            ("durability", "perhaps", "TROUPE_DURABILITY"),
            ("practice_speed", "soon", "TROUPE_PRACTICE_SPEED"),
            ("trusted_proxies", "10.0.0.0/99", "TROUPE_TRUSTED_PROXIES"),
        ] {
            let error = Config::from_sources(&Sources::given(&[(key, value)])).err().unwrap();
            assert!(format!("{error:#}").contains(word), "{key}: {error:#}");
        }
    }

    #[test]
    fn a_port_that_the_system_chose_shows_in_the_public_url() {
        let config = Config::from_sources(&Sources::given(&[("addr", "127.0.0.1:0")])).unwrap();
        assert_eq!(config.listening_on("127.0.0.1:4567".parse().unwrap()).public_url.origin(), "http://localhost:4567");
    }
}
