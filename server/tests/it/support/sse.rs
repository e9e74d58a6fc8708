//! Reading an event stream as the contract writes it.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub id: String,
    pub event: Option<String>,
    pub data: Value,
}

impl Frame {
    pub fn seq(&self) -> i64 {
        self.id.parse().unwrap()
    }

    pub fn kind(&self) -> &str {
        self.event.as_deref().unwrap_or_default()
    }
}

/// A stream that is being read.
pub struct Stream {
    response: Response,
    unread: Vec<u8>,
}

impl Stream {
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: Vec::new() }
    }

    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                match read(std::str::from_utf8(&block).unwrap()) {
                    Some(frame) => return Some(frame),
                    None => continue,
                }
            }
            let more = tokio::time::timeout(Duration::from_secs(30), self.response.chunk()).await;
            self.unread.extend_from_slice(&more.unwrap_or_else(|_| panic!("the stream stalled")).unwrap()?);
        }
    }

    /// Everything to the end.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

/// Every event of a stream that ends.
pub async fn frames(response: Response) -> Vec<Frame> {
    Stream::of(response).rest().await
}

fn read(block: &str) -> Option<Frame> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let data = field("data: ")?;
    Some(Frame { id: field("id: ").unwrap_or_default(), event: field("event: "), data: serde_json::from_str(&data).unwrap() })
}
