//! Conversations as things: starting, paging, renaming, deleting, bringing back.

use std::time::Duration;

use contracts::{
    StreamEvent,
    chat::{CreateConversation, UpdateConversation},
    page::PageQuery,
};
use domain::{Error, Idempotency, chat::TitleSource};
use storage::events::{self, Stream};
use testkit::both_databases;

use crate::stage::Stage;

fn rename(title: &str) -> UpdateConversation {
    UpdateConversation { title: Some(title.into()), deleted: None }
}

fn deleted(deleted: bool) -> UpdateConversation {
    UpdateConversation { title: None, deleted: Some(deleted) }
}

both_databases! {
    async fn lists_page_the_most_recently_used_first(stage: Stage) {
        let mut ids = vec![stage.conversation];
        for _ in 0..6 {
            ids.push(stage.another_conversation().await);
        }
        stage.fx.database.advance(Duration::from_secs(1));
        stage.say_in(ids[2], "hello").await;
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = stage.services().chat.list(&stage.ctx, &PageQuery { cursor, limit: Some(3) }).await.unwrap();
            assert!(page.items.len() == 3 || page.next_cursor.is_none());
            found.extend(page.items.into_iter().map(|conversation| conversation.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let mut expected: Vec<_> = ids.iter().rev().copied().filter(|id| *id != ids[2]).collect();
        expected.insert(0, ids[2]);
        assert_eq!(found, expected);
        let broken = stage.services().chat.list(&stage.ctx, &PageQuery { cursor: Some("x".into()), limit: None }).await;
        assert!(matches!(broken, Err(Error::Invalid(_))));
    }

    async fn a_conversation_is_started_once_by_key(stage: Stage) {
        let mut ctx = stage.ctx.clone();
        ctx.idempotency = Some(Idempotency { key: "k".into(), fingerprint: "f".into() });
        let input = || CreateConversation { agent: None, title: Some("  Plans ".into()) };
        let first = stage.services().chat.create(&ctx, input()).await.unwrap();
        assert_eq!((first.title.as_str(), first.title_source, first.agent.as_str()), ("Plans", TitleSource::User, "triage"));
        assert_eq!(stage.services().chat.create(&ctx, input()).await.unwrap(), first);
        assert_eq!(stage.services().chat.list(&stage.ctx, &PageQuery::default()).await.unwrap().items.len(), 2);
        let unknown = stage.services().chat.create(&stage.ctx, CreateConversation { agent: Some("nobody".into()), title: None }).await;
        assert!(matches!(unknown, Err(Error::Invalid(_))));
    }

    async fn a_new_title_is_told_to_all_who_look(stage: Stage) {
        let view = stage.services().chat.update(&stage.ctx, stage.conversation, rename("Plans")).await.unwrap();
        assert_eq!((view.title.as_str(), view.title_source, view.last_seq), ("Plans", TitleSource::User, 1));
        let same = stage.services().chat.update(&stage.ctx, stage.conversation, rename(" Plans ")).await.unwrap();
        assert_eq!(same.last_seq, 1, "no news");
        let told = events::after(stage.services().db(), Stream::Conversation(stage.conversation), 0, 9).await.unwrap();
        assert!(matches!(told[0].read().unwrap().event, StreamEvent::ConversationRenamed(renamed) if renamed.title == "Plans"));
        for refused in ["", "  ", "two\nlines", "nul\0", &"x".repeat(121)] {
            assert!(matches!(stage.services().chat.update(&stage.ctx, stage.conversation, rename(refused)).await, Err(Error::Invalid(_))), "{refused:?}");
        }
    }

    async fn a_deleted_conversation_comes_back_for_a_while(stage: Stage) {
        let chat = &stage.services().chat.clone();
        chat.delete(&stage.ctx, stage.conversation).await.unwrap();
        assert!(matches!(chat.get(&stage.ctx, stage.conversation).await, Err(Error::NotFound(_))));
        assert!(matches!(chat.delete(&stage.ctx, stage.conversation).await, Err(Error::NotFound(_))));
        assert!(chat.list(&stage.ctx, &PageQuery::default()).await.unwrap().items.is_empty());
        stage.fx.database.advance(Duration::from_hours(29 * 24));
        chat.update(&stage.ctx, stage.conversation, deleted(false)).await.unwrap();
        chat.get(&stage.ctx, stage.conversation).await.unwrap();
        chat.update(&stage.ctx, stage.conversation, deleted(true)).await.unwrap();
        stage.fx.database.advance(Duration::from_hours(31 * 24));
        assert!(matches!(chat.update(&stage.ctx, stage.conversation, deleted(false)).await, Err(Error::NotFound(_))));
    }

    async fn messages_page_oldest_first(stage: Stage) {
        for n in 0..5 {
            let sent = stage.say(&format!("{n}")).await;
            stage.services().runs.cancel(&stage.ctx, sent.run_id).await.unwrap();
        }
        let (mut texts, mut cursor) = (Vec::new(), None);
        loop {
            let page = stage.services().chat.messages(&stage.ctx, stage.conversation, &PageQuery { cursor, limit: Some(2) }).await.unwrap();
            texts.extend(page.items.into_iter().map(|message| message.text));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(texts, ["0", "1", "2", "3", "4"]);
    }
}
