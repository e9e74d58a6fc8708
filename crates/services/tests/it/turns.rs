//! From a message to its answer: what readers see, what is kept, and what a repeated request comes to.

use std::time::Duration;

use adapters::{PracticeModel, PracticeSpeed};
use contracts::{
    StreamEvent,
    chat::{Entry, SendMessage},
    page::PageQuery,
    transcript::Item,
};
use domain::{
    Error, Idempotency,
    chat::{Author, TitleSource},
    runs::RunStatus,
};
use testkit::{
    both_databases,
    model::{Gate, ScriptedAnswer, ScriptedModel},
};

use crate::stage::{Stage, completed, count, ending, rest_of, shared, soon, until};

fn numbers(most: u32) -> String {
    (1..=most).map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

both_databases! {
    async fn a_message_is_answered(stage: Stage) {
        let process = stage.process("practice", shared(PracticeModel::new(PracticeSpeed::Instant))).await;
        let sent = stage.say("Count to 40").await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!(completed(&frames), [(numbers(40), false)]);
        assert_eq!(ending(&frames), (RunStatus::Succeeded, None));
        assert!(matches!(frames[0].event, StreamEvent::RunStarted(_)));
        assert_eq!((count(&frames, "run.resumed"), count(&frames, "message.reset"), count(&frames, "usage")), (0, 0, 1));

        let messages = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items;
        assert_eq!(messages.iter().map(|message| (message.author, message.text.as_str())).collect::<Vec<_>>(), [(Author::User, "Count to 40"), (Author::Agent, numbers(40).as_str())]);
        assert!(messages.iter().all(|message| message.run_id == Some(sent.run_id) && !message.partial));
        let run = stage.services().runs.get(&stage.ctx, sent.run_id).await.unwrap();
        assert_eq!((run.status, run.attempt, run.last_seq, run.why), (RunStatus::Succeeded, 1, i64::try_from(frames.len()).unwrap(), None));
        assert_eq!(stage.services().chat.get(&stage.ctx, stage.conversation).await.unwrap().active_run, None);
        let (used, _) = storage::billing::run_usage(stage.services().db(), sent.run_id).await.unwrap();
        assert!(used.output > 0);
        process.drain().await;
    }

    async fn the_first_answer_gives_the_conversation_its_title(stage: Stage) {
        let process = stage.process("practice", shared(PracticeModel::new(PracticeSpeed::Instant))).await;
        let id = stage.start_conversation(None).await;
        let conversation = async || stage.services().chat.get(&stage.ctx, id).await.unwrap();
        let sent = stage.say_in(id, "Write 30 words about Norwegian fjords").await;
        assert_eq!(conversation().await.title, "Write 30 words about Norwegian fjords");
        stage.read(sent.run_id).await;
        until("the title", async || conversation().await.title_source == TitleSource::Agent).await;
        let title = conversation().await.title;
        assert!(!title.is_empty() && title.chars().count() <= 120);
        stage.read(stage.say_in(id, "And now count to 3").await.run_id).await;
        assert_eq!(conversation().await.title, title, "one title is enough");
        process.drain().await;
    }

    async fn every_reader_sees_the_same_from_wherever_it_starts(stage: Stage) {
        let gate = Gate::default();
        let answer = ScriptedAnswer::new().opened().words("one two three ").wait(&gate).words("four five six").done();
        let process = stage.scripted([answer]).await;
        let sent = stage.say("go").await;
        let mut early = stage.services().runs.events(&stage.ctx, sent.run_id, 0).await.unwrap();
        stage.shown(sent.run_id, 3).await;
        let mut middle = stage.services().runs.events(&stage.ctx, sent.run_id, 3).await.unwrap();
        gate.open();
        let (all, rest) = (rest_of(&mut early).await, rest_of(&mut middle).await);
        assert_eq!(all.iter().map(|frame| frame.seq).collect::<Vec<_>>(), (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
        assert_eq!(rest, all[3..]);
        assert_eq!(stage.read(sent.run_id).await, all);
        assert!(early.is_at_end() && early.next().await.unwrap().is_none());
        let last = early.cursor();
        let at_the_end = stage.services().runs.events(&stage.ctx, sent.run_id, last).await.unwrap();
        assert!(at_the_end.is_at_end());
        let beyond = stage.services().runs.events(&stage.ctx, sent.run_id, last + 1).await;
        assert!(matches!(beyond, Err(Error::Conflict { code: "cursor_ahead", .. })));
        let page = stage.services().runs.events_page(&stage.ctx, sent.run_id, 2, 3).await.unwrap();
        assert_eq!(page.items.iter().map(|frame| frame.read().unwrap()).collect::<Vec<_>>(), all[2..5]);
        assert_eq!(page.next_cursor.as_deref(), Some("5"));
        process.drain().await;
    }

    async fn a_page_that_loads_in_the_middle_goes_on_where_the_stream_is(stage: Stage) {
        let gate = Gate::default();
        let process = stage.scripted([ScriptedAnswer::new().opened().words("one two ").wait(&gate).words("three").done()]).await;
        let sent = stage.say("go").await;
        stage.shown(sent.run_id, 2).await;
        let page = stage.services().chat.transcript(&stage.ctx, stage.conversation).await.unwrap();
        let [Entry::Message(question), Entry::Run(run)] = page.entries.as_slice() else { panic!("{page:?}") };
        assert_eq!((question.id, run.run_id, run.status), (sent.message_id, sent.run_id, RunStatus::Running));
        let [Item::Message(message)] = run.items.as_slice() else { panic!("{run:?}") };
        assert_eq!((message.text.as_str(), message.done), ("one two ", false));
        gate.open();
        let mut reader = stage.services().runs.events(&stage.ctx, sent.run_id, run.last_seq).await.unwrap();
        let rest = rest_of(&mut reader).await;
        assert_eq!(completed(&rest), [("one two three".to_owned(), false)]);
        let page = stage.services().chat.transcript(&stage.ctx, stage.conversation).await.unwrap();
        let [_, Entry::Run(run)] = page.entries.as_slice() else { panic!("{page:?}") };
        let [Item::Message(message)] = run.items.as_slice() else { panic!("{run:?}") };
        assert_eq!((message.text.as_str(), message.done, run.status, page.has_older), ("one two three", true, RunStatus::Succeeded, false));
        process.drain().await;
    }

    async fn one_answer_at_a_time(stage: Stage) {
        let gate = Gate::default();
        let process = stage.scripted([ScriptedAnswer::new().opened().wait(&gate).words("done").done(), ScriptedAnswer::text("again")]).await;
        let sent = stage.say("first").await;
        let second = stage.services().chat.send(&stage.ctx, stage.conversation, SendMessage { text: "second".into() }).await;
        assert!(matches!(second, Err(Error::Conflict { code: "run_active", .. })));
        gate.open();
        stage.read(sent.run_id).await;
        let frames = stage.read(stage.say("second").await.run_id).await;
        assert_eq!(completed(&frames), [("again".to_owned(), false)]);
        process.drain().await;
    }

    async fn what_was_said_before_is_read_by_the_model(stage: Stage) {
        let model = ScriptedModel::new([ScriptedAnswer::text("Hello Ada."), ScriptedAnswer::text("Ada.")]);
        let process = stage.process("scripted", shared(model.clone())).await;
        stage.read(stage.say("I am Ada.").await.run_id).await;
        stage.read(stage.say("Who am I?").await.run_id).await;
        let turns = model.seen().into_iter().filter(|seen| seen.call.output_schema.is_none()).map(|seen| seen.call.input.len()).collect::<Vec<_>>();
        assert_eq!(turns, [1, 3]);
        process.drain().await;
    }

    async fn a_tool_is_called_and_its_output_kept(stage: Stage) {
        let elsewhere = stage.another_conversation().await;
        let first = stage.scripted([ScriptedAnswer::text("Noted.")]).await;
        stage.read(stage.say_in(elsewhere, "The launch code is MAUVE").await.run_id).await;
        first.drain().await;
        let answers = [ScriptedAnswer::tool("call_1", "search_conversations", r#"{"query":"launch code"}"#), ScriptedAnswer::text("It is MAUVE.")];
        let process = stage.scripted(answers).await;
        let frames = stage.read(stage.say("What is the launch code?").await.run_id).await;
        assert_eq!((count(&frames, "tool.started"), count(&frames, "tool.finished")), (1, 1));
        let output = frames.iter().find_map(|frame| if let StreamEvent::ToolOutput(output) = &frame.event { Some(output.output.clone()) } else { None });
        assert!(output.unwrap().contains("MAUVE"));
        assert_eq!(completed(&frames), [("It is MAUVE.".to_owned(), false)]);
        process.drain().await;
    }

    async fn a_repeated_request_counts_once(stage: Stage) {
        let with = |fingerprint: &str| {
            let mut ctx = stage.ctx.clone();
            ctx.idempotency = Some(Idempotency { key: "k".into(), fingerprint: fingerprint.into() });
            ctx
        };
        let send = async |ctx| stage.services().chat.send(&ctx, stage.conversation, SendMessage { text: "once".into() }).await;
        let first = send(with("a")).await.unwrap();
        assert_eq!(send(with("a")).await.unwrap(), first, "even while its run is active");
        assert!(matches!(send(with("b")).await, Err(Error::Conflict { code: "idempotency_key_reused", .. })));
        let messages = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items;
        assert_eq!(messages.len(), 1);
        let eve = stage.fx.person("Eve").await;
        let mut hers = stage.fx.ctx(eve);
        hers.idempotency = Some(Idempotency { key: "k".into(), fingerprint: "a".into() });
        assert!(matches!(stage.services().chat.send(&hers, stage.conversation, SendMessage { text: "once".into() }).await, Err(Error::NotFound(_))));
    }

    async fn of_equal_requests_at_once_one_counts(stage: Stage) {
        let mut ctx = stage.ctx.clone();
        ctx.idempotency = Some(Idempotency { key: "k".into(), fingerprint: "a".into() });
        let send = async || stage.services().chat.send(&ctx, stage.conversation, SendMessage { text: "once".into() }).await;
        let outcomes = futures::future::join_all((0..4).map(|_| send())).await;
        let answers: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "all get the one answer: {answers:?}");
        let messages = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items;
        assert_eq!(messages.len(), 1);
        assert_eq!(send().await.unwrap(), answers[0]);
    }

    async fn nothing_is_kept_of_a_message_that_is_refused(stage: Stage) {
        for text in ["", " \n ", &"x".repeat(100_001)] {
            let refused = stage.services().chat.send(&stage.ctx, stage.conversation, SendMessage { text: text.into() }).await;
            assert!(matches!(refused, Err(Error::Invalid(_))));
        }
        assert!(stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items.is_empty());
        assert_eq!(storage::runs::depth(stage.services().db()).await.unwrap().queued, 0);
    }

    async fn strange_characters_go_all_the_way(stage: Stage) {
        let text = "nul \0, quote \" \\u0000, \u{1F600}, \u{feff}";
        let process = stage.scripted([ScriptedAnswer::new().opened().piece(text).piece("\0").done()]).await;
        let sent = stage.say(text).await;
        let frames = stage.read(sent.run_id).await;
        assert_eq!((ending(&frames).0, completed(&frames)), (RunStatus::Succeeded, vec![(format!("{text}\0"), false)]));
        let messages = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery::default()).await.unwrap().items;
        let shown = text.replace('\0', "\u{fffd}");
        assert_eq!(messages.iter().map(|message| message.text.clone()).collect::<Vec<_>>(), [shown.clone(), format!("{shown}\u{fffd}")]);
        process.drain().await;
    }

    async fn ended_runs_are_packed_and_read_as_before(stage: Stage) {
        let process = stage.process("practice", shared(PracticeModel::new(PracticeSpeed::Instant))).await;
        let sent = stage.say("Count to 200").await;
        let before = stage.read(sent.run_id).await;
        let rows = format!("SELECT kind FROM events WHERE stream = '{}' LIMIT 1", sent.run_id);
        assert_eq!(stage.fx.database.texts(&rows).await.len(), 1);
        // The clock brings the time for it, and enough since the end.
        stage.fx.database.advance(Duration::from_mins(20));
        until("the packing", async || stage.fx.database.texts(&rows).await.is_empty()).await;
        assert_eq!(stage.read(sent.run_id).await, before);
        let mut reader = stage.services().runs.events(&stage.ctx, sent.run_id, 100).await.unwrap();
        assert_eq!(rest_of(&mut reader).await, before[100..]);
        let page = stage.services().chat.transcript(&stage.ctx, stage.conversation).await.unwrap();
        assert!(matches!(page.entries.as_slice(), [Entry::Message(_), Entry::Run(run)] if run.items.len() == 1));
        soon("the drain", process.drain()).await;
    }
}
