//! A conversation's title, from its first exchange. A person's title is never replaced.

use std::sync::Arc;

use contracts::stream::ConversationRenamed;
use domain::{
    Error, Result,
    chat::{Author, TitleSource},
    ids::{ConversationId, OrgId, RunId, UsageId, UserId},
};
use engine::agent::{TitleRequest, make_title};
use serde::Deserialize;
use storage::{
    claim::Claimed,
    events::{self, Stream},
    runs::UsageRow,
};

use super::outcome::Outcome;
use crate::Core;

#[derive(Deserialize)]
struct Payload {
    conversation: ConversationId,
    run: RunId,
    user: UserId,
}

pub(super) async fn execute(core: &Arc<Core>, claimed: &Claimed) -> Result<Outcome> {
    let payload: Payload = serde_json::from_str(&claimed.payload).map_err(Error::internal)?;
    let org = claimed.org.ok_or_else(|| Error::internal("a title without an organization"))?;
    let messages = storage::chat::messages_after(&core.db, payload.conversation, None, 20).await?;
    let first = |author| messages.iter().find(|m| m.author == author).map(|m| m.text.clone()).unwrap_or_default();
    let models = &core.models;
    let made = make_title(TitleRequest {
        model: Arc::clone(&models.model),
        model_name: models.name.clone(),
        price: (models.price)(&models.name),
        key: format!("{}:title", payload.run),
        question: first(Author::User),
        answer: first(Author::Agent),
    })
    .await;
    let mut tx = core.db.begin().await?;
    if let Some(used) = made.usage {
        let row = UsageRow {
            id: UsageId::from(core.ids.fresh(core.clock.now())),
            org,
            user: payload.user,
            step_key: "title".to_owned(),
            model: used.model,
            usage: used.usage,
            cost_micros: used.cost_micros,
            simulated: used.simulated,
        };
        storage::billing::record(&mut tx, payload.run, &row).await?;
    }
    let told = if made.source == TitleSource::Agent { rename(&mut tx, org, &payload, made.title).await? } else { Vec::new() };
    tx.commit().await?;
    core.told(&told);
    Ok(Outcome::Done)
}

async fn rename(tx: &mut storage::Tx, org: OrgId, payload: &Payload, title: String) -> Result<Vec<events::Appended>> {
    if !storage::chat::set_title(tx, payload.conversation, &title, TitleSource::Agent).await? {
        return Ok(Vec::new());
    }
    let renamed = ConversationRenamed { title, source: TitleSource::Agent }.into();
    Ok(vec![
        events::append(tx, Stream::Conversation(payload.conversation), &[renamed]).await?,
        crate::chat::tell_organization(tx, org, payload.user, payload.conversation, false).await?,
    ])
}
