//! Cross-site requests: refused by what browsers say of themselves (`Sec-Fetch-Site`, `Origin`), without tokens.
//!
//! Only a browser carries somebody's cookie without being asked, so a request with a key of its own is exempt.
//! On a loopback address the `Host` counts too: a foreign name that resolves to this machine is an attack.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN},
};

use crate::{
    config::{Config, is_local_host},
    http::{authenticate::bearer, problem::Refusal, session},
    state::AppState,
};

/// Refuses what another site made a browser send.
pub async fn protect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = host(request.uri(), headers);
    if let Some(host) = host
        && !is_our_host(&state.config, host)
    {
        let detail = "This server is not known under this name. Set TROUPE_PUBLIC_URL to the address that people use.";
        return Refusal::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", "Wrong address", detail).into_response();
    }
    let carries_session = session::is_carried(headers, state.config.public_url.is_https());
    if is_cross_site(request.method(), headers, host, state.config.public_url.origin(), carries_session) {
        let detail = "The request came from another site. Send it from our own pages, or with an API key.";
        return Refusal::new(StatusCode::FORBIDDEN, "cross_site", "Not allowed from here", detail).into_response();
    }
    next.run(request).await
}

fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority().map(http::uri::Authority::as_str).or_else(|| text(headers, HOST))
}

/// Only a server that just this machine can reach is a target of rebinding: on others, names are the proxy's affair.
fn is_our_host(config: &Config, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    !config.is_loopback() || is_local_host(&name) || name == config.public_url.host()
}

fn is_cross_site(method: &Method, headers: &HeaderMap, host: Option<&str>, our_origin: &str, carries_session: bool) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE) || bearer(headers).is_some() {
        return false;
    }
    let origin = text(headers, ORIGIN);
    if origin == Some(our_origin) {
        return false;
    }
    match (text(headers, "sec-fetch-site"), origin) {
        (Some("same-origin" | "none"), _) => false,
        (Some(_), _) => true,
        (None, Some(origin)) => origin.split_once("://").map(|(_, authority)| authority) != host,
        // No browser of today. What an old one could send by a mere form is refused when it carries a session.
        (None, None) => carries_session && is_form(headers),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = text(headers, CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"].contains(&kind.as_str())
}

fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The cookies of a request, name and value.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use http::HeaderName;

    use super::*;
    use crate::config::Sources;

    const OURS: &str = "https://troupe.example";

    fn refused(pairs: &[(&str, &str)], carries_session: bool) -> bool {
        let headers: HeaderMap = pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        is_cross_site(&Method::POST, &headers, Some("127.0.0.1:3000"), OURS, carries_session)
    }

    #[test]
    fn browsers_say_where_they_come_from() {
        assert!(!refused(&[("sec-fetch-site", "same-origin")], true));
        assert!(!refused(&[("sec-fetch-site", "none")], true));
        assert!(refused(&[("sec-fetch-site", "cross-site")], false));
        assert!(refused(&[("sec-fetch-site", "same-site"), ("origin", "https://blog.troupe.example")], true));
        assert!(!refused(&[("origin", OURS)], true));
        assert!(!refused(&[("origin", "http://127.0.0.1:3000")], true));
        assert!(refused(&[("origin", "null")], false));
        assert!(refused(&[("origin", "https://evil.example")], false));
        assert!(refused(&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("content-type", "text/plain")], true));
    }

    #[test]
    fn programs_say_nothing_and_keys_are_exempt() {
        assert!(!refused(&[("content-type", "application/json")], true));
        assert!(!refused(&[("content-type", "application/x-www-form-urlencoded")], false));
        assert!(refused(&[("content-type", "application/x-www-form-urlencoded")], true));
        assert!(refused(&[("content-type", "text/plain;charset=utf-8")], true));
        assert!(!refused(&[("origin", "https://evil.example"), ("authorization", "Bearer trp_x")], true));
    }

    #[test]
    fn a_loopback_server_has_local_names_only() {
        let local = Config::from_sources(&Sources::given(&[("public_url", "https://troupe.example")])).unwrap();
        for ours in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]", "Troupe.example"] {
            assert!(is_our_host(&local, ours), "{ours}");
        }
        for foreign in ["evil.example", "evil.example:3000", "localhost.evil.example:80"] {
            assert!(!is_our_host(&local, foreign), "{foreign}");
        }
        let public = Config::from_sources(&Sources::given(&[("addr", "0.0.0.0:80"), ("public_url", "https://troupe.example")])).unwrap();
        assert!(is_our_host(&public, "10.0.0.7:80"));
    }
}
