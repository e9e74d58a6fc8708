//! What must be true: kept beside the database from what each accepted operation said, and held against it.
//!
//! A lease is live from the claim that gave it until an operation that was seen to take it: whatever else is accepted
//! under it, or refused, is a broken promise.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Timestamp,
    ids::{JobId, RunId, WaitId},
    runs::RunStatus,
};
use storage::runs::Lease;

/// A broken promise, in words.
pub type Checked<T = ()> = Result<T, String>;

/// Fails with a sentence unless something holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}
pub(super) use ensure;

/// What a run does between two checkpoints.
#[derive(Debug, Clone)]
pub struct Plan {
    pub frames: usize,
    pub effect: bool,
    pub wait: Option<&'static str>,
}

/// Where a job stands, as far as was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Queued,
    /// Held under this epoch.
    Held(i64),
    Waiting,
    Ended,
}

#[derive(Debug, Clone)]
pub struct Asked {
    pub id: WaitId,
    pub due_at: Option<Timestamp>,
    pub answered: bool,
}

/// A run, and what it was seen to show and record.
#[derive(Debug, Clone)]
pub struct RunTruth {
    pub id: RunId,
    pub plan: Vec<Plan>,
    pub frames: Vec<(String, String)>,
    pub steps: BTreeMap<String, String>,
    pub status: RunStatus,
    pub cancel: bool,
    pub waits: Vec<Asked>,
}

/// A job, and what was seen of it.
#[derive(Debug, Clone)]
pub struct JobTruth {
    pub id: JobId,
    pub place: Place,
    pub epoch: i64,
    pub run_at: Timestamp,
    pub priority: i64,
    pub key: Option<&'static str>,
    pub unique: Option<&'static str>,
    pub open_parents: BTreeSet<usize>,
    pub ended_well: bool,
    pub claims: usize,
    pub run: Option<RunTruth>,
}

#[derive(Debug, Default)]
pub struct Truth {
    pub jobs: Vec<JobTruth>,
    pub limits: BTreeMap<&'static str, i64>,
    /// Effects that were new, by key.
    pub effects: BTreeSet<String>,
    /// How often what happened: a simulation in which nothing befalls anybody proves nothing.
    pub tally: BTreeMap<&'static str, usize>,
}

impl Truth {
    pub fn index_of(&self, job: JobId) -> Checked<usize> {
        self.jobs.iter().position(|known| known.id == job).ok_or_else(|| format!("{job} was never enqueued"))
    }

    pub fn run(&mut self, index: usize) -> &mut RunTruth {
        self.jobs[index].run.as_mut().unwrap()
    }

    pub fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Whether a lease is live.
    pub fn is_live(&self, lease: Lease) -> Checked<bool> {
        Ok(self.jobs[self.index_of(lease.job)?].place == Place::Held(lease.epoch))
    }

    /// Something was accepted or refused under a lease: it must have been live, or not.
    pub fn judge(&mut self, lease: Lease, accepted: bool, what: &'static str) -> Checked {
        let live = self.is_live(lease)?;
        if !accepted {
            self.count(what);
        }
        ensure!(accepted == live, "{what} under a {} lease was {}", if live { "live" } else { "stale" }, if accepted { "accepted" } else { "refused" });
        Ok(())
    }

    pub fn claimed(&mut self, lease: Lease, now: Timestamp) -> Checked<usize> {
        let index = self.index_of(lease.job)?;
        let job = &mut self.jobs[index];
        ensure!(job.place == Place::Queued, "{} was claimed while it is {:?}", job.id, job.place);
        ensure!(job.open_parents.is_empty(), "{} was claimed before {:?} ended", job.id, job.open_parents);
        ensure!(job.run_at <= now, "{} was claimed before its time", job.id);
        ensure!(lease.epoch > job.epoch, "epoch {} does not grow from {}", lease.epoch, job.epoch);
        ensure!(lease.run == job.run.as_ref().map(|run| run.id), "{} came with another run", job.id);
        (job.place, job.epoch) = (Place::Held(lease.epoch), lease.epoch);
        job.claims += 1;
        if let Some(run) = &mut job.run {
            run.status = RunStatus::Running;
        }
        let Some(key) = job.key else { return Ok(index) };
        let holders = self.jobs.iter().filter(|job| job.key == Some(key) && matches!(job.place, Place::Held(_))).count();
        let limit = self.limits.get(key).copied().unwrap_or(1);
        ensure!(i64::try_from(holders).is_ok_and(|holders| holders <= limit), "{holders} hold {key:?}, and {limit} may");
        Ok(index)
    }

    /// A job goes back to the queue.
    pub fn requeued(&mut self, index: usize, run_at: Option<Timestamp>) {
        let job = &mut self.jobs[index];
        job.place = Place::Queued;
        job.run_at = run_at.unwrap_or(job.run_at);
        if let Some(run) = &mut job.run {
            run.status = RunStatus::Queued;
        }
    }

    /// A job ends, and its run; those behind it hear of it.
    pub fn ended(&mut self, index: usize, status: RunStatus, now: Timestamp) -> Checked {
        let job = &mut self.jobs[index];
        ensure!(job.place != Place::Ended, "{} ended twice", job.id);
        job.place = Place::Ended;
        job.ended_well = status == RunStatus::Succeeded;
        if let Some(run) = &mut job.run {
            ensure!(!run.status.is_ended(), "{} ended twice", run.id);
            run.status = status;
            for wait in &mut run.waits {
                wait.answered = true;
            }
        }
        self.settle(index, status == RunStatus::Succeeded, now);
        Ok(())
    }

    fn settle(&mut self, ended: usize, well: bool, now: Timestamp) {
        for index in 0..self.jobs.len() {
            let job = &mut self.jobs[index];
            if !job.open_parents.remove(&ended) || well || job.place != Place::Queued {
                continue;
            }
            job.open_parents.clear();
            job.run_at = now;
            if let Some(run) = &mut job.run {
                run.cancel = true;
                self.count("a run behind a failure");
            } else {
                job.place = Place::Ended;
                self.settle(index, false, now);
            }
        }
    }
}
