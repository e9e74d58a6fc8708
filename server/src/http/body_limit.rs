//! How much a request may bring: 1 MiB, whoever reads it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::http::problem::{Answer, Refusal};

/// The most that a body may hold.
pub const BODY_MAX: usize = 1024 * 1024;
/// Up to here a refused body is read and dropped, so that clients which write before they read see the answer.
const DRAINED_MAX: usize = 16 * BODY_MAX;

/// Refuses a body that says it is too long, and cuts one that does not say.
pub async fn limit(request: Request, next: Next) -> Response {
    let told = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
    match told {
        Some(length) if length > BODY_MAX => {
            // Whoever asks first, by `Expect`, has not sent anything yet.
            if length <= DRAINED_MAX && !request.headers().contains_key(EXPECT) {
                drain(request.into_body()).await;
            }
            Refusal::too_large().into_response()
        }
        _ => next.run(request.map(|body| Body::new(Limited::new(body, BODY_MAX)))).await,
    }
}

async fn drain(mut body: Body) {
    let all = async { while let Some(Ok(_)) = body.frame().await {} };
    // Too slow is as good as gone: the connection closes.
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
}

/// Reads a whole body.
///
/// # Errors
/// It is too long, or the client went away.
pub async fn read(body: Body) -> Answer<Bytes> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_over_limit(&error) => Err(Refusal::too_large()),
        Err(_) => Err(Refusal::new(http::StatusCode::BAD_REQUEST, "cut_body", "Incomplete", "The request ended before its body did.")),
    }
}

fn is_over_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}
