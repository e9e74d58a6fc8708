//! What must not be shown to the public, and what is only simulated.

use super::Config;

impl Config {
    /// Settings with which the server refuses to start, one sentence each.
    pub fn refusals(&self) -> Vec<String> {
        let mut refusals = Vec::new();
        let stays_here = self.is_loopback() && self.public_url.is_local();
        if !self.public_url.is_https() && !stays_here {
            refusals.push(format!(
                "TROUPE_PUBLIC_URL is {}: passwords and sign-in cookies would travel unencrypted. Set it to the https:// address that people use.",
                self.public_url.origin()
            ));
        }
        if self.clock_offset != 0 && !self.is_loopback() {
            refusals.push("TROUPE_CLOCK_OFFSET moves the clock of leases: it is for drills on a loopback server.".to_owned());
        }
        refusals
    }

    /// What is simulated, one sentence each.
    pub fn simulated(&self) -> Vec<&'static str> {
        let mut simulated = Vec::new();
        if self.model.is_simulated() {
            simulated.push("Models: the practice model answers. Set OPENAI_API_KEY or OPENAI_BASE_URL for a real one.");
        }
        simulated
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use crate::config::{Config, Sources};

    fn refused(given: &[(&'static str, &str)]) -> String {
        Config::from_sources(&Sources::given(given)).unwrap().refusals().join("\n")
    }

    #[test]
    fn the_public_gets_https_or_nothing() {
        assert!(refused(&[("addr", "0.0.0.0:3000")]).contains("TROUPE_PUBLIC_URL"));
        assert!(refused(&[("addr", "0.0.0.0:3000"), ("public_url", "http://troupe.example")]).contains("https"));
        assert!(refused(&[("public_url", "http://troupe.example")]).contains("https"));
        assert_eq!(refused(&[("addr", "0.0.0.0:3000"), ("public_url", "https://troupe.example")]), "");
        assert_eq!(refused(&[("public_url", "https://troupe.example")]), "");
        assert!(refused(&[("addr", "0.0.0.0:3000"), ("public_url", "https://x.example"), ("clock_offset", "60")]).contains("CLOCK"));
        assert_eq!(refused(&[("clock_offset", "60")]), "");
    }
}
