//! Signing in by address and password. The answer and its timing do not tell whether the account exists.

use contracts::identity::SignIn;
use domain::{Ctx, Error, Result, identity::PASSWORD_MAX_BYTES};

use super::{Account, Identity};

impl Identity {
    /// Checks address and password.
    ///
    /// # Errors
    /// `wrong_credentials` at the field `password`, whichever of the two is wrong.
    pub async fn sign_in(&self, _ctx: &Ctx, input: SignIn) -> Result<Account> {
        let wrong = || Error::invalid("password", "wrong_credentials", "Address or password is wrong.");
        let user = storage::identity::find_user_by_email(&self.core.db, &input.email).await?;
        let hash = user.as_ref().and_then(|u| u.password_hash.clone());
        let bounded: String = if input.password.len() > PASSWORD_MAX_BYTES { String::new() } else { input.password };
        let fits = self.passwords.verify(bounded, hash).await?;
        let Some(user) = user.filter(|_| fits) else { return Err(wrong()) };
        let membership = storage::identity::memberships(&self.core.db, user.id).await?.into_iter().next().ok_or_else(wrong)?;
        tracing::info!(user.id = %user.id, "signed in");
        Ok(Account { me: self.view(user.id, membership).await?, membership })
    }
}
