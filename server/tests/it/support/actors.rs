//! Those who call: nobody, a person with a cookie, a program with a key.

use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde_json::{Value, json};

pub const PASSWORD: &str = "a long enough sentence";

/// Somebody who calls the server.
#[derive(Clone)]
pub struct Actor {
    url: String,
    client: Client,
    pub cookie: Option<String>,
    pub key: Option<String>,
    pub email: String,
}

impl Actor {
    /// Nobody.
    pub fn anonymous(url: &str) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { url: url.to_owned(), client, cookie: None, key: None, email: String::new() }
    }

    /// A person with an organization of their own.
    pub async fn signed_up(url: &str, name: &str) -> Self {
        let mut actor = Self::anonymous(url);
        actor.email = format!("{}@example.com", name.to_lowercase());
        let body = json!({ "email": actor.email, "password": PASSWORD, "name": name });
        let response = actor.post("/api/v1/auth/sign-up", &body).await;
        assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
        actor.keep_cookie(&response);
        actor
    }

    /// The same person's program, with a key.
    pub async fn program(&self) -> Self {
        let created: Value = self.post("/api/v1/api-keys", &json!({ "name": "test" })).await.json().await.unwrap();
        Self { cookie: None, key: Some(created["key"].as_str().unwrap().to_owned()), ..self.clone() }
    }

    /// The same caller with this cookie and without a key.
    pub fn with_cookie(&self, cookie: Option<&str>) -> Self {
        Self { cookie: cookie.map(str::to_owned), key: None, ..self.clone() }
    }

    /// The same caller with this key besides.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// Does what a browser does with `Set-Cookie`.
    pub fn keep_cookie(&mut self, response: &Response) {
        if let Some(set) = set_cookie(response) {
            let pair = set.split(';').next().unwrap().to_owned();
            self.cookie = (!pair.ends_with('=')).then_some(pair);
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        request
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Sends a form as the browser does that shows it.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&");
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").header(header::ACCEPT, "text/html").body(body).send().await.unwrap()
    }

    /// A conversation of this actor.
    pub async fn conversation(&self) -> String {
        let created: Value = self.post("/api/v1/conversations", &json!({})).await.json().await.unwrap();
        created["id"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned()
    }

    /// Says something and gives the run that answers.
    pub async fn say(&self, conversation: &str, text: &str) -> String {
        let response = self.post(&format!("/api/v1/conversations/{conversation}/messages"), &json!({ "text": text })).await;
        assert_eq!(response.status(), 202);
        response.json::<Value>().await.unwrap()["run_id"].as_str().unwrap().to_owned()
    }
}

/// The session cookie that a response sets.
pub fn set_cookie(response: &Response) -> Option<String> {
    response.headers().get(header::SET_COOKIE).map(|value| value.to_str().unwrap().to_owned())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
