//! Server-side sessions behind an opaque cookie: the browser holds a random id, we keep its digest.
//!
//! Only signing in makes a session: visitors get neither row nor cookie. The id changes at every sign-in, and a
//! session that is gone from the database counts no more, at once.

use std::fmt;

use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use domain::{
    Ctx, Error, Timestamp,
    ids::{OrgId, SessionId, UserId},
};
use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use serde::{Deserialize, Serialize};
use services::{Services, identity::Account, sessions::SavedSession};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::{
        SameSite,
        time::{Duration, OffsetDateTime},
    },
    session::{Id, Record},
    session_store,
};

use crate::{
    http::{client::Browser, origin::cookies},
    state::AppState,
};

/// How long a session lives without being used.
const IDLE: Duration = Duration::days(14);
/// How much time passes before use is written down again.
const TOUCH_EVERY: std::time::Duration = std::time::Duration::from_mins(5);

/// Keys of what a session holds.
const WHO: &str = "who";
const SEEN: &str = "seen";
const BROWSER: &str = "browser";

/// Who a session says is there.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Who {
    /// The session, for people and the log; not the secret.
    pub session: SessionId,
    /// The person.
    pub user: UserId,
    /// The organization in which they work.
    pub org: OrgId,
}

/// The cookie's name: with the prefix that binds it to this host wherever browsers allow one.
const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-troupe" } else { "troupe" }
}

/// Whether a request carries a session cookie, valid or not.
pub fn is_carried(headers: &HeaderMap, https: bool) -> bool {
    cookies(headers).any(|(name, _)| name == cookie_name(https))
}

/// The layer that loads and saves sessions.
pub fn layer(state: &AppState) -> SessionManagerLayer<Store> {
    let https = state.config.public_url.is_https();
    SessionManagerLayer::new(Store { services: state.services.clone(), ctx: state.system("sessions") })
        .with_name(cookie_name(https))
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// Browsers heed the removal of a `__Host-` cookie only when it is marked like the cookie itself.
pub async fn mark_removal(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if state.config.public_url.is_https() {
        let removal = format!("{}=;", cookie_name(true));
        for (_, value) in response.headers_mut().iter_mut().filter(|(name, _)| *name == SET_COOKIE) {
            let marked = value.to_str().ok().filter(|text| text.starts_with(&removal)).map(|text| format!("{text}; Secure; HttpOnly; SameSite=Lax"));
            if let Some(marked) = marked.and_then(|text| HeaderValue::from_str(&text).ok()) {
                *value = marked;
            }
        }
    }
    response
}

/// Who is signed in, if anybody. Notes the use now and then, which keeps the session alive.
pub async fn who(session: &Session, ctx: &Ctx) -> Result<Option<Who>, Error> {
    let Some(who) = session.get::<Who>(WHO).await.map_err(Error::internal)? else { return Ok(None) };
    let seen = session.get::<i64>(SEEN).await.map_err(Error::internal)?.map_or(Timestamp::default(), Timestamp::from_micros);
    if ctx.now().since(seen) >= TOUCH_EVERY {
        session.insert(SEEN, ctx.now().micros()).await.map_err(Error::internal)?;
    }
    Ok(Some(who))
}

/// Signs a browser in: whatever session it had ends, and a fresh id begins.
pub async fn begin(session: &Session, ctx: &Ctx, account: &Account, browser: &Browser) -> Result<(), Error> {
    if session.id().is_some() {
        session.clear().await;
        session.cycle_id().await.map_err(Error::internal)?;
    }
    let who = Who { session: ctx.new_id(), user: account.me.user.id, org: account.membership.org };
    session.insert(BROWSER, browser).await.map_err(Error::internal)?;
    session.insert(SEEN, ctx.now().micros()).await.map_err(Error::internal)?;
    session.insert(WHO, who).await.map_err(Error::internal)
}

/// Signs a browser out: the session is gone before the answer is.
pub async fn end(session: &Session) -> Result<(), Error> {
    session.flush().await.map_err(Error::internal)
}

/// Sessions in the product's own database.
#[derive(Clone)]
pub struct Store {
    services: Services,
    ctx: Ctx,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    fn saved(record: &Record) -> session_store::Result<SavedSession> {
        let field = |key: &str| record.data.get(key).cloned().unwrap_or_default();
        let who: Option<Who> = serde_json::from_value(field(WHO)).ok();
        let browser: Option<Browser> = serde_json::from_value(field(BROWSER)).ok();
        Ok(SavedSession {
            token: record.id.to_string(),
            id: who.map(|who| who.session),
            user: who.map(|who| who.user),
            org: who.map(|who| who.org),
            data: serde_json::to_string(&record.data).map_err(|error| session_store::Error::Encode(error.to_string()))?,
            expires_at: instant(record.expiry_date),
            user_agent: browser.as_ref().and_then(|browser| browser.user_agent.clone()),
            address: browser.map(|browser| browser.address),
        })
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // 128 random bits: an id that is taken is not met.
        self.services.sessions.save(&self.ctx, Self::saved(record)?).await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        // A session that was ended while this request was under way stays ended.
        self.services.sessions.update(&self.ctx, Self::saved(record)?).await.map(|_| ()).map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let Some(saved) = self.services.sessions.load(&self.ctx, &id.to_string()).await.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_str(&saved.data).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let micros = i128::from(saved.expires_at.micros());
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(micros * 1000).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.services.sessions.delete(&self.ctx, &id.to_string()).await.map_err(backend)
    }
}

fn backend(error: Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn instant(date: OffsetDateTime) -> Timestamp {
    Timestamp::from_micros(i64::try_from(date.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::{
        collections::HashMap,
        sync::{
            Arc, Mutex,
            atomic::{AtomicI64, Ordering},
        },
    };

    use domain::{Actor, Clock};
    use services::clock::OrderedIds;

    use super::*;

    #[derive(Debug, Default)]
    struct InMemory(Mutex<HashMap<Id, Record>>);

    #[async_trait]
    impl SessionStore for InMemory {
        async fn create(&self, record: &mut Record) -> session_store::Result<()> {
            self.save(record).await
        }

        async fn save(&self, record: &Record) -> session_store::Result<()> {
            self.0.lock().unwrap().insert(record.id, record.clone());
            Ok(())
        }

        async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
            Ok(self.0.lock().unwrap().get(id).cloned())
        }

        async fn delete(&self, id: &Id) -> session_store::Result<()> {
            self.0.lock().unwrap().remove(id);
            Ok(())
        }
    }

    #[derive(Default)]
    struct Minutes(AtomicI64);

    impl Clock for Minutes {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0.load(Ordering::Relaxed) * 60_000_000)
        }
    }

    #[tokio::test]
    async fn use_is_written_down_now_and_then() {
        let (clock, store) = (Arc::new(Minutes::default()), Arc::new(InMemory::default()));
        clock.0.store(1000, Ordering::Relaxed);
        let ctx = Ctx::new(Actor::Anonymous, None, "test", clock.clone(), Arc::new(OrderedIds::default()));
        let signed_in = Session::new(None, store.clone(), None);
        signed_in.insert(SEEN, ctx.now().micros()).await.unwrap();
        signed_in.insert(WHO, Who { session: ctx.new_id(), user: ctx.new_id(), org: ctx.new_id() }).await.unwrap();
        signed_in.save().await.unwrap();

        for (minutes, written) in [(1, false), (4, false), (5, true), (9, true)] {
            clock.0.store(1000 + minutes, Ordering::Relaxed);
            let session = Session::new(signed_in.id(), store.clone(), None);
            assert!(who(&session, &ctx).await.unwrap().is_some());
            assert_eq!(session.is_modified(), written, "after {minutes} minutes");
        }
        let stranger = Session::new(Some(Id::default()), store, None);
        assert!(who(&stranger, &ctx).await.unwrap().is_none());
        assert!(stranger.is_empty().await && !stranger.is_modified(), "a forged id makes no session");
    }
}
