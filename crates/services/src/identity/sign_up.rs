//! Signing up: a person, their organization, and its ownership, all or nothing.

use contracts::identity::SignUp;
use domain::{
    Ctx, Error, Membership, Result,
    access::Role,
    error::FieldError,
    identity::{check_email, check_name, check_password},
    ids::{OrgId, UserId},
};
use storage::StoreError;

use super::{Account, Identity};

impl Identity {
    /// Makes a person, an organization and its owner.
    ///
    /// # Errors
    /// Every refused field at once; the conflict `email_taken` when the address has an account.
    pub async fn sign_up(&self, ctx: &Ctx, input: SignUp) -> Result<Account> {
        let refused = refused(&input);
        if !refused.is_empty() {
            return Err(Error::Invalid(refused));
        }
        let (email, name) = (input.email.trim().to_owned(), input.name.trim().to_owned());
        let hash = self.passwords.hash(input.password).await?;
        let (user, org): (UserId, OrgId) = (ctx.new_id(), ctx.new_id());
        let mut tx = self.core.db.begin().await?;
        match storage::identity::insert_user(&mut tx, user, &email, &name, Some(&hash)).await {
            Err(StoreError::Duplicate(_)) => return Err(Error::conflict("email_taken", "There is an account with this address. Sign in instead.")),
            done => done?,
        }
        storage::identity::insert_organization(&mut tx, org, &organization_of(&name)).await?;
        storage::identity::insert_membership(&mut tx, org, user, Role::Owner).await?;
        tx.commit().await?;
        tracing::info!(user.id = %user, org.id = %org, "signed up");
        let membership = Membership { org, role: Role::Owner };
        Ok(Account { me: self.view(user, membership).await?, membership })
    }
}

fn organization_of(name: &str) -> String {
    let first = name.split_whitespace().next().unwrap_or(name);
    let ending = if first.ends_with(['s', 'S', 'x', 'z']) { "’" } else { "’s" };
    let room = domain::identity::NAME_MAX - " troupe".len() - ending.len();
    format!("{}{ending} troupe", first.chars().take(room).collect::<String>())
}

fn refused(input: &SignUp) -> Vec<FieldError> {
    let mut refused: Vec<_> = [check_name(&input.name), check_email(&input.email), check_password(&input.password)].into_iter().flatten().collect();
    if !refused.iter().any(|f| f.field == "password") {
        refused.extend(check_strength(input));
    }
    refused
}

/// Refuses what a guesser tries first. The judge looks at 100 characters at most: its work grows with the square.
fn check_strength(input: &SignUp) -> Option<FieldError> {
    let start: String = input.password.chars().take(100).collect();
    let weak = zxcvbn::zxcvbn(&start, &[input.email.trim(), input.name.trim(), "troupe"]).score() < zxcvbn::Score::Three;
    weak.then(|| FieldError { field: "password", code: "too_common", message: "Long enough, but easy to guess. Add a word of your own.".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_and_sentences_are_not() {
        let with = |password: &str| SignUp { email: "ada@example.com".into(), password: password.into(), name: "Ada".into() };
        assert_eq!(refused(&with("password1234")).first().map(|f| f.code), Some("too_common"));
        assert_eq!(refused(&with("short")).first().map(|f| f.code), Some("too_short"));
        assert!(refused(&with("a herd of violet bicycles")).is_empty());
        assert_eq!(refused(&SignUp::default()).len(), 3);
    }

    #[test]
    fn organizations_get_a_name() {
        assert_eq!(organization_of("Ada Lovelace"), "Ada’s troupe");
        assert_eq!(organization_of("James"), "James’ troupe");
        assert!(organization_of(&"x".repeat(200)).chars().count() <= domain::identity::NAME_MAX);
    }
}
