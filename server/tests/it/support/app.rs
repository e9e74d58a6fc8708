//! A server of its own for each test.

use server::{
    config::{Config, Sources},
    serving::Serving,
};
use tempfile::TempDir;

use super::Actor;

/// A running server.
pub struct TestApp {
    pub url: String,
    serving: Serving,
    directory: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl TestApp {
    /// A server whose practice model answers at once.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with further settings.
    pub async fn with(settings: &[(&'static str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The port is ours until the server takes it; settings that name it need it before.
        let mut all = vec![("addr", "127.0.0.1:0".to_owned()), ("practice_speed", "instant".to_owned())];
        all.retain(|(key, _)| !settings.iter().any(|(given, _)| given == key));
        all.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Self::on(directory, all).await
    }

    async fn on(directory: TempDir, settings: Vec<(&'static str, String)>) -> Self {
        let data = directory.path().join("var").display().to_string();
        let mut given: Vec<(&'static str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        given.push(("data_dir", &data));
        let config = Config::from_sources(&Sources::given(&given)).unwrap();
        let serving = Serving::start(config, true).await.unwrap();
        Self { url: format!("http://{}", serving.addr()), serving, directory, settings }
    }

    /// Stops the server and starts it again on the same data.
    pub async fn restart(self) -> Self {
        self.serving.stop().await.unwrap();
        Self::on(self.directory, self.settings).await
    }

    /// Nobody.
    pub fn anonymous(&self) -> Actor {
        Actor::anonymous(&self.url)
    }

    /// A person with an organization of their own.
    pub async fn person(&self, name: &str) -> Actor {
        Actor::signed_up(&self.url, name).await
    }
}
