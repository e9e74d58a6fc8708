//! Jobs by the clock: fires schedules that are due. Each instant fires once, whoever looks first.

use std::sync::Arc;

use croner::Cron;
use domain::{Error, Result, Timestamp, ids::JobId};
use storage::{
    runs::{NewJob, Schedule},
    wake::Topic,
};

use crate::Core;

/// What is done by the clock: name, cron expression (UTC), kind of job.
const SCHEDULES: &[(&str, &str, &str)] = &[("housekeep", "*/5 * * * *", super::HOUSEKEEP)];

/// The first instant after `after` that a cron expression names, in UTC.
fn next(expression: &str, after: Timestamp) -> Result<Timestamp> {
    let cron: Cron = expression.parse().map_err(Error::internal)?;
    let from = chrono_instant(after)?;
    let next = cron.find_next_occurrence(&from, false).map_err(Error::internal)?;
    Ok(Timestamp::from_micros(next.timestamp_micros()))
}

fn chrono_instant(at: Timestamp) -> Result<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp_micros(at.micros()).ok_or_else(|| Error::internal("an instant out of range"))
}

/// Makes sure that every schedule of this version is there.
pub(super) async fn install(core: &Core) -> Result<()> {
    let mut tx = core.db.begin().await?;
    let now = tx.now().await?;
    for (name, expression, kind) in SCHEDULES {
        let schedule =
            Schedule { name: (*name).to_owned(), expression: (*expression).to_owned(), job_kind: (*kind).to_owned(), next_at: next(expression, now)? };
        storage::runs::upsert_schedule(&mut tx, &schedule).await?;
    }
    Ok(tx.commit().await?)
}

/// Fires what is due, and rings timers that runs wait for.
pub(super) async fn tick(core: &Arc<Core>) -> Result<()> {
    let mut tx = core.db.begin().await?;
    let now = tx.now().await?;
    let mut enqueued = false;
    for schedule in storage::runs::due(&mut tx).await? {
        // Instants that passed while nobody ran are made up for once.
        if !storage::runs::advance(&mut tx, &schedule, next(&schedule.expression, now)?).await? {
            continue;
        }
        let Some(kind) = super::KINDS.iter().find(|kind| **kind == schedule.job_kind) else { continue };
        let job = NewJob { unique_key: Some(format!("cron:{}", schedule.name)), ..NewJob::new(JobId::from(core.ids.fresh(core.clock.now())), kind, "{}") };
        enqueued |= storage::runs::enqueue(&mut tx, &job).await?;
    }
    for timer in storage::runs::due_timers(&mut tx, 100).await? {
        enqueued |= storage::runs::answer(&mut tx, timer, "{}").await?;
    }
    tx.commit().await?;
    if enqueued {
        core.db.wake().tell(Topic::Jobs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn cron_names_the_next_instant() {
        let at = |text: &str| text.parse::<Timestamp>().expect("instant");
        assert_eq!(next("*/5 * * * *", at("2026-11-20T05:32:30Z")).expect("next"), at("2026-11-20T05:35:00Z"));
        assert_eq!(next("*/5 * * * *", at("2026-11-20T05:35:00Z")).expect("next"), at("2026-11-20T05:40:00Z"));
    }
}
