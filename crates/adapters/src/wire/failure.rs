//! What can go wrong with a provider, as typed errors in words that people may read.

use std::time::Duration;

use engine::ports::ModelError;
use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use super::pacing::retry_after;

/// How much of a provider's own words is passed on, in characters.
const MOST_WORDS: usize = 200;

/// A failed attempt.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What the caller gets, if nothing helps.
    pub(crate) error: ModelError,
    /// Whether to try the same again, soon.
    pub(crate) again: bool,
    /// Whether the provider does not know the endpoint.
    pub(crate) no_endpoint: bool,
    /// What the provider found fault with, in lower case: a parameter's name, its code and its words.
    pub(crate) complaint: String,
}

/// An error as a provider words it, whatever its shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProviderError {
    code: String,
    kind: String,
    param: String,
    message: String,
}

impl ProviderError {
    /// Reads `{"error": {…}}`, `{"error": "…"}` or the bare fields.
    pub(crate) fn read(value: &Value) -> Self {
        let inner = match value.get("error") {
            Some(Value::String(message)) => return Self { message: message.clone(), ..Self::default() },
            Some(inner @ Value::Object(_)) => inner,
            _ => value,
        };
        let text = |name: &str| match inner.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = [text("message"), text("detail")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        Self { code: text("code"), kind: text("type"), param: text("param"), message }
    }

    fn is(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.code.eq_ignore_ascii_case(word) || self.kind.eq_ignore_ascii_case(word))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }

    fn too_long(&self) -> bool {
        self.is(&["context_length_exceeded", "exceed_context_size_error", "string_above_max_length"])
            || self.says(&["context length", "context window", "context size", "maximum context", "prompt is too long", "too many tokens"])
    }

    fn no_endpoint(&self) -> bool {
        self.is(&["unknown_url"]) || self.says(&["unknown endpoint", "unexpected endpoint", "invalid url", "no route", "not implemented"])
    }

    fn no_model(&self) -> bool {
        self.is(&["model_not_found"]) || (self.says(&["model"]) && self.says(&["not found", "does not exist", "not loaded"]))
    }
}

fn error(code: &'static str, message: impl Into<String>, retryable: bool) -> ModelError {
    ModelError { code, message: message.into(), retryable, retry_after: None }
}

impl Failure {
    fn new(error: ModelError, again: bool) -> Self {
        Self { error, again, no_endpoint: false, complaint: String::new() }
    }

    /// The provider cannot be reached.
    pub(crate) fn unreachable() -> Self {
        Self::new(error("model_unavailable", "The model provider cannot be reached.", true), true)
    }

    /// Nothing came for too long.
    pub(crate) fn stalled(limit: Duration) -> Self {
        let message = format!("The model provider has sent nothing for {} seconds.", limit.as_secs().max(1));
        Self::new(error("model_stalled", message, true), false)
    }

    /// The connection broke.
    pub(crate) fn cut() -> Self {
        Self::new(error("model_cut", "The connection to the model provider broke.", true), true)
    }

    /// What came is not what was agreed.
    pub(crate) fn malformed(what: &str) -> Self {
        Self::new(error("model_malformed", format!("The model provider sent something unreadable: {what}."), true), true)
    }

    /// The request itself cannot be sent.
    pub(crate) fn unsendable(what: &str) -> Self {
        Self::new(error("model_refused_request", format!("The request cannot be sent: {what}."), false), false)
    }

    /// An HTTP status other than success.
    pub(crate) fn of_status(status: StatusCode, headers: &HeaderMap, body: &[u8], secret: Option<&str>) -> Self {
        let provider = serde_json::from_slice(body).map(|value| ProviderError::read(&value)).unwrap_or_default();
        let mut failure = Self::classify(Some(status), &provider, secret);
        failure.error.retry_after = retry_after(headers);
        failure
    }

    /// An error told inside a stream or document.
    pub(crate) fn of_provider(value: &Value, secret: Option<&str>) -> Self {
        Self::classify(None, &ProviderError::read(value), secret)
    }

    fn classify(status: Option<StatusCode>, provider: &ProviderError, secret: Option<&str>) -> Self {
        let number = status.map_or(0, |status| status.as_u16());
        let told = if number == 0 { String::new() } else { format!(" (HTTP {number})") };
        let complaint = format!("{} {} {}", provider.param, provider.code, provider.message).to_ascii_lowercase();
        let no_endpoint = matches!(number, 405 | 501) || (number == 404 && !provider.no_model()) || provider.no_endpoint();
        let (error, again) = if provider.too_long() || number == 413 {
            (error("model_overlong_input", "The conversation is too long for this model.", false), false)
        } else if matches!(number, 401 | 403) || provider.is(&["invalid_api_key", "authentication_error", "permission_error"]) {
            (error("model_unauthorized", format!("The model provider does not accept the API key{told}."), false), false)
        } else if provider.is(&["insufficient_quota", "billing_hard_limit_reached"]) {
            (error("model_rate_limited", "The account at the model provider has no credit left.", false), false)
        } else if number == 429 || provider.is(&["rate_limit_exceeded", "rate_limit_error", "requests", "tokens", "429"]) {
            (error("model_rate_limited", "The model provider gets too many requests at the moment.", true), true)
        } else if (400..500).contains(&number) && number != 408 && number != 409 || provider.is(&["invalid_request_error", "invalid_prompt", "400"]) {
            (error("model_refused_request", refusal(provider, &told, secret), false), false)
        } else {
            (error("model_unavailable", format!("The model provider reports an error of its own{told}."), true), true)
        };
        Self { error, again: again && !no_endpoint, no_endpoint, complaint }
    }
}

/// The provider's own words on a refusal: one line, short, without secrets.
fn refusal(provider: &ProviderError, told: &str, secret: Option<&str>) -> String {
    let mut words = provider.message.split_whitespace().map(|word| if word.starts_with("sk-") { "…" } else { word }).collect::<Vec<_>>().join(" ");
    if let Some(secret) = secret.filter(|secret| secret.len() >= 4) {
        words = words.replace(secret, "…");
    }
    if words.chars().count() > MOST_WORDS {
        words = words.chars().take(MOST_WORDS).chain(['…']).collect();
    }
    if words.is_empty() { format!("The model provider refuses the request{told}.") } else { format!("The model provider refuses the request{told}: {words}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: u16, body: &Value) -> Failure {
        Failure::of_status(StatusCode::from_u16(status).unwrap_or_default(), &HeaderMap::new(), body.to_string().as_bytes(), Some("topsecret"))
    }

    #[test]
    fn statuses_and_codes_become_stable_words() {
        let nested = |code: &str, message: &str| json!({"error": {"code": code, "message": message, "type": "invalid_request_error", "param": null}});
        for (status, body, code, again) in [
            (429, nested("rate_limit_exceeded", "slow down"), "model_rate_limited", true),
            (429, nested("insufficient_quota", "pay"), "model_rate_limited", false),
            (500, json!({}), "model_unavailable", true),
            (503, json!("busy"), "model_unavailable", true),
            (401, nested("invalid_api_key", "no"), "model_unauthorized", false),
            (400, nested("context_length_exceeded", "long"), "model_overlong_input", false),
            (400, json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "the request exceeds"}}), "model_overlong_input", false),
            (400, nested("unsupported", "no"), "model_refused_request", false),
            (404, json!({"error": "model 'x' not found"}), "model_refused_request", false),
        ] {
            let failure = of(status, &body);
            assert_eq!((failure.error.code, failure.again, failure.no_endpoint), (code, again, false), "{status} {body}");
        }
        assert!(of(404, &json!({})).no_endpoint && of(405, &json!({})).no_endpoint && of(200, &json!({"error": "Unexpected endpoint or method"})).no_endpoint);
    }

    #[test]
    fn no_secret_and_no_long_body_gets_out() {
        let message = format!("Bad key sk-abc123 or topsecret. {}", "word ".repeat(500));
        let failure = of(400, &json!({"error": {"message": message}}));
        let told = failure.error.message;
        assert!(!told.contains("sk-abc") && !told.contains("topsecret") && told.len() < 320, "{told}");
    }
}
