//! What handlers take from a request, and how a bad request is told.

use std::str::FromStr;

use axum::{
    extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request},
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Ctx, Error, Idempotency,
    ids::{ApiKeyId, ConversationId, RunId},
};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{
    http::{
        authenticate::Caller,
        body_limit,
        problem::{Answer, Refusal},
    },
    state::AppState,
};

/// A call that changes something: the context, with the caller's idempotency key in it, and the JSON input.
pub struct Call<T>(pub Ctx, pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Call<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Answer<Self> {
        let (mut parts, body) = request.into_parts();
        let Caller(mut ctx) = Caller::from_request_parts(&mut parts, state).await?;
        let body = body_limit::read(body).await?;
        ctx.idempotency = idempotency(&parts.method, &parts.uri, &parts.headers, &body)?;
        Ok(Self(ctx, json(&parts.headers, &body)?))
    }
}

/// The caller's wish that repeating the request counts once.
fn idempotency(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Answer<Option<Idempotency>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()));
    let Some(key) = key else {
        return Err(bad("malformed_idempotency_key", "Idempotency-Key holds 1 to 255 visible ASCII characters."));
    };
    let mut digest = Sha256::new();
    for part in [method.as_str().as_bytes(), b" ", uri.path().as_bytes(), b"\n", body] {
        digest.update(part);
    }
    Ok(Some(Idempotency { key: key.to_owned(), fingerprint: URL_SAFE_NO_PAD.encode(digest.finalize()) }))
}

/// Reads the body as JSON. No body at all reads as `{}`: every field that may be left out then is.
fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Answer<T> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if body.is_empty() && kind.is_none() {
        return serde_json::from_slice(b"{}").map_err(|error| malformed(&error));
    }
    let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        let detail = "Send the body as JSON, with `Content-Type: application/json`.";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Not JSON", detail));
    }
    let text = std::str::from_utf8(body).map_err(|_| bad("invalid_utf8", "The body is not valid UTF-8."))?;
    serde_json::from_str(text).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> Refusal {
    // The text names fields and places, never values of ours.
    if error.is_data() {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Please check what you sent", format!("The JSON does not fit: {error}."))
    } else {
        bad("malformed_json", format!("The body is not valid JSON: {error}."))
    }
}

fn bad(code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, "Not understood", detail)
}

/// A noun that addresses name by id.
pub trait Named: FromStr {
    /// Its word in "there is no such …".
    const NOUN: &'static str;
}

impl Named for ConversationId {
    const NOUN: &'static str = "conversation";
}

impl Named for RunId {
    const NOUN: &'static str = "run";
}

impl Named for ApiKeyId {
    const NOUN: &'static str = "key";
}

/// The `{id}` of an address. One that is no id names nothing, like one that nobody has.
pub struct PathId<T>(pub T);

impl<T: Named> FromRequestParts<AppState> for PathId<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::NotFound(T::NOUN))?;
        let id = params.iter().find_map(|(name, value)| (name == "id").then(|| value.parse().ok())).flatten();
        Ok(Self(id.ok_or(Error::NotFound(T::NOUN))?))
    }
}

/// What stands after the `?`.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Answer<Self> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(error) => Err(bad("malformed_query", format!("What stands after the `?` does not fit: {error}."))),
        }
    }
}

/// Whether a caller asks for one media type by name.
pub fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let lines = headers.get_all(axum::http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|entry| entry.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use contracts::chat::SendMessage;

    use super::*;

    fn refused(kind: Option<&'static str>, body: &[u8]) -> (u16, String) {
        let headers = kind.map(|kind| (CONTENT_TYPE, kind.parse().unwrap())).into_iter().collect();
        let refusal = json::<SendMessage>(&headers, body).unwrap_err();
        (refusal.status().as_u16(), refusal.problem().code.clone())
    }

    #[test]
    fn bodies_that_are_not_what_they_should_be() {
        let kind = Some("application/json");
        assert_eq!(refused(kind, b"{\"text\":\"\xff\"}"), (400, "invalid_utf8".to_owned()));
        assert_eq!(refused(kind, b"{\"text\":"), (400, "malformed_json".to_owned()));
        assert_eq!(refused(kind, b""), (400, "malformed_json".to_owned()));
        assert_eq!(refused(kind, b"{\"text\":5}"), (422, "invalid".to_owned()));
        assert_eq!(refused(Some("text/plain"), b"{}"), (415, "unsupported_media_type".to_owned()));
        assert_eq!(refused(None, b"{}"), (415, "unsupported_media_type".to_owned()));
    }

    #[test]
    fn an_idempotency_key_is_bound_to_its_request() {
        let key = |value: &'static str| [("idempotency-key".parse().unwrap(), value.parse().unwrap())].into_iter().collect::<HeaderMap>();
        let of = |headers: &HeaderMap, body: &[u8]| idempotency(&Method::POST, &"/api/v1/conversations".parse().unwrap(), headers, body);
        let (one, other) = (of(&key("k"), b"{}").unwrap().unwrap(), of(&key("k"), b"{\"a\":1}").unwrap().unwrap());
        assert_eq!(one.key, "k");
        assert_ne!(one.fingerprint, other.fingerprint);
        assert_eq!(of(&key("two words"), b"").unwrap_err().problem().code, "malformed_idempotency_key");
        assert!(of(&HeaderMap::new(), b"").unwrap().is_none());
    }

    #[test]
    fn accepted_kinds() {
        let headers = [(axum::http::header::ACCEPT, "text/html, Text/Event-Stream;q=0.9".parse().unwrap())].into_iter().collect();
        assert!(accepts(&headers, "text/event-stream"));
        assert!(!accepts(&headers, "application/json"));
    }
}
