//! Every verb, tried by somebody whose business it is not: it is not found, never forbidden, and nothing changes.

use std::fmt::Debug;

use contracts::{
    chat::{CreateConversation, SendMessage, UpdateConversation},
    identity::CreateApiKey,
    page::PageQuery,
};
use domain::{
    Actor, Ctx, Error, Membership,
    access::{Role, Scope},
};
use services::live::LiveRequest;
use testkit::{both_databases, fixtures::Person};

use crate::stage::Stage;

fn not_found<T>(outcome: Result<T, Error>, what: &str) {
    let error = outcome.err().unwrap_or_else(|| panic!("{what} is open to strangers"));
    assert!(matches!(error, Error::NotFound(_)), "{what}: {error:?}");
}

/// Everything that names a conversation or a run of Ada's.
async fn try_everything(stage: &Stage, stranger: &Ctx) {
    let sent = stage.say("secret").await;
    let services = stage.services();
    let (chat, runs, live) = (&services.chat, &services.runs, &services.live);
    let (conversation, run) = (stage.conversation, sent.run_id);
    not_found(chat.get(stranger, conversation).await, "get");
    not_found(chat.messages(stranger, conversation, &PageQuery::default()).await, "messages");
    not_found(chat.transcript(stranger, conversation).await, "transcript");
    not_found(chat.send(stranger, conversation, SendMessage { text: "x".into() }).await, "send");
    not_found(chat.update(stranger, conversation, UpdateConversation { title: Some("x".into()), deleted: None }).await, "rename");
    not_found(chat.update(stranger, conversation, UpdateConversation { title: None, deleted: Some(true) }).await, "delete");
    not_found(chat.delete(stranger, conversation).await, "delete");
    not_found(chat.retry(stranger, run).await, "retry");
    not_found(runs.get(stranger, run).await, "get a run");
    not_found(runs.cancel(stranger, run).await, "stop");
    not_found(runs.events(stranger, run, 0).await, "read a run");
    not_found(runs.events_page(stranger, run, 0, 10).await, "page a run");
    not_found(live.open(stranger, LiveRequest { conversation: Some((conversation, 0)), ..LiveRequest::default() }).await, "follow a conversation");
    not_found(live.open(stranger, LiveRequest { run: Some((run, 0)), ..LiveRequest::default() }).await, "follow a run");
    assert!(chat.list(stranger, &PageQuery::default()).await.unwrap().items.is_empty());
    assert_eq!(chat.get(&stage.ctx, conversation).await.unwrap().title, "Test", "nothing has changed");
    assert!(!runs.get(&stage.ctx, run).await.unwrap().status.is_ended());
    runs.cancel(&stage.ctx, run).await.unwrap();
    let key = stage.services().identity.create_key(&stage.ctx, CreateApiKey { name: "k".into(), scopes: None }).await.unwrap();
    not_found(stage.services().identity.revoke_key(stranger, key.id).await, "revoke a key");
    assert!(stage.services().identity.keys(stranger).await.unwrap().is_empty());
}

fn refused<T: Debug>(outcome: Result<T, Error>, unauthenticated: bool) {
    match outcome {
        Err(Error::Unauthenticated) if unauthenticated => {}
        Err(Error::Denied(_)) if !unauthenticated => {}
        other => panic!("{other:?}"),
    }
}

both_databases! {
    async fn a_stranger_finds_nothing(stage: Stage) {
        let eve = stage.fx.person("Eve").await;
        try_everything(&stage, &stage.fx.ctx(eve)).await;
    }

    async fn a_colleague_finds_nothing_that_was_not_shared(stage: Stage) {
        let bob = stage.fx.person("Bob").await;
        try_everything(&stage, &stage.fx.ctx(Person { org: stage.fx.ada.org, user: bob.user })).await;
    }

    async fn oneself_in_another_organization_finds_nothing(stage: Stage) {
        let other = stage.fx.person("Eve").await.org;
        try_everything(&stage, &stage.fx.ctx(Person { org: other, user: stage.fx.ada.user })).await;
    }

    async fn who_may_only_look_changes_nothing(stage: Stage) {
        let viewer = stage.fx.ctx_as(stage.fx.ada, Role::Viewer);
        stage.services().chat.get(&viewer, stage.conversation).await.unwrap();
        let sent = stage.say("x").await;
        refused(stage.services().chat.create(&viewer, CreateConversation::default()).await, false);
        refused(stage.services().chat.send(&viewer, stage.conversation, SendMessage { text: "x".into() }).await, false);
        refused(stage.services().chat.update(&viewer, stage.conversation, UpdateConversation::default()).await, false);
        refused(stage.services().chat.delete(&viewer, stage.conversation).await, false);
        refused(stage.services().chat.retry(&viewer, sent.run_id).await, false);
        refused(stage.services().runs.cancel(&viewer, sent.run_id).await, false);
        refused(stage.services().identity.create_key(&viewer, CreateApiKey { name: "k".into(), scopes: None }).await, false);
    }

    async fn a_key_does_no_more_than_its_scopes(stage: Stage) {
        let membership = Membership { org: stage.fx.ada.org, role: Role::Owner };
        let with = |scopes: &[Scope]| stage.ctx.with_actor(Actor::ApiKey { user: stage.fx.ada.user, key: stage.fx.id(), scopes: scopes.to_vec() }, Some(membership));
        let reads = with(&[Scope::Read]);
        stage.services().chat.get(&reads, stage.conversation).await.unwrap();
        refused(stage.services().chat.send(&reads, stage.conversation, SendMessage { text: "x".into() }).await, false);
        refused(stage.services().identity.keys(&with(&[Scope::All])).await, false);
        stage.services().chat.send(&with(&[Scope::Chat]), stage.conversation, SendMessage { text: "x".into() }).await.unwrap();
    }

    async fn nobody_is_asked_to_sign_in(stage: Stage) {
        let nobody = stage.ctx.with_actor(Actor::Anonymous, None);
        let sent = stage.say("x").await;
        refused(stage.services().chat.list(&nobody, &PageQuery::default()).await, true);
        refused(stage.services().chat.get(&nobody, stage.conversation).await, true);
        refused(stage.services().chat.send(&nobody, stage.conversation, SendMessage { text: "x".into() }).await, true);
        refused(stage.services().runs.get(&nobody, sent.run_id).await, true);
        refused(stage.services().runs.cancel(&nobody, sent.run_id).await, true);
        refused(stage.services().agents.list(&nobody).await, true);
        refused(stage.services().identity.me(&nobody).await, true);
        refused(stage.services().live.open(&nobody, LiveRequest::default()).await.map(|_| ()), true);
    }
}
