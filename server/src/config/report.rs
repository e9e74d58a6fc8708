//! What `troupe doctor` tells about settings: value and origin, secrets masked.

use figment2::Figment;

use super::setting::{SETTINGS, Setting, Shown};

/// One setting as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The environment's name for it.
    pub variable: &'static str,
    /// The value, masked where it is secret; `–` when there is none.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

/// Every setting.
pub(super) fn lines(figment: &Figment) -> Vec<Line> {
    SETTINGS.iter().map(|setting| line(figment, setting)).collect()
}

fn line(figment: &Figment, setting: &Setting) -> Line {
    let value = figment.find_value(setting.key).ok();
    let text = value.and_then(|value| value.as_str().map(str::to_owned).or_else(|| value.to_u128().map(|n| n.to_string())));
    let origin = match figment.find_metadata(setting.key) {
        None => "not set".to_owned(),
        Some(metadata) => match &metadata.source {
            Some(source) => source.to_string(),
            None => metadata.name.to_string(),
        },
    };
    let value = match (text, setting.shown) {
        (None, _) => "–".to_owned(),
        (Some(text), Shown::Plain) => text,
        (Some(_), Shown::Masked) => "••••••••".to_owned(),
        (Some(text), Shown::Address) => without_password(&text),
    };
    Line { variable: setting.variable, value, origin }
}

/// `postgres://user:••••@host/db` for an address with a password in it.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    // A password may hold an `@`: the host starts after the last one before the path.
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@').and_then(|(user, host)| user.split_once(':').map(|(user, _)| (user, host))) {
        Some((user, host)) => format!("{scheme}://{user}:••••@{host}{path}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use crate::config::{Config, Sources};

    #[test]
    fn secrets_are_masked_and_origins_told() {
        let given = [("openai_api_key", "sk-secret"), ("database_url", "postgres://troupe:hunter2@db/troupe")];
        let config = Config::from_sources(&Sources::given(&given)).unwrap();
        let told: Vec<String> = config.report().iter().map(|line| format!("{} {} {}", line.variable, line.value, line.origin)).collect();
        let told = told.join("\n");
        assert!(!told.contains("sk-secret") && !told.contains("hunter2"), "{told}");
        assert!(told.contains("postgres://troupe:••••@db/troupe environment"), "{told}");
        assert!(told.contains("TROUPE_ADDR 127.0.0.1:3000 default"), "{told}");
        assert!(told.contains("TROUPE_SITE_DIR – not set"), "{told}");
    }
}
