//! Puts the product together: settings become adapters, adapters become services. The only file that names vendors.

use std::sync::{Arc, OnceLock};

use adapters::{PracticeModel, PracticeSpeed};
use anyhow::{Context, Result, bail};
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
    config::{Config, Durability, PracticePace},
    lifecycle::DataLock,
};

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
    if !config.model.is_simulated() {
        bail!("OPENAI_API_KEY and OPENAI_BASE_URL: this version speaks to no provider yet");
    }
    let practice = PracticeModel::new(match config.model.practice {
        PracticePace::Natural => PracticeSpeed::Natural,
        PracticePace::Every(pause) => PracticeSpeed::Every(pause),
        PracticePace::Instant => PracticeSpeed::Instant,
    });
    Ok(Models::free(Arc::new(practice), "practice"))
}
