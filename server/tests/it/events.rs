//! A run's events: in order, without gaps, from any place on.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Frame, Stream, TestApp, frames};

async fn answered(actor: &Actor, text: &str) -> (String, Vec<Frame>) {
    let id = actor.conversation().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let response = actor.request(Method::POST, &path).header("accept", "text/event-stream").json(&json!({ "text": text })).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let events = frames(response).await;
    let messages = actor.json(&path).await;
    let run = messages["items"][0]["run_id"].as_str().unwrap().to_owned();
    (run, events)
}

#[tokio::test]
async fn an_answer_streams_in_the_reply() {
    let app = TestApp::start().await;
    let (_, events) = answered(&app.person("Ada").await, "write 100 words about maps").await;
    let seqs: Vec<i64> = events.iter().map(Frame::seq).collect();
    assert_eq!(seqs, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(events.first().unwrap().kind(), "run.started");
    assert_eq!(events.iter().filter(|frame| frame.kind() == "run.finished").count(), 1);
    assert_eq!(events.last().unwrap().data["status"], "succeeded");
    let deltas: String = events.iter().filter(|f| f.kind() == "message.delta").map(|f| f.data["text"].as_str().unwrap()).collect();
    let completed = events.iter().find(|f| f.kind() == "message.completed").unwrap();
    assert_eq!(completed.data["text"], Value::from(deltas));
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let (run, all) = answered(&ada, "write 50 words about maps").await;
    let path = format!("/api/v1/runs/{run}/events");
    let middle = all.len() / 2;
    let cursor = all[middle - 1].seq();
    let by_header = ada.request(Method::GET, &path).header("last-event-id", cursor).send().await.unwrap();
    assert_eq!(frames(by_header).await, all[middle..]);
    let by_address = ada.get(&format!("{path}?after={cursor}")).await;
    assert_eq!(frames(by_address).await, all[middle..]);
    let larger = ada.request(Method::GET, &format!("{path}?after=1")).header("last-event-id", cursor).send().await.unwrap();
    assert_eq!(frames(larger).await, all[middle..]);
    let larger = ada.request(Method::GET, &format!("{path}?after={cursor}")).header("last-event-id", 1).send().await.unwrap();
    assert_eq!(frames(larger).await, all[middle..]);
}

#[tokio::test]
async fn the_end_is_said_and_beyond_it_is_a_mistake() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let (run, all) = answered(&ada, "Hello").await;
    let last = all.last().unwrap().seq();
    let end = ada.get(&format!("/api/v1/runs/{run}/events?after={last}")).await;
    assert_eq!(end.status(), 204);
    let beyond = ada.get(&format!("/api/v1/runs/{run}/events?after={}", last + 1)).await;
    assert_eq!(beyond.status(), 409);
    assert_eq!(beyond.json::<Value>().await.unwrap()["code"], "cursor_ahead");
    let nonsense = ada.request(Method::GET, &format!("/api/v1/runs/{run}/events")).header("last-event-id", "x").send().await.unwrap();
    assert_eq!(nonsense.status(), 422);
}

#[tokio::test]
async fn the_same_events_come_by_the_page() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let (run, all) = answered(&ada, "write 50 words about maps").await;
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let path = format!("/api/v1/runs/{run}/events?limit=7&after={after}");
        let page: Value = ada.request(Method::GET, &path).header("accept", "application/json").send().await.unwrap().json().await.unwrap();
        let items = page["items"].as_array().unwrap();
        paged.extend(items.iter().map(|item| (item["seq"].as_i64().unwrap(), item["kind"].as_str().unwrap().to_owned(), item["data"].clone())));
        assert!(items.iter().all(|item| item["at"].as_str().unwrap().ends_with('Z')));
        let Some(next) = page["next_cursor"].as_str() else { break };
        after = next.parse::<i64>().unwrap();
    }
    let streamed: Vec<_> = all.iter().map(|frame| (frame.seq(), frame.kind().to_owned(), frame.data.clone())).collect();
    assert_eq!(paged, streamed);
}

#[tokio::test]
async fn a_live_reader_and_a_late_one_see_the_same() {
    let app = TestApp::with(&[("practice_speed", "5ms")]).await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let run = ada.say(&id, "write 80 words about maps").await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut early = Stream::of(ada.get(&path).await);
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(early.next().await.unwrap());
    }
    // The connection goes away in the middle.
    drop(early);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let cursor = seen.last().unwrap().seq();
    seen.extend(frames(ada.request(Method::GET, &path).header("last-event-id", cursor).send().await.unwrap()).await);
    assert_eq!(seen, frames(ada.get(&path).await).await);
}

#[tokio::test]
async fn an_answer_goes_on_after_a_restart() {
    let app = TestApp::with(&[("practice_speed", "10ms")]).await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let run = ada.say(&id, "write 80 words about maps").await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut stream = Stream::of(ada.get(&path).await);
    while stream.next().await.unwrap().kind() != "message.delta" {}
    let app = app.restart().await;
    // The stream of the server that stopped has ended, in the middle.
    let seen = stream.rest().await;
    assert!(seen.iter().all(|frame| frame.kind() != "run.finished"));
    let back = app.anonymous().with_cookie(ada.cookie.as_deref());
    let all = frames(back.get(&path).await).await;
    assert_eq!(all.last().unwrap().data["status"], "succeeded");
    let seqs: Vec<i64> = all.iter().map(Frame::seq).collect();
    assert_eq!(seqs, (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
}
