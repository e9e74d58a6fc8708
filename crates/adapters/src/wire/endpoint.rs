//! One provider's address and key, and the client that reaches it.

use std::time::Duration;

use reqwest::{
    Client, Method, RequestBuilder, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};

/// Why a provider cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The base URL cannot be used.
    #[error("`{0}` is not a base URL such as https://api.openai.com/v1")]
    BaseUrl(String),
    /// The key has characters that no header may have.
    #[error("the API key has a line break or another character that cannot be sent")]
    Key,
    /// The HTTP client does not start.
    #[error("the HTTP client does not start: {0}")]
    Client(String),
}

/// A provider's address and key.
#[derive(Debug)]
pub(crate) struct Endpoint {
    client: Client,
    base: String,
    headers: HeaderMap,
    key: Option<SecretString>,
    official: bool,
}

impl Endpoint {
    pub(crate) fn new(base_url: &str, key: Option<SecretString>) -> Result<Self, EndpointError> {
        let refused = || EndpointError::BaseUrl(base_url.into());
        let url = Url::parse(base_url.trim()).map_err(|_| refused())?;
        let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or_else(refused)?;
        let official = host == "api.openai.com" || host.ends_with(".api.openai.com");
        let mut base = url.as_str().trim_end_matches('/').to_owned();
        if url.path() == "/" {
            base.push_str("/v1");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
        if let Some(key) = &key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret().trim())).map_err(|_| EndpointError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder()
            .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            // A redirect could carry the key elsewhere.
            .redirect(Policy::none())
            .build()
            .map_err(|error| EndpointError::Client(error.to_string()))?;
        Ok(Self { client, base, headers, key, official })
    }

    /// Whether this is the provider itself, rather than a server that speaks like it.
    pub(crate) const fn official(&self) -> bool {
        self.official
    }

    pub(crate) fn secret(&self) -> Option<&str> {
        self.key.as_ref().map(ExposeSecret::expose_secret)
    }

    /// A request for a path such as `/responses`. `key` names the call in the provider's log.
    pub(crate) fn request(&self, method: Method, path: &str, body: Option<Vec<u8>>, key: &str) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).headers(self.headers.clone());
        if let Ok(key) = HeaderValue::from_str(key) {
            request = request.header("x-client-request-id", key);
        }
        match body {
            Some(body) => request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body),
            None => request,
        }
    }
}
