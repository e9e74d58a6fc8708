//! The stream of a browser tab.

use reqwest::Method;

use crate::support::{Frame, Stream, TestApp};

fn of<'a>(frames: &'a [Frame], stream: &str) -> Vec<&'a Frame> {
    frames.iter().filter(|frame| frame.data["stream"] == stream).collect()
}

#[tokio::test]
async fn a_tab_follows_answers_by_itself() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let mut tab = Stream::of(ada.get(&format!("/api/v1/live?conversation={id}&after=0")).await);
    let run = ada.say(&id, "Hello there").await;
    let mut seen = Vec::new();
    while !seen.iter().any(|frame: &Frame| frame.data["kind"] == "run.ended") {
        seen.push(tab.next().await.unwrap());
    }
    assert!(seen.iter().all(|frame| frame.event.is_none() && frame.id.contains('o')));
    let answer = of(&seen, "run");
    assert!(answer.iter().all(|frame| frame.data["id"] == run.as_str()));
    let seqs: Vec<i64> = answer.iter().map(|frame| frame.data["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=i64::try_from(seqs.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(answer.last().unwrap().data["kind"], "run.finished");
    assert_eq!(of(&seen, "conversation").first().unwrap().data["kind"], "message.added");
}

#[tokio::test]
async fn a_tab_that_reconnects_goes_on_exactly_there() {
    let app = TestApp::with(&[("practice_speed", "5ms")]).await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let path = format!("/api/v1/live?conversation={id}&after=0");
    let mut tab = Stream::of(ada.get(&path).await);
    ada.say(&id, "write 40 words about maps").await;
    let mut seen: Vec<Frame> = Vec::new();
    while !seen.iter().any(|frame| frame.data["kind"] == "run.ended") {
        // Every few messages the connection goes away, right after "a run is queued" too.
        if seen.len() % 7 == 3 || seen.last().is_some_and(|frame| frame.data["kind"] == "run.queued") {
            let place = seen.last().unwrap().id.clone();
            tab = Stream::of(ada.request(Method::GET, &path).header("last-event-id", place).send().await.unwrap());
        }
        seen.push(tab.next().await.unwrap());
    }
    for stream in ["run", "conversation"] {
        let seqs: Vec<i64> = of(&seen, stream).iter().map(|frame| frame.data["seq"].as_i64().unwrap()).collect();
        let whole: Vec<i64> = (seqs[0]..).take(seqs.len()).collect();
        assert_eq!(seqs, whole, "{stream}: neither gap nor double");
    }
    assert_eq!(of(&seen, "run")[0].data["seq"], 1);
}

#[tokio::test]
async fn what_others_do_is_theirs() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let id = ada.conversation().await;
    assert_eq!(bob.get(&format!("/api/v1/live?conversation={id}")).await.status(), 404);
    let run = ada.say(&id, "Hello").await;
    assert_eq!(bob.get(&format!("/api/v1/live?run={run}")).await.status(), 404);
    assert_eq!(ada.get("/api/v1/live?conversation=nonsense").await.status(), 404);
    assert_eq!(app.anonymous().get("/api/v1/live").await.status(), 401);
}
