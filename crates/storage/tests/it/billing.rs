//! Use in sums: of a run, and of an organization since an instant.

use std::time::Duration;

use domain::billing::{MicroUsd, TokenUsage};
use storage::{
    billing::{record, run_usage, spent_since},
    runs::UsageRow,
};
use testkit::{both_databases, fixtures::Fixture};

use crate::unit;

both_databases! {
    async fn use_adds_up(fx: Fixture) {
        let (first, second) = (fx.run().await, fx.run().await);
        assert_eq!(run_usage(&fx.db, first.run).await.unwrap(), (TokenUsage::default(), MicroUsd(0)));
        let begin = unit!(fx.db, tx => tx.now().await).unwrap();
        let used = |step_key: &str, cost_micros| UsageRow {
            id: fx.id(),
            org: fx.ada.org,
            user: fx.ada.user,
            step_key: step_key.into(),
            model: "m".into(),
            usage: TokenUsage { input: 100, cached: 40, output: 30, reasoning: 20 },
            cost_micros,
            simulated: false,
        };
        unit!(fx.db, tx => record(&mut tx, first.run, &used("model:0", 3_000_000_000)).await).unwrap();
        unit!(fx.db, tx => record(&mut tx, first.run, &used("title", 5)).await).unwrap();
        unit!(fx.db, tx => record(&mut tx, first.run, &used("title", 5)).await).unwrap();
        fx.database.advance(Duration::from_hours(1));
        unit!(fx.db, tx => record(&mut tx, second.run, &used("title", 11)).await).unwrap();
        let sum = TokenUsage { input: 200, cached: 80, output: 60, reasoning: 40 };
        assert_eq!(run_usage(&fx.db, first.run).await.unwrap(), (sum, MicroUsd(3_000_000_005)));
        assert_eq!(spent_since(&fx.db, fx.ada.org, begin).await.unwrap(), MicroUsd(3_000_000_016));
        assert_eq!(spent_since(&fx.db, fx.ada.org, begin.plus(Duration::from_mins(30))).await.unwrap(), MicroUsd(11));
        assert_eq!(spent_since(&fx.db, fx.person("Eve").await.org, begin).await.unwrap(), MicroUsd(0));
    }
}
