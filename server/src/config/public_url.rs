//! The address that people use: cookies, origins and links are made from it.

use anyhow::{Result, bail};

/// A scheme and an authority, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: String,
    https: bool,
}

impl PublicUrl {
    /// Reads `https://troupe.example`.
    ///
    /// # Errors
    /// It is not http or https, or holds more than a host and a port.
    pub fn parse(text: &str) -> Result<Self> {
        let uri: http::Uri = text.trim_end_matches('/').parse()?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("it starts with https:// or http://"),
        };
        let Some(authority) = uri.authority() else { bail!("the host is missing") };
        if authority.as_str().contains('@') || uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") {
            bail!("it holds a host and perhaps a port, nothing else");
        }
        let host = authority.host().to_ascii_lowercase();
        let origin = format!("{}://{}", if https { "https" } else { "http" }, authority.as_str().to_ascii_lowercase());
        Ok(Self { origin, host, https })
    }

    /// The address of a server that only this machine can reach.
    pub fn local(port: u16) -> Self {
        Self { origin: format!("http://localhost:{port}"), host: "localhost".to_owned(), https: false }
    }

    /// `https://troupe.example`, as browsers write it in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host, without a port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether browsers reach it by https.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host names this machine.
    pub fn is_local(&self) -> bool {
        is_local_host(&self.host)
    }
}

/// Whether a host, without a port, always means this machine.
pub fn is_local_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.ends_with(".localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_origins_only() {
        let url = PublicUrl::parse("https://Troupe.Example:8443/").unwrap();
        assert_eq!((url.origin(), url.host(), url.is_https()), ("https://troupe.example:8443", "troupe.example", true));
        for bad in ["troupe.example", "ftp://x", "https://x/path", "https://user@x", ""] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn local_hosts() {
        for local in ["localhost", "127.0.0.1", "[::1]", "::1", "app.localhost"] {
            assert!(is_local_host(local), "{local}");
        }
        for other in ["localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example"] {
            assert!(!is_local_host(other), "{other}");
        }
    }
}
