//! The table of settings: from it come the environment's names, the defaults and `doctor`'s report.

/// One setting.
pub struct Setting {
    /// Its key in `troupe.toml`.
    pub key: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its default, when there is a plain one.
    pub default: Option<&'static str>,
    /// How `doctor` shows it.
    pub shown: Shown,
}

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As it is.
    Plain,
    /// Not at all.
    Masked,
    /// Without the password in it.
    Address,
}

const fn plain(key: &'static str, variable: &'static str, default: Option<&'static str>) -> Setting {
    Setting { key, variable, default, shown: Shown::Plain }
}

/// Every setting, in the order in which `doctor` tells them.
pub const SETTINGS: &[Setting] = &[
    plain("addr", "TROUPE_ADDR", Some("127.0.0.1:3000")),
    plain("public_url", "TROUPE_PUBLIC_URL", None),
    plain("data_dir", "TROUPE_DATA_DIR", Some("./var")),
    Setting { key: "database_url", variable: "DATABASE_URL", default: None, shown: Shown::Address },
    plain("durability", "TROUPE_DURABILITY", Some("normal")),
    Setting { key: "openai_api_key", variable: "OPENAI_API_KEY", default: None, shown: Shown::Masked },
    plain("openai_base_url", "OPENAI_BASE_URL", None),
    plain("model", "TROUPE_MODEL", Some("gpt-5.1")),
    plain("model_api", "TROUPE_MODEL_API", Some("auto")),
    plain("practice_speed", "TROUPE_PRACTICE_SPEED", Some("natural")),
    plain("signup", "TROUPE_SIGNUP", Some("open")),
    plain("trusted_proxies", "TROUPE_TRUSTED_PROXIES", None),
    Setting { key: "listen_url", variable: "TROUPE_LISTEN_URL", default: None, shown: Shown::Address },
    plain("log", "TROUPE_LOG", Some("info")),
    plain("log_format", "TROUPE_LOG_FORMAT", Some("auto")),
    plain("site_dir", "TROUPE_SITE_DIR", None),
    plain("gallery", "TROUPE_GALLERY", Some("auto")),
    plain("door_tries", "TROUPE_DOOR_TRIES", Some("10")),
    plain("clock_offset", "TROUPE_CLOCK_OFFSET", Some("0")),
];
