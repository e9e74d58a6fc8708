//! Passwords: Argon2id off the async threads, never more at once than there is memory for.

use std::sync::Arc;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use domain::{Error, Result};
use tokio::sync::Semaphore;

/// Hashes at once: each takes 19 MiB and a core for about 20 ms (OWASP's minimum: 19 MiB, 2 passes, 1 lane).
const AT_ONCE: usize = 2;

/// Hashes and checks passwords.
#[derive(Clone)]
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// Checked when there is no such account, so that the answer takes as long.
    decoy: Arc<tokio::sync::OnceCell<String>>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), decoy: Arc::default() }
    }

    /// A salted hash in PHC form.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.work(move || Argon2::default().hash_password(password.as_bytes()).map(|h| h.to_string()).map_err(Error::internal)).await?
    }

    /// Whether the password fits the hash; without a hash it takes as long and does not.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.decoy.get_or_try_init(|| self.hash("a decoy, never a password".to_owned())).await?.clone(),
        };
        let fits = self
            .work(move || {
                let parsed = PasswordHash::new(&hash).map_err(Error::internal)?;
                Ok::<_, Error>(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await??;
        Ok(known && fits)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".into()).await.expect("hash");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.expect("verify"));
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.expect("verify"));
        assert!(!passwords.verify("a decoy, never a password".into(), None).await.expect("verify"));
    }
}
