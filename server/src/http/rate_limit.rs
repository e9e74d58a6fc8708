//! How often: strict at the doors where passwords are tried, generous elsewhere.
//!
//! An account's tries count whatever addresses they come from; a right password forgets them. A loopback address
//! says nothing about who is there, so only accounts are limited from it.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::Error;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock, QuantaInstant},
};

use crate::{
    http::{client::Client, problem::Refusal},
    state::AppState,
};

const WINDOW: Duration = Duration::from_mins(15);
/// Tries of one address at the doors, as a multiple of those of one account: an office shares an address.
const ACCOUNTS_PER_ADDRESS: NonZeroU32 = NonZeroU32::new(6).unwrap();
/// Calls of one address a second, and at once.
const CALLS: NonZeroU32 = NonZeroU32::new(50).unwrap();
const CALLS_AT_ONCE: NonZeroU32 = NonZeroU32::new(500).unwrap();
/// Beyond this many remembered accounts, old ones are forgotten.
const REMEMBERED: usize = 10_000;

/// The limits and what has been counted.
pub struct Limits {
    door_quota: Quota,
    accounts: Mutex<HashMap<String, (Instant, DefaultDirectRateLimiter)>>,
    doors: DefaultKeyedRateLimiter<IpAddr>,
    calls: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Limits {
    /// Limits with this many tries per account and quarter of an hour.
    pub fn new(door_tries: u32) -> Self {
        let tries = NonZeroU32::new(door_tries).unwrap_or(NonZeroU32::MIN);
        Self {
            door_quota: spread(tries),
            accounts: Mutex::new(HashMap::new()),
            doors: RateLimiter::keyed(spread(tries.saturating_mul(ACCOUNTS_PER_ADDRESS))),
            calls: RateLimiter::keyed(Quota::per_second(CALLS).allow_burst(CALLS_AT_ONCE)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a try at a door.
    ///
    /// # Errors
    /// [`Error::Limit`], with when to come back.
    pub fn try_door(&self, client: Client, email: &str) -> Result<(), Error> {
        if !client.address.is_loopback() {
            self.doors.check_key(&network(client.address)).map_err(|refused| self.limit(&refused))?;
        }
        let now = Instant::now();
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= REMEMBERED {
            accounts.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        let key = domain::identity::normal_email(email);
        let (last, account) = accounts.entry(key).or_insert_with(|| (now, RateLimiter::direct(self.door_quota)));
        *last = now;
        account.check().map_err(|refused| self.limit(&refused))
    }

    /// Forgets an account's tries: the password was right.
    pub fn opened_door(&self, email: &str) {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).remove(&domain::identity::normal_email(email));
    }

    /// Lets go of addresses that have not been seen for long.
    pub fn forget_old(&self) {
        self.doors.retain_recent();
        self.calls.retain_recent();
    }

    fn limit(&self, refused: &NotUntil<QuantaInstant>) -> Error {
        let wait = refused.wait_time_from(self.clock.now());
        Error::Limit { code: "too_many_requests", message: "That was too often. Please wait a while.".into(), retry_after: Some(wait) }
    }
}

/// That many at once, and refilled over the window.
fn spread(tries: NonZeroU32) -> Quota {
    Quota::with_period(WINDOW / tries.get()).unwrap_or_else(|| Quota::per_minute(tries)).allow_burst(tries)
}

/// A person holds one IPv4 address, or a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The generous limit on everything that does work.
pub async fn limit(State(state): State<AppState>, client: Client, request: Request, next: Next) -> Response {
    if !client.address.is_loopback()
        && let Err(refused) = state.limits.calls.check_key(&network(client.address))
    {
        return Refusal::from(state.limits.limit(&refused)).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn client(address: &str) -> Client {
        Client { address: address.parse().unwrap(), relayed: false }
    }

    #[test]
    fn an_account_is_tried_ten_times_from_anywhere() {
        let limits = Limits::new(10);
        let passed = (0..100).filter(|n| limits.try_door(client(&format!("192.0.2.{n}")), "Ada@example.com ").is_ok()).count();
        assert_eq!(passed, 10);
        let Err(Error::Limit { retry_after: Some(wait), .. }) = limits.try_door(client("192.0.2.200"), "ada@example.com") else {
            unreachable!("the eleventh try")
        };
        assert!(wait > Duration::from_secs(30), "{wait:?}");
        assert!(limits.try_door(client("192.0.2.1"), "bob@example.com").is_ok());
    }

    #[test]
    fn a_right_password_forgets_the_tries() {
        let limits = Limits::new(10);
        for _ in 0..40 {
            limits.try_door(client("127.0.0.1"), "ada@example.com").unwrap();
            limits.opened_door("ada@example.com");
        }
    }

    #[test]
    fn an_address_is_limited_whatever_accounts_it_tries() {
        let limits = Limits::new(10);
        let passed = |prefix: &str| (0..100).filter(|n| limits.try_door(client(&format!("{prefix}{n}")), &format!("{prefix}{n}@example.com")).is_ok()).count();
        assert_eq!(passed("2001:db8::"), 60);
        assert_eq!((0..200).filter(|n| limits.try_door(client("127.0.0.1"), &format!("{n}@example.com")).is_ok()).count(), 200);
    }
}
