//! The doors where passwords are tried: counted, then asked of the service, then a session begins.
//!
//! Forms and the API go through the same door.

use axum::extract::FromRequestParts;
use contracts::identity::{SignIn, SignUp};
use domain::{Ctx, Error, Result};
use http::request::Parts;
use services::identity::Account;
use tower_sessions::Session;

use crate::{
    config::Signup,
    http::{
        authenticate::Caller,
        client::{Browser, Client},
        problem::{Answer, Refusal},
        session,
    },
    state::AppState,
};

/// A browser or program that wants to come in.
pub struct Door {
    /// The rest of the edge.
    pub state: AppState,
    ctx: Ctx,
    session: Session,
    client: Client,
    browser: Browser,
}

impl Door {
    /// Makes an account and signs in.
    pub async fn sign_up(&self, input: SignUp) -> Result<Account> {
        if self.state.config.signup != Signup::Open {
            return Err(Error::conflict("sign_up_closed", "Here new people join by invitation. Ask whoever runs this server."));
        }
        let email = input.email.clone();
        self.state.limits.try_door(self.client, &email)?;
        let account = self.state.services.identity.sign_up(&self.ctx, input).await?;
        self.enter(&email, account).await
    }

    /// Signs in.
    pub async fn sign_in(&self, input: SignIn) -> Result<Account> {
        let email = input.email.clone();
        self.state.limits.try_door(self.client, &email)?;
        let account = self.state.services.identity.sign_in(&self.ctx, input).await?;
        self.enter(&email, account).await
    }

    /// Signs out. Nobody may sign out too.
    pub async fn sign_out(&self) -> Result<()> {
        session::end(&self.session).await
    }

    async fn enter(&self, email: &str, account: Account) -> Result<Account> {
        self.state.limits.opened_door(email);
        session::begin(&self.session, &self.ctx, &account, &self.browser).await?;
        Ok(account)
    }
}

impl FromRequestParts<AppState> for Door {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let Caller(ctx) = Caller::from_request_parts(parts, state).await?;
        let client = Client::from_request_parts(parts, state).await?;
        let browser = Browser::from_request_parts(parts, state).await?;
        let session = parts.extensions.get::<Session>().cloned().ok_or_else(|| Error::internal("a door without the session layer"))?;
        Ok(Self { state: state.clone(), ctx, session, client, browser })
    }
}
