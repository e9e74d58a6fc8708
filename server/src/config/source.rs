//! Where settings are read from. Nothing else in the program reads the environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use figment2::{
    Error, Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use leptos::config::{LeptosOptions, get_configuration};

use super::setting::SETTINGS;

/// The layers of settings, lowest first.
#[derive(Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
    /// What a bundler that started this process said about the bundle.
    pub bundler: Option<LeptosOptions>,
}

/// One layer whose values are plain text.
struct Layer {
    name: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Sources {
    /// What this process was given: its environment, and the file that `--config` named or that lies in the data directory.
    ///
    /// # Errors
    /// The file that was named does not exist.
    pub fn of_process(file: Option<&Path>) -> Result<Self> {
        // An empty variable counts as none: that is how compose files pass on what is not set.
        let environment: Vec<_> = SETTINGS.iter().filter_map(|s| variable(s.variable).filter(|value| !value.is_empty()).map(|value| (s.key, value))).collect();
        let file = match file {
            Some(named) if !named.is_file() => bail!("--config: there is no file {}", named.display()),
            Some(named) => Some(named.to_path_buf()),
            None => {
                let given = environment.iter().find(|(key, _)| *key == "data_dir").map_or("./var", |(_, value)| value.as_str());
                Some(Path::new(given).join("troupe.toml")).filter(|path| path.is_file())
            }
        };
        let bundler = match variable("LEPTOS_SITE_ROOT") {
            Some(_) => Some(get_configuration(None).context("the bundler's LEPTOS_ variables")?.leptos_options),
            None => None,
        };
        Ok(Self { file, environment, bundler })
    }

    /// Settings by key, as if the environment held them.
    pub fn given(values: &[(&'static str, &str)]) -> Self {
        Self { environment: values.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(), ..Self::default() }
    }

    /// The layers, joined.
    pub(super) fn figment(&self) -> Figment {
        let defaults = SETTINGS.iter().filter_map(|s| s.default.map(|value| (s.key, value.to_owned()))).collect();
        let mut figment = Figment::from(Layer { name: "default", values: defaults });
        if let Some(file) = &self.file {
            figment = figment.merge(Toml::file(file).search(false));
        }
        figment.merge(Layer { name: "environment", values: self.environment.clone() })
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name).interpolater(|_, path| {
            let key = path.join(".");
            SETTINGS.iter().find(|s| s.key == key).map_or(key, |s| s.variable.to_owned())
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let values: Dict = self.values.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))).collect();
        Ok(Profile::Default.collect(values))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
