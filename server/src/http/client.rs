//! Who is at the other end: the client's address and browser, and the request's id.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Once},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header::USER_AGENT, request::Parts};
use serde::{Deserialize, Serialize};

use crate::{http::problem::Refusal, state::AppState};

/// The id under which a request is logged and answered.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// The other end of a request.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// Its address, told by trusted proxies only.
    pub address: IpAddr,
    /// Whether somebody whom we do not trust passed the request on: the address is then not the person's.
    pub relayed: bool,
}

/// What one must know of a browser to recognise its session later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Browser {
    /// Its address.
    pub address: String,
    /// What it calls itself, shortened.
    pub user_agent: Option<String>,
}

/// Works out the client's address.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let proxies = &state.config.trusted_proxies;
    let forwarded = forwarded_for(request.headers());
    let address = proxies.client(peer, forwarded.as_deref());
    let relayed = !proxies.contains(peer) && (forwarded.is_some() || request.headers().contains_key("forwarded"));
    if relayed {
        static SAID: Once = Once::new();
        SAID.call_once(|| tracing::warn!(%peer, "a proxy that TROUPE_TRUSTED_PROXIES does not name tells of clients; it is not believed"));
    }
    request.extensions_mut().insert(Client { address, relayed });
    next.run(request).await
}

/// All hops in one list; a proxy may have added a second header instead of a second entry.
fn forwarded_for(headers: &HeaderMap) -> Option<String> {
    let hops: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    (!hops.is_empty()).then(|| hops.join(","))
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let unknown = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), relayed: true };
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(unknown))
    }
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let client = Client::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(200).collect());
        Ok(Self { address: client.address.to_string(), user_agent })
    }
}
