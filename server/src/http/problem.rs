//! Errors as problem documents (RFC 9457), the same from every door.
//!
//! A handler answers with a [`Refusal`]; [`finish`] writes the document once, where the request id is known,
//! and logs what is our fault. Nothing else in the edge writes an error body.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use contracts::Problem;
use domain::Error;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

/// What handlers of the edge return.
pub type Answer<T> = Result<T, Refusal>;

/// A request that was refused or failed.
#[derive(Debug, Clone)]
pub struct Refusal {
    problem: Box<Problem>,
    cause: Option<Arc<str>>,
}

impl Refusal {
    /// A refusal of the edge itself: what the request is, before any service saw it.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { problem: Box::new(Problem::new(status.as_u16(), code, title, detail)), cause: None }
    }

    /// There is nothing at this address.
    pub fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", "There is nothing at this address.")
    }

    /// The address is right and the method is not.
    pub fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Wrong method", "This address does not take this method; `Allow` tells which it takes.")
    }

    /// The body is longer than anything that we take.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", "A request body holds at most 1 MiB.")
    }

    /// The problem as it stands, without the request id.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The status that tells of it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let cause = match &error {
            Error::Internal(cause) => Some(Arc::from(cause.as_str())),
            _ => None,
        };
        Self { problem: Box::new(Problem::of(&error, "")), cause }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the document of a refused request; leaves every other response alone.
pub fn finish(mut response: Response, request_id: &str) -> Response {
    let Some(Refusal { mut problem, cause }) = response.extensions_mut().remove::<Refusal>() else { return response };
    if let Some(cause) = cause {
        tracing::error!(%cause, "a request failed");
    }
    request_id.clone_into(&mut problem.request_id);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    *response.body_mut() = Body::from(serde_json::to_vec(&problem).unwrap_or_default());
    response
}

/// The answer to a request whose handler panicked.
pub fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    Refusal::from(Error::internal(format_args!("panicked: {}", said.unwrap_or_default()))).into_response()
}
