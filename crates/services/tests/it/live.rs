//! The one stream of a browser tab: it follows run after run of a conversation, and hears only what is the person's.

use contracts::{
    StreamEvent,
    chat::{CreateConversation, UpdateConversation},
};
use domain::{access::Role, ids::RunId};
use services::live::{LiveFrame, LiveReader, LiveRequest, LiveSource};
use testkit::{
    both_databases,
    fixtures::Person,
    model::{Gate, ScriptedAnswer},
};

use crate::{
    stage::{Stage, soon},
    unit,
};

/// Reads until something was told, and gives everything up to it.
async fn read_until(reader: &mut LiveReader, what: impl Fn(&LiveFrame, &StreamEvent) -> bool) -> Vec<(LiveSource, StreamEvent)> {
    let mut all = Vec::new();
    loop {
        for frame in soon("the next frames", reader.next()).await.unwrap() {
            let event = frame.frame.read().expect("a frame of this version").event;
            let found = what(&frame, &event);
            all.push((frame.source, event));
            if found {
                return all;
            }
        }
    }
}

fn of_run(frames: &[(LiveSource, StreamEvent)], run: RunId) -> Vec<&'static str> {
    frames.iter().filter(|(source, _)| *source == LiveSource::Run(run)).map(|(_, event)| event.kind()).collect()
}

both_databases! {
    async fn a_tab_follows_every_answer_of_its_conversation(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::text("one"), ScriptedAnswer::text("two")]).await;
        let request = LiveRequest { conversation: Some((stage.conversation, 0)), ..LiveRequest::default() };
        let mut tab = stage.services().live.open(&stage.ctx, request).await.unwrap();
        for text in ["first", "second"] {
            let sent = stage.say(text).await;
            let frames = read_until(&mut tab, |_, event| matches!(event, StreamEvent::RunEnded(_))).await;
            let run = of_run(&frames, sent.run_id);
            assert_eq!((run.first(), run.last()), (Some(&"run.started"), Some(&"run.finished")), "{frames:?}");
            let said = frames.iter().filter(|(_, event)| matches!(event, StreamEvent::MessageAdded(_))).count();
            assert_eq!(said, 2, "the question and the answer");
            let (conversation, followed, _) = tab.cursors();
            assert!(conversation.unwrap() > 0 && followed.unwrap().0 == sent.run_id);
        }
        process.drain().await;
    }

    async fn a_tab_that_comes_back_goes_on_where_it_was(stage: Stage) {
        let gate = Gate::default();
        let process = stage.scripted([ScriptedAnswer::new().opened().words("one two ").wait(&gate).words("three").done()]).await;
        let mut tab = stage.services().live.open(&stage.ctx, LiveRequest { conversation: Some((stage.conversation, 0)), ..LiveRequest::default() }).await.unwrap();
        let sent = stage.say("go").await;
        read_until(&mut tab, |frame, event| frame.source == LiveSource::Run(sent.run_id) && matches!(event, StreamEvent::MessageDelta(delta) if delta.text == "two ")).await;
        let (conversation, run, organization) = tab.cursors();
        drop(tab);
        gate.open();
        stage.read(sent.run_id).await;
        let request = LiveRequest { conversation: Some((stage.conversation, conversation.unwrap())), run, organization: Some(organization) };
        let mut tab = stage.services().live.open(&stage.ctx, request).await.unwrap();
        let frames = read_until(&mut tab, |_, event| matches!(event, StreamEvent::RunEnded(_))).await;
        assert_eq!(of_run(&frames, sent.run_id).first(), Some(&"message.delta"), "what it has seen does not come again");
        assert_eq!(of_run(&frames, sent.run_id).last(), Some(&"run.finished"));
        let ahead = LiveRequest { conversation: Some((stage.conversation, 1_000)), ..LiveRequest::default() };
        assert!(stage.services().live.open(&stage.ctx, ahead).await.is_err());
        process.drain().await;
    }

    async fn a_tab_hears_of_its_own_conversations_only(stage: Stage) {
        let mut tab = stage.services().live.open(&stage.ctx, LiveRequest::default()).await.unwrap();
        // A colleague, in the same organization.
        let bob = Person { org: stage.fx.ada.org, user: stage.fx.person("Bob").await.user };
        let db = stage.services().db().clone();
        unit!(db, tx => storage::identity::insert_membership(&mut tx, bob.org, bob.user, Role::Member).await).unwrap();
        let his = stage.fx.ctx_as(bob, Role::Member);
        stage.services().chat.create(&his, CreateConversation::default()).await.unwrap();
        let input = UpdateConversation { title: Some("Ours".into()), deleted: None };
        stage.services().chat.update(&stage.ctx, stage.conversation, input).await.unwrap();
        let frames = soon("the next frames", tab.next()).await.unwrap();
        let events: Vec<_> = frames.iter().map(|frame| frame.frame.read().unwrap().event).collect();
        assert!(matches!(events.as_slice(), [StreamEvent::ConversationChanged(changed)] if changed.conversation_id == stage.conversation && changed.user_id == stage.fx.ada.user), "{events:?}");
    }

    async fn a_tab_may_be_asked_again_after_it_was_dropped_half_way(stage: Stage) {
        let process = stage.scripted([ScriptedAnswer::text(&"word ".repeat(200))]).await;
        let mut tab = stage.services().live.open(&stage.ctx, LiveRequest { conversation: Some((stage.conversation, 0)), ..LiveRequest::default() }).await.unwrap();
        let sent = stage.say("go").await;
        let (mut seen, mut ended) = (Vec::new(), false);
        soon("the end", async {
            while !ended {
                // A server looks at other things, too, between two frames.
                let patience = std::time::Duration::from_millis(3);
                let Ok(frames) = tokio::time::timeout(patience, tab.next()).await else { continue };
                for frame in frames.unwrap() {
                    ended |= &*frame.frame.kind == "run.ended";
                    seen.extend((frame.source == LiveSource::Run(sent.run_id)).then_some(frame.frame.seq));
                }
            }
        })
        .await;
        assert_eq!(seen, (1..=i64::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
        assert!(seen.len() > 200);
        process.drain().await;
    }
}
