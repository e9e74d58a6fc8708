//! People and organizations: signing up and in, who one is, keys for programs.

mod keys;
mod sign_in;
mod sign_up;

use std::sync::Arc;

use contracts::identity::{MeView, OrganizationView, UserView};
use domain::{
    Ctx, Error, Membership, Result,
    ids::{OrgId, UserId},
};

use crate::{Core, password::Passwords};

/// Who signed in, and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Person, organization and role, as shown.
    pub me: MeView,
    /// The membership that counts.
    pub membership: Membership,
}

/// People, organizations and keys.
#[derive(Clone)]
pub struct Identity {
    core: Arc<Core>,
    passwords: Passwords,
}

impl Identity {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, passwords: Passwords::new() }
    }

    /// Who the caller is.
    pub async fn me(&self, ctx: &Ctx) -> Result<MeView> {
        let membership = ctx.membership.ok_or(Error::Unauthenticated)?;
        self.view(ctx.user()?, membership).await
    }

    /// A person's membership in an organization, as it is now.
    pub async fn membership_of(&self, _ctx: &Ctx, user: UserId, org: OrgId) -> Result<Option<Membership>> {
        Ok(storage::identity::memberships(&self.core.db, user).await?.into_iter().find(|m| m.org == org))
    }

    async fn view(&self, user: UserId, membership: Membership) -> Result<MeView> {
        let user = storage::identity::find_user(&self.core.db, user).await?.ok_or(Error::Unauthenticated)?;
        let name = storage::identity::organization_name(&self.core.db, membership.org).await?.ok_or(Error::Unauthenticated)?;
        Ok(MeView {
            user: UserView { id: user.id, email: user.email, name: user.name },
            organization: OrganizationView { id: membership.org, name },
            role: membership.role,
        })
    }
}
