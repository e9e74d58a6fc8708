//! Finding what was said. One of the five files that may ask which database it is, for the day of full-text indexes.

use domain::{
    Timestamp,
    ids::{ConversationId, OrgId, UserId},
};

use crate::{Db, StoreResult, row};

/// A message that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its title.
    pub title: String,
    /// The whole text of the message.
    pub text: String,
    /// When it was said.
    pub at: Timestamp,
}

/// Characters looked for, at most: what is longer is found by its beginning.
const LONGEST: usize = 1_000;

/// The newest messages of a person's own conversations that contain the words, in any case as far as the database knows
/// letters: SQLite knows those of ASCII.
pub async fn messages(db: &Db, org: OrgId, user: UserId, words: &str, limit: i64) -> StoreResult<Vec<Hit>> {
    let mut pattern = String::from("%");
    for c in row::text(words).chars().take(LONGEST) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    let rows: Vec<(String, String, String, i64)> = on_db!(db, c => sqlx::query_as(
        r"SELECT c.id, c.title, m.body, m.created_at FROM messages m JOIN conversations c ON c.id = m.conversation_id
          WHERE c.org_id = $1 AND c.user_id = $2 AND c.deleted_at IS NULL AND LOWER(m.body) LIKE LOWER($3) ESCAPE '\'
          ORDER BY m.id DESC LIMIT $4")
        .bind(org.to_string()).bind(user.to_string()).bind(pattern).bind(limit)
        .fetch_all(c).await?);
    rows.into_iter()
        .map(|(conversation, title, text, at)| Ok(Hit { conversation: row::id(&conversation)?, title, text, at: Timestamp::from_micros(at) }))
        .collect()
}
