//! A client of the public API, as any program could be written: sign-up, conversations, messages, runs and their events.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use reqwest::{
    Response, StatusCode,
    header::{ACCEPT, COOKIE, SET_COOKIE},
};
use serde_json::{Value, json};

/// An HTTP client that gives up on a server that does not answer, but not on a stream.
pub fn http() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(40)).tcp_nodelay(true).build()?)
}

/// A person who has signed up.
#[derive(Debug, Clone)]
pub struct Account {
    http: reqwest::Client,
    cookie: String,
}

/// What sending a message started.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The message.
    pub message: String,
    /// The run that answers it.
    pub run: String,
}

/// A request that was not answered as it should be.
#[derive(Debug)]
pub enum Trouble {
    /// There was no answer, or only half of one: trying again is right.
    Cut,
    /// The server answered something else.
    Refused(anyhow::Error),
}

impl Account {
    /// Signs up. `http` is used for everything that this person does.
    pub async fn sign_up(http: reqwest::Client, base: &str, name: &str) -> Result<Self> {
        let body = json!({ "email": format!("{name}@example.com"), "password": "a long and unlikely phrase 47", "name": name });
        let response = http.post(format!("{base}/api/v1/auth/sign-up")).body(body.to_string()).header("content-type", "application/json").send().await?;
        let cookie = response.headers().get(SET_COOKIE).and_then(|value| Some(value.to_str().ok()?.split(';').next()?.to_owned()));
        let status = response.status();
        if status != StatusCode::CREATED {
            bail!("signing up: {status}: {}", response.text().await?);
        }
        Ok(Self { http, cookie: cookie.context("signing up gave no cookie")? })
    }

    /// Starts a conversation; the agent makes its title when none is given.
    pub async fn converse(&self, base: &str, key: &str, title: Option<&str>) -> Result<String, Trouble> {
        let answer = self.post(format!("{base}/api/v1/conversations"), key, &json!({ "title": title })).await?;
        text(&answer, "id").map_err(Trouble::Refused)
    }

    /// Says something.
    pub async fn send(&self, base: &str, conversation: &str, key: &str, words: &str) -> Result<Sent, Trouble> {
        let answer = self.post(format!("{base}/api/v1/conversations/{conversation}/messages"), key, &json!({ "text": words })).await?;
        let sent = || Ok(Sent { message: text(&answer, "message_id")?, run: text(&answer, "run_id")? });
        sent().map_err(Trouble::Refused)
    }

    /// Says something and streams the answer at once.
    pub async fn ask(&self, base: &str, conversation: &str, words: &str) -> Result<Response> {
        let request = self.http.post(format!("{base}/api/v1/conversations/{conversation}/messages")).header(COOKIE, &self.cookie);
        let response = request.header(ACCEPT, "text/event-stream").header("content-type", "application/json").body(json!({ "text": words }).to_string());
        let response = response.send().await?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        bail!("sending: {}: {}", response.status(), response.text().await?)
    }

    /// Opens a run's events after one of them, as a browser does when it comes back.
    pub async fn events(&self, base: &str, run: &str, last: i64) -> Result<Response, Trouble> {
        let mut request = self.http.get(format!("{base}/api/v1/runs/{run}/events")).header(COOKIE, &self.cookie).header(ACCEPT, "text/event-stream");
        if last > 0 {
            request = request.header("last-event-id", last.to_string());
        }
        request.send().await.map_err(|_| Trouble::Cut)
    }

    /// Asks for something.
    pub async fn get(&self, url: String) -> Result<Value, Trouble> {
        let request = self.http.get(&url).header(COOKIE, &self.cookie).header(ACCEPT, "application/json");
        answer(&url, request).await
    }

    /// A page, as a browser gets it.
    pub async fn page(&self, base: &str, path: &str) -> Result<String> {
        Ok(self.http.get(format!("{base}{path}")).header(COOKIE, &self.cookie).header(ACCEPT, "text/html").send().await?.text().await?)
    }

    /// What the server says to a request that it should refuse.
    pub async fn refused(&self, url: &str, body: &Value) -> Result<String> {
        let request = self.http.post(url).header(COOKIE, &self.cookie).header("content-type", "application/json");
        Ok(request.body(body.to_string()).send().await?.text().await?)
    }

    /// Everything that was said in a conversation, oldest first.
    pub async fn messages(&self, base: &str, conversation: &str) -> Result<Vec<Value>, Trouble> {
        let mut url = format!("{base}/api/v1/conversations/{conversation}/messages");
        let (mut all, plain) = (Vec::new(), url.clone());
        for _ in 0..1000 {
            let page = self.get(url).await?;
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next_cursor"].as_str() else { return Ok(all) };
            url = format!("{plain}?cursor={next}");
        }
        Err(Trouble::Refused(anyhow!("{plain}: its pages never end")))
    }

    async fn post(&self, url: String, key: &str, body: &Value) -> Result<Value, Trouble> {
        let request = self.http.post(&url).header(COOKIE, &self.cookie).header("idempotency-key", key);
        answer(&url, request.header("content-type", "application/json").body(body.to_string())).await
    }
}

async fn answer(url: &str, request: reqwest::RequestBuilder) -> Result<Value, Trouble> {
    // A cut connection is what a killed server looks like.
    let response = request.send().await.map_err(|_| Trouble::Cut)?;
    let status = response.status();
    let body = response.text().await.map_err(|_| Trouble::Cut)?;
    if status.is_success() {
        return serde_json::from_str(&body).map_err(|error| Trouble::Refused(anyhow!("{url}: {error}: {body}")));
    }
    Err(Trouble::Refused(anyhow!("{url}: {status}: {body}")))
}

fn text(answer: &Value, field: &str) -> Result<String> {
    Ok(answer[field].as_str().with_context(|| format!("no `{field}` in {answer}"))?.to_owned())
}

impl From<Trouble> for anyhow::Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Cut => anyhow!("the server did not answer"),
            Trouble::Refused(error) => error,
        }
    }
}
