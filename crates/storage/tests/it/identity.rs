//! People, sessions, keys and kept answers.

use std::time::Duration;

use domain::{
    Membership, Timestamp,
    access::{Role, Scope},
};
use storage::{
    StoreError,
    identity::{self, ApiKeyRow, KeptAnswer, SessionRow, UserRow},
};
use testkit::{
    both_databases,
    fixtures::{Fixture, Person},
};

use crate::unit;

fn session(fx: &Fixture, token_hash: &str, expires_at: Timestamp) -> SessionRow {
    SessionRow {
        token_hash: token_hash.into(),
        id: fx.id(),
        user: Some(fx.ada.user),
        org: Some(fx.ada.org),
        data: "{}".into(),
        user_agent: Some("Browser".into()),
        address: Some("127.0.0.1".into()),
        expires_at,
    }
}

fn key(fx: &Fixture, name: &str) -> ApiKeyRow {
    ApiKeyRow {
        id: fx.id(),
        org: fx.ada.org,
        user: fx.ada.user,
        name: name.into(),
        prefix: "trp_abc".into(),
        scopes: vec![Scope::Read, Scope::Chat],
        created_at: Timestamp::from_micros(5),
        last_used_at: None,
    }
}

both_databases! {
    async fn an_address_belongs_to_one_person(fx: Fixture) {
        let id = fx.id();
        unit!(fx.db, tx => identity::insert_user(&mut tx, id, " Bob@Example.com", "Bob", Some("hash")).await).unwrap();
        let taken = unit!(fx.db, tx => identity::insert_user(&mut tx, fx.id(), "bob@example.COM", "Robert", None).await);
        assert!(matches!(taken, Err(StoreError::Duplicate(_))));
        let bob = UserRow { id, email: " Bob@Example.com".into(), name: "Bob".into(), password_hash: Some("hash".into()) };
        assert_eq!(identity::find_user_by_email(&fx.db, "BOB@example.com ").await.unwrap(), Some(bob.clone()));
        assert_eq!(identity::find_user(&fx.db, id).await.unwrap(), Some(bob));
        unit!(fx.db, tx => identity::set_password_hash(&mut tx, id, "other").await).unwrap();
        assert_eq!(identity::find_user(&fx.db, id).await.unwrap().unwrap().password_hash.as_deref(), Some("other"));
        assert_eq!(identity::find_user_by_email(&fx.db, "nobody@example.com").await.unwrap(), None);
        assert_eq!(identity::find_user(&fx.db, fx.id()).await.unwrap(), None);
    }

    async fn people_are_members_of_organizations(fx: Fixture) {
        let (ada, eve) = (fx.ada, fx.person("Eve").await);
        unit!(fx.db, tx => identity::insert_membership(&mut tx, eve.org, ada.user, Role::Viewer).await).unwrap();
        let expected = [Membership { org: ada.org, role: Role::Owner }, Membership { org: eve.org, role: Role::Viewer }];
        assert_eq!(identity::memberships(&fx.db, ada.user).await.unwrap(), expected);
        assert_eq!(identity::organization_name(&fx.db, eve.org).await.unwrap().as_deref(), Some("Eve’s troupe"));
        assert_eq!(identity::organization_name(&fx.db, fx.id()).await.unwrap(), None);
        let twice = unit!(fx.db, tx => identity::insert_membership(&mut tx, eve.org, ada.user, Role::Owner).await);
        assert!(matches!(twice, Err(StoreError::Duplicate(_))));
        let nobody = unit!(fx.db, tx => identity::insert_membership(&mut tx, fx.id(), ada.user, Role::Owner).await);
        assert!(matches!(nobody, Err(StoreError::Database(_))), "an organization must be there");
    }

    async fn a_session_lasts_until_it_ends(fx: Fixture) {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let first = session(&fx, "a", at(100));
        unit!(fx.db, tx => identity::save_session(&mut tx, &first).await).unwrap();
        assert_eq!(identity::find_session(&fx.db, "a", at(99)).await.unwrap(), Some(first.clone()));
        assert_eq!(identity::find_session(&fx.db, "a", at(100)).await.unwrap(), None);
        assert_eq!(identity::find_session(&fx.db, "b", at(1)).await.unwrap(), None);
        // Saved again without saying from where: what was known stays.
        let again = SessionRow { data: "{\"x\":1}".into(), user_agent: None, address: None, expires_at: at(200), ..first.clone() };
        unit!(fx.db, tx => identity::save_session(&mut tx, &again).await).unwrap();
        let expected = SessionRow { user_agent: first.user_agent.clone(), address: first.address.clone(), ..again };
        assert_eq!(identity::find_session(&fx.db, "a", at(150)).await.unwrap(), Some(expected));
        assert!(unit!(fx.db, tx => identity::update_session(&mut tx, &SessionRow { data: "{\"x\":2}".into(), ..first.clone() }).await).unwrap());
        assert_eq!(identity::find_session(&fx.db, "a", at(50)).await.unwrap().map(|s| s.data), Some("{\"x\":2}".to_owned()));
        unit!(fx.db, tx => identity::delete_session(&mut tx, "a").await).unwrap();
        assert_eq!(identity::find_session(&fx.db, "a", at(50)).await.unwrap(), None);
        assert!(!unit!(fx.db, tx => identity::update_session(&mut tx, &first).await).unwrap(), "a session that was ended stays ended");
        assert_eq!(identity::find_session(&fx.db, "a", at(50)).await.unwrap(), None);
        for (token, end) in [("c", 10), ("d", 20), ("e", 30)] {
            let session = session(&fx, token, at(end));
            unit!(fx.db, tx => identity::save_session(&mut tx, &session).await).unwrap();
        }
        assert_eq!(unit!(fx.db, tx => identity::prune_sessions(&mut tx, at(25)).await).unwrap(), 2);
        assert!(identity::find_session(&fx.db, "e", at(1)).await.unwrap().is_some());
    }

    async fn a_key_opens_until_it_is_revoked_or_has_ended(fx: Fixture) {
        let now = Timestamp::from_micros(1_000);
        let (first, second) = (key(&fx, "first"), key(&fx, "second"));
        unit!(fx.db, tx => identity::insert_key(&mut tx, &first, "h1").await).unwrap();
        unit!(fx.db, tx => identity::insert_key(&mut tx, &second, "h2").await).unwrap();
        assert!(matches!(unit!(fx.db, tx => identity::insert_key(&mut tx, &key(&fx, "third"), "h2").await), Err(StoreError::Duplicate(_))));
        assert_eq!(identity::find_key(&fx.db, "h1", now).await.unwrap(), Some(first.clone()));
        assert_eq!(identity::find_key(&fx.db, "h3", now).await.unwrap(), None);
        assert_eq!(identity::keys(&fx.db, fx.ada.org, fx.ada.user).await.unwrap(), [second.clone(), first.clone()]);
        let eve = fx.person("Eve").await;
        for stranger in [eve, Person { org: fx.ada.org, user: eve.user }, Person { org: eve.org, user: fx.ada.user }] {
            assert!(identity::keys(&fx.db, stranger.org, stranger.user).await.unwrap().is_empty());
            assert!(!unit!(fx.db, tx => identity::revoke_key(&mut tx, stranger.org, stranger.user, first.id).await).unwrap());
        }
        assert!(unit!(fx.db, tx => identity::revoke_key(&mut tx, fx.ada.org, fx.ada.user, first.id).await).unwrap());
        assert!(!unit!(fx.db, tx => identity::revoke_key(&mut tx, fx.ada.org, fx.ada.user, first.id).await).unwrap());
        assert_eq!(identity::find_key(&fx.db, "h1", now).await.unwrap(), None);
        fx.database.execute("UPDATE api_keys SET expires_at = 500 WHERE key_hash = 'h2'").await;
        assert_eq!(identity::find_key(&fx.db, "h2", now).await.unwrap(), None);
    }

    async fn the_use_of_a_key_is_noted_once_a_minute(fx: Fixture) {
        let row = key(&fx, "k");
        unit!(fx.db, tx => identity::insert_key(&mut tx, &row, "h").await).unwrap();
        let mut noted = Vec::new();
        for seconds in [0, 30, 45] {
            fx.database.advance(Duration::from_secs(seconds));
            unit!(fx.db, tx => identity::touch_key(&mut tx, row.id).await).unwrap();
            noted.push(identity::find_key(&fx.db, "h", Timestamp::from_micros(1)).await.unwrap().unwrap().last_used_at.unwrap());
        }
        assert_eq!(noted[0], noted[1]);
        assert!(noted[2] > noted[1]);
    }

    async fn an_answer_is_kept_once_by_caller_and_key(fx: Fixture) {
        let kept = KeptAnswer { fingerprint: "f".into(), answer: "{\"id\":1}".into() };
        unit!(fx.db, tx => identity::keep_answer(&mut tx, "user:ada", "k", &kept).await).unwrap();
        let twice = unit!(fx.db, tx => identity::keep_answer(&mut tx, "user:ada", "k", &kept).await);
        assert!(matches!(twice, Err(StoreError::Duplicate(_))));
        unit!(fx.db, tx => identity::keep_answer(&mut tx, "user:eve", "k", &kept).await).unwrap();
        assert_eq!(unit!(fx.db, tx => identity::kept_answer(&mut tx, "user:ada", "k").await).unwrap(), Some(kept));
        assert_eq!(unit!(fx.db, tx => identity::kept_answer(&mut tx, "user:ada", "other").await).unwrap(), None);
        let now = unit!(fx.db, tx => tx.now().await).unwrap();
        assert_eq!(unit!(fx.db, tx => identity::prune_answers(&mut tx, now.minus(Duration::from_hours(1))).await).unwrap(), 0);
        assert_eq!(unit!(fx.db, tx => identity::prune_answers(&mut tx, now.plus(Duration::from_secs(1))).await).unwrap(), 2);
    }
}
