//! Puts the product together: settings become adapters, adapters become services. The only file that names vendors.

use std::sync::{Arc, OnceLock};

use adapters::{Api, OpenAi, OpenAiSettings, PracticeModel, PracticeSpeed, Prices};
use anyhow::{Context, Result};
use domain::{Clock, Ids};
use engine::agent::Catalog;
use secrecy::ExposeSecret;
use services::{
    Parts, Services,
    clock::{OrderedIds, SystemClock},
    models::Models,
};
use storage::{DatabaseSettings, Db};

use crate::{
    config::{Config, Durability, ModelApi, PracticePace},
    lifecycle::DataLock,
};

/// The provider that a key alone means.
const OPENAI: &str = "https://api.openai.com/v1";

/// The clock of this process.
pub fn clock() -> Arc<dyn Clock> {
    static CLOCK: OnceLock<Arc<SystemClock>> = OnceLock::new();
    CLOCK.get_or_init(Arc::default).clone()
}

/// The source of ids of this process: one, so that they grow.
pub fn ids() -> Arc<dyn Ids> {
    static IDS: OnceLock<Arc<OrderedIds>> = OnceLock::new();
    IDS.get_or_init(Arc::default).clone()
}

/// Chooses the one provider of TLS. Safe to repeat.
pub fn cryptography() {
    // Fails only when it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What the settings say of the database.
pub fn database_settings(config: &Config) -> DatabaseSettings {
    let mut settings = DatabaseSettings::new(config.database_url.expose_secret());
    settings.durability = match config.durability {
        Durability::Normal => storage::Durability::Normal,
        Durability::Full => storage::Durability::Full,
    };
    settings.listen_url = config.listen_url.as_ref().map(|url| url.expose_secret().to_owned());
    settings
}

/// Connects and migrates. On SQLite the data directory is ours from here on, as long as the lock lives.
///
/// # Errors
/// Another process owns the data directory, or the database does not answer.
pub async fn database(config: &Config) -> Result<(Db, Option<DataLock>)> {
    let settings = database_settings(config);
    let lock = if settings.is_postgres() { None } else { Some(DataLock::take(&config.data_dir)?) };
    let db = Db::connect(&settings, clock()).await.context("the database")?;
    db.migrate().await.context("the database's schema")?;
    db.set_clock_offset(config.clock_offset.saturating_mul(1_000_000));
    Ok((db, lock))
}

/// The services on this database.
///
/// # Errors
/// A built-in agent is wrong, or the model's settings are.
pub fn services(db: Db, config: &Config) -> Result<Services> {
    let catalog = Catalog::builtin().context("the built-in agents")?;
    Ok(Services::new(Parts { db, clock: clock(), ids: ids(), catalog, models: models(config)? }))
}

fn models(config: &Config) -> Result<Models> {
    let settings = &config.model;
    if settings.is_simulated() {
        let practice = PracticeModel::new(match settings.practice {
            PracticePace::Natural => PracticeSpeed::Natural,
            PracticePace::Every(pause) => PracticeSpeed::Every(pause),
            PracticePace::Instant => PracticeSpeed::Instant,
        });
        return Ok(Models::free(Arc::new(practice), "practice"));
    }
    let mut provider = OpenAiSettings::new(settings.base_url.as_deref().unwrap_or(OPENAI));
    provider.api_key.clone_from(&settings.api_key);
    provider.api = match settings.api {
        ModelApi::Auto => Api::Auto,
        ModelApi::Responses => Api::Responses,
        ModelApi::Chat => Api::Chat,
    };
    let model = OpenAi::new(provider).context("OPENAI_BASE_URL or OPENAI_API_KEY")?;
    let prices = prices(config)?;
    let price = move |model: &str| prices.price(model).unwrap_or_default();
    Ok(Models { model: Arc::new(model), name: settings.name.clone(), price: Arc::new(price) })
}

/// What models cost, with the operator's own table over ours.
fn prices(config: &Config) -> Result<Prices> {
    let own = config.data_dir.join("models.toml");
    let prices = Prices::built_in().context("the built-in prices")?;
    match std::fs::read_to_string(&own) {
        Ok(text) => prices.overlaid(&text).with_context(|| own.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(prices),
        Err(error) => Err(error).with_context(|| own.display().to_string()),
    }
}
