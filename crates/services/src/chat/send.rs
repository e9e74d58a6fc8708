//! Saying something: message, run, job and events in one unit of work, and the answer comes at once.

use contracts::{
    chat::{SendMessage, Sent},
    stream::{MessageAdded, RunQueued},
};
use domain::{
    Ctx, Error, Result,
    access::Permission,
    chat::{Author, MESSAGE_MAX_BYTES, TitleSource, draft_title},
    ids::{ConversationId, JobId, RunId},
    runs::RunKind,
};
use storage::{
    Tx,
    chat::{ConversationRow, MessageRow},
    events::{self, Stream},
    runs::{NewJob, NewRun},
    wake::Topic,
};

use super::{Chat, conversations::tell_organization, lock, message_view};
use crate::{jobs, replay};

impl Chat {
    /// Says something; an agent answers in a run of its own, which goes on whatever happens to the caller.
    ///
    /// # Errors
    /// `run_active` while an answer is being written.
    pub async fn send(&self, ctx: &Ctx, id: ConversationId, input: SendMessage) -> Result<Sent> {
        let (org, user) = (ctx.allow(Permission::WriteChat)?, ctx.user()?);
        check_text(&input.text)?;
        let mut tx = self.core.db.begin().await?;
        // Locked first: of two equal requests at once, the second finds the answer to the first.
        let conversation = lock(&mut tx, org, user, id).await?;
        if let Some(earlier) = replay::earlier(&mut tx, ctx).await? {
            return Ok(earlier);
        }
        check_free(&conversation)?;
        let sent = Sent { message_id: ctx.new_id(), run_id: ctx.new_id() };
        let message = MessageRow {
            id: sent.message_id,
            author: Author::User,
            agent: None,
            run: Some(sent.run_id),
            text: input.text,
            partial: false,
            created_at: ctx.now(),
        };
        storage::chat::insert_message(&mut tx, id, org, &message).await?;
        if conversation.title_source == TitleSource::Draft {
            storage::chat::set_title(&mut tx, id, &draft_title(&message.text), TitleSource::Draft).await?;
        }
        start_run(&mut tx, ctx, &conversation, sent.run_id).await?;
        let said = [
            MessageAdded { message: message_view(message) }.into(),
            RunQueued { run_id: sent.run_id, agent: self.core.agent_title(&conversation.agent) }.into(),
        ];
        let told = [events::append(&mut tx, Stream::Conversation(id), &said).await?, tell_organization(&mut tx, org, user, id, false).await?];
        replay::keep(&mut tx, ctx, &sent).await?;
        tx.commit().await?;
        self.core.told(&told);
        self.core.db.wake().tell(Topic::Jobs);
        Ok(sent)
    }

    /// Answers the same message again, after a run that failed or was stopped. What that run wrote goes.
    ///
    /// # Errors
    /// `run_active` while an answer is being written; `not_last` when something was said since.
    pub async fn retry(&self, ctx: &Ctx, run: RunId) -> Result<Sent> {
        let (org, user) = (ctx.allow(Permission::WriteChat)?, ctx.user()?);
        let (old, conversation) = self.core.own_run(ctx, run).await?;
        let question = storage::chat::question_of(&self.core.db, run).await?;
        let mut tx = self.core.db.begin().await?;
        let conversation = lock(&mut tx, org, user, conversation.id).await?;
        if let Some(earlier) = replay::earlier(&mut tx, ctx).await? {
            return Ok(earlier);
        }
        let question = question.ok_or(Error::NotFound("message"))?;
        check_free(&conversation)?;
        if !old.status.is_ended() {
            return Err(run_active());
        }
        if storage::chat::last_question(&mut tx, conversation.id).await? != Some(question.id) {
            return Err(Error::conflict("not_last", "Something was said since. Send the message again instead."));
        }
        let sent = Sent { message_id: question.id, run_id: ctx.new_id() };
        storage::chat::remove_answer(&mut tx, run).await?;
        storage::chat::set_message_run(&mut tx, question.id, sent.run_id).await?;
        start_run(&mut tx, ctx, &conversation, sent.run_id).await?;
        let queued = RunQueued { run_id: sent.run_id, agent: self.core.agent_title(&conversation.agent) }.into();
        let told = [
            events::append(&mut tx, Stream::Conversation(conversation.id), &[queued]).await?,
            tell_organization(&mut tx, org, user, conversation.id, false).await?,
        ];
        replay::keep(&mut tx, ctx, &sent).await?;
        tx.commit().await?;
        self.core.told(&told);
        self.core.db.wake().tell(Topic::Jobs);
        Ok(sent)
    }
}

fn run_active() -> Error {
    Error::conflict("run_active", "An answer is being written. Wait for it, or stop it first.")
}

fn check_free(conversation: &ConversationRow) -> Result<()> {
    match (conversation.deleted_at, conversation.active_run) {
        (Some(_), _) => Err(Error::NotFound("conversation")),
        (None, Some(_)) => Err(run_active()),
        (None, None) => Ok(()),
    }
}

fn check_text(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid("text", "required", "Write something first."));
    }
    if text.len() > MESSAGE_MAX_BYTES {
        return Err(Error::invalid("text", "too_long", "Too long. Use at most 100,000 bytes, or about 20,000 words."));
    }
    Ok(())
}

/// Adds the run that answers and its job, and names it in the conversation.
async fn start_run(tx: &mut Tx, ctx: &Ctx, conversation: &ConversationRow, run: RunId) -> Result<()> {
    let job: JobId = ctx.new_id();
    let new = NewRun {
        id: run,
        org: conversation.org,
        user: conversation.user,
        kind: RunKind::ChatTurn,
        agent: conversation.agent.clone(),
        conversation: Some(conversation.id),
        job,
    };
    storage::runs::insert(tx, &new).await?;
    let new = NewJob { org: Some(conversation.org), run: Some(run), ..NewJob::new(job, jobs::RUN_TURN, "{}") };
    storage::runs::enqueue(tx, &new).await?;
    storage::chat::set_active_run(tx, conversation.id, Some(run), ctx.now()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_limits() {
        assert!(check_text("hello").is_ok());
        assert!(check_text(" \n ").is_err());
        assert!(check_text(&"x".repeat(MESSAGE_MAX_BYTES)).is_ok());
        assert!(check_text(&"x".repeat(MESSAGE_MAX_BYTES + 1)).is_err());
    }
}
