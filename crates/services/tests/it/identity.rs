//! Accounts, sessions and keys: signing up and in, and what a stolen or revoked secret is worth.

use std::time::Duration;

use contracts::identity::{CreateApiKey, SignIn, SignUp};
use domain::{
    Actor, Clock as _, Error, Idempotency,
    access::{Role, Scope},
};
use services::sessions::SavedSession;
use testkit::both_databases;

use crate::stage::Stage;

const PASSWORD: &str = "a herd of violet bicycles";

fn sign_up(email: &str) -> SignUp {
    SignUp { email: email.into(), password: PASSWORD.into(), name: "Grace Hopper".into() }
}

both_databases! {
    async fn who_signs_up_can_sign_in(stage: Stage) {
        let (identity, ctx) = (&stage.services().identity.clone(), stage.ctx.with_actor(Actor::Anonymous, None));
        let account = identity.sign_up(&ctx, sign_up(" Grace@Example.com ")).await.unwrap();
        assert_eq!((account.me.user.email.as_str(), account.me.role, account.membership.role), ("Grace@Example.com", Role::Owner, Role::Owner));
        assert!(matches!(identity.sign_up(&ctx, sign_up("grace@example.com")).await, Err(Error::Conflict { code: "email_taken", .. })));
        let sign_in = async |email: &str, password: &str| identity.sign_in(&ctx, SignIn { email: email.into(), password: password.into() }).await;
        assert_eq!(sign_in("GRACE@example.com", PASSWORD).await.unwrap(), account);
        let wrong = |outcome: Result<_, Error>| assert!(matches!(outcome, Err(Error::Invalid(fields)) if fields[0].code == "wrong_credentials"));
        wrong(sign_in("grace@example.com", "another one entirely").await);
        wrong(sign_in("nobody@example.com", PASSWORD).await);
        wrong(sign_in("ada@example.com", "").await);
        wrong(sign_in("grace@example.com", &"x".repeat(5_000)).await);
        let membership = identity.membership_of(&ctx, account.me.user.id, account.membership.org).await.unwrap();
        assert_eq!(membership, Some(account.membership));
        assert_eq!(identity.membership_of(&ctx, account.me.user.id, stage.fx.ada.org).await.unwrap(), None);
    }

    async fn a_refused_sign_up_leaves_nothing(stage: Stage) {
        let ctx = stage.ctx.with_actor(Actor::Anonymous, None);
        let refused = stage.services().identity.sign_up(&ctx, SignUp { email: "x".into(), password: "short".into(), name: " ".into() }).await;
        assert!(matches!(refused, Err(Error::Invalid(fields)) if fields.len() == 3));
        assert_eq!(stage.fx.database.texts("SELECT email FROM users").await, ["ada@example.com"]);
    }

    async fn a_key_opens_until_it_is_revoked(stage: Stage) {
        let identity = &stage.services().identity.clone();
        let mut ctx = stage.ctx.clone();
        ctx.idempotency = Some(Idempotency { key: "k".into(), fingerprint: "f".into() });
        let input = || CreateApiKey { name: " robot ".into(), scopes: Some(vec![Scope::Chat]) };
        let made = identity.create_key(&ctx, input()).await.unwrap();
        let key = made.key.unwrap();
        let again = identity.create_key(&ctx, input()).await.unwrap();
        assert_eq!((again.id, again.key), (made.id, None), "a secret is told once");
        assert!(stage.fx.database.texts("SELECT key_hash || prefix FROM api_keys").await.iter().all(|stored| !stored.contains(&key)), "and never stored");
        let (actor, membership) = identity.authenticate_key(&stage.ctx, &key).await.unwrap().unwrap();
        assert_eq!(actor, Actor::ApiKey { user: stage.fx.ada.user, key: made.id, scopes: vec![Scope::Chat] });
        assert_eq!(membership.org, stage.fx.ada.org);
        let listed = identity.keys(&stage.ctx).await.unwrap();
        assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].prefix.as_str()), (1, "robot", &key[..10]));
        assert!(listed[0].last_used_at.is_some());
        for wrong in ["", "trp_", "x", &key[..key.len() - 1], &format!("{key}x"), &"trp_x".repeat(100)] {
            assert!(identity.authenticate_key(&stage.ctx, wrong).await.unwrap().is_none(), "{wrong}");
        }
        identity.revoke_key(&stage.ctx, made.id).await.unwrap();
        assert!(identity.authenticate_key(&stage.ctx, &key).await.unwrap().is_none());
        assert!(matches!(identity.revoke_key(&stage.ctx, made.id).await, Err(Error::NotFound(_))));
        for bad in [CreateApiKey { name: " ".into(), scopes: None }, CreateApiKey { name: "k".into(), scopes: Some(vec![]) }] {
            assert!(matches!(identity.create_key(&stage.ctx, bad).await, Err(Error::Invalid(_))));
        }
    }

    async fn a_key_ends_with_its_owners_membership(stage: Stage) {
        let made = stage.services().identity.create_key(&stage.ctx, CreateApiKey { name: "k".into(), scopes: None }).await.unwrap();
        stage.fx.database.execute("DELETE FROM memberships").await;
        assert!(stage.services().identity.authenticate_key(&stage.ctx, &made.key.unwrap()).await.unwrap().is_none());
    }

    async fn a_session_is_kept_by_the_digest_of_its_secret(stage: Stage) {
        let sessions = &stage.services().sessions.clone();
        let expires_at = stage.fx.database.clock().now().plus(Duration::from_hours(1));
        let session = |token: &str| SavedSession {
            token: token.into(),
            id: Some(stage.fx.id()),
            user: Some(stage.fx.ada.user),
            org: Some(stage.fx.ada.org),
            data: "{}".into(),
            expires_at,
            user_agent: Some("x".repeat(1_000)),
            address: None,
        };
        sessions.save(&stage.ctx, session("secret")).await.unwrap();
        assert!(stage.fx.database.texts("SELECT token_hash FROM sessions").await.iter().all(|stored| stored.len() == 64 && stored != "secret"));
        let found = sessions.load(&stage.ctx, "secret").await.unwrap().unwrap();
        assert_eq!((found.user, found.user_agent.map(|agent| agent.len())), (Some(stage.fx.ada.user), Some(300)));
        assert!(sessions.load(&stage.ctx, "guess").await.unwrap().is_none());
        stage.fx.database.advance(Duration::from_hours(2));
        assert!(sessions.load(&stage.ctx, "secret").await.unwrap().is_none(), "it has ended");
        let later = SavedSession { expires_at: expires_at.plus(Duration::from_hours(9)), ..session("other") };
        sessions.save(&stage.ctx, later).await.unwrap();
        sessions.delete(&stage.ctx, "other").await.unwrap();
        assert!(sessions.load(&stage.ctx, "other").await.unwrap().is_none());
    }
}
