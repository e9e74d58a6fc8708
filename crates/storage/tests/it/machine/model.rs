//! The queue as a table in memory: what every move must come to, in as few words as possible.
//!
//! It knows nothing of SQL, locks or rows. Where it and the database disagree, one of them is wrong.

use std::collections::{BTreeMap, BTreeSet};

use domain::runs::{Ending, MAX_STALLED_CLAIMS, RunStatus};

/// How long a lease holds, in microseconds.
pub const LEASE: i64 = 10_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Queued,
    Running,
    Waiting,
    Ended,
}

/// A job and, when it has one, its run.
#[derive(Debug, Clone)]
pub struct Job {
    pub kind: u8,
    pub priority: i64,
    pub run_at: i64,
    pub key: Option<u8>,
    pub unique: Option<u8>,
    pub open_parents: BTreeSet<usize>,
    pub status: Status,
    pub ended_well: bool,
    pub epoch: i64,
    pub lease_until: i64,
    pub attempt: i64,
    pub stalled: i64,
    pub progress: i64,
    pub claim_progress: i64,
    pub run: Option<Run>,
}

#[derive(Debug, Clone)]
pub struct Run {
    pub status: RunStatus,
    pub frames: i64,
    pub cancel: bool,
    /// Whether each of its waits is still open.
    pub waits: Vec<bool>,
}

/// A lease that some claim gave, held or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    pub job: usize,
    pub epoch: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Well,
    Badly,
}

/// What a job is enqueued with. Indexes point into lists that are there when it happens.
#[derive(Debug, Clone)]
pub struct Wish {
    pub kind: u8,
    pub priority: i64,
    pub delay: i64,
    pub key: Option<u8>,
    pub unique: Option<u8>,
    pub parents: Vec<usize>,
    pub run: bool,
}

#[derive(Debug, Clone)]
pub enum Move {
    Enqueue(Wish),
    Limit { key: u8, most: i64 },
    Claim { kinds: u8, most: i64 },
    Heartbeat { lease: usize },
    Write { lease: usize, frames: i64 },
    Finish { lease: usize, how: End },
    Retry { lease: usize, delay: i64 },
    Release { lease: usize },
    Park { lease: usize },
    Answer { job: usize, wait: usize },
    Cancel { job: usize },
    Reap { most: i64 },
    RequeueAll,
    Advance { by: i64 },
}

/// What the last move came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Came {
    #[default]
    Nothing,
    /// A job was added: its index and the parents that it was put behind.
    Added {
        job: usize,
        parents: Vec<usize>,
    },
    Refused {
        parents: Vec<usize>,
    },
    Claimed(BTreeSet<usize>),
    /// Whether the lease held.
    Held(bool),
    /// Whether an answer was the first.
    First(bool),
    Stopped {
        idle: bool,
        ended: bool,
    },
    TakenBack {
        requeued: BTreeSet<usize>,
        expired: BTreeSet<usize>,
    },
}

#[derive(Debug, Clone, Default)]
pub struct Queue {
    pub now: i64,
    pub jobs: Vec<Job>,
    pub leases: Vec<Given>,
    pub limits: BTreeMap<u8, i64>,
    pub came: Came,
}

impl Queue {
    pub fn holders(&self, key: u8) -> i64 {
        let held = self.jobs.iter().filter(|job| job.key == Some(key) && job.status == Status::Running).count();
        i64::try_from(held).unwrap()
    }

    pub fn limit(&self, key: u8) -> i64 {
        self.limits.get(&key).copied().unwrap_or(1)
    }

    fn is_full(&self, key: u8) -> bool {
        self.holders(key) >= self.limit(key)
    }

    pub fn lease(&self, index: usize) -> Option<Given> {
        (!self.leases.is_empty()).then(|| self.leases[index % self.leases.len()])
    }

    fn holds(&self, lease: Given) -> bool {
        let job = &self.jobs[lease.job];
        job.status == Status::Running && job.epoch == lease.epoch
    }

    pub fn make(&mut self, step: &Move) {
        self.came = match step {
            Move::Enqueue(wish) => self.enqueue(wish),
            Move::Limit { key, most } => {
                self.limits.insert(*key, *most);
                Came::Nothing
            }
            Move::Claim { kinds, most } => self.claim(*kinds, *most),
            Move::Advance { by } => {
                self.now += by;
                Came::Nothing
            }
            Move::Reap { most } => {
                let mut lapsed: Vec<usize> =
                    (0..self.jobs.len()).filter(|job| self.jobs[*job].status == Status::Running && self.jobs[*job].lease_until < self.now).collect();
                lapsed.sort_by_key(|job| self.jobs[*job].lease_until);
                lapsed.truncate(usize::try_from(*most).unwrap());
                self.take_back(lapsed)
            }
            Move::RequeueAll => self.take_back((0..self.jobs.len()).filter(|job| self.jobs[*job].status == Status::Running).collect()),
            Move::Answer { job, wait } => self.answer(*job, *wait),
            Move::Cancel { job } => self.cancel(*job),
            Move::Heartbeat { lease }
            | Move::Write { lease, .. }
            | Move::Finish { lease, .. }
            | Move::Retry { lease, .. }
            | Move::Release { lease }
            | Move::Park { lease } => match self.lease(*lease) {
                Some(lease) if self.holds(lease) => {
                    self.under(lease, step);
                    Came::Held(true)
                }
                Some(_) => Came::Held(false),
                None => Came::Nothing,
            },
        };
    }

    fn enqueue(&mut self, wish: &Wish) -> Came {
        let mut parents: Vec<usize> = if self.jobs.is_empty() { vec![] } else { wish.parents.iter().map(|parent| parent % self.jobs.len()).collect() };
        // Nothing is put behind a failure.
        parents.retain(|parent| self.jobs[*parent].status != Status::Ended || self.jobs[*parent].ended_well);
        parents.sort_unstable();
        parents.dedup();
        if wish.unique.is_some() && self.jobs.iter().any(|job| job.unique == wish.unique && job.status != Status::Ended) {
            return Came::Refused { parents };
        }
        let open_parents = parents.iter().copied().filter(|parent| self.jobs[*parent].status != Status::Ended).collect();
        self.jobs.push(Job {
            kind: wish.kind,
            priority: wish.priority,
            run_at: self.now + wish.delay,
            key: wish.key,
            unique: wish.unique,
            open_parents,
            status: Status::Queued,
            ended_well: false,
            epoch: 0,
            lease_until: 0,
            attempt: 1,
            stalled: 0,
            progress: 0,
            claim_progress: 0,
            run: wish.run.then(|| Run { status: RunStatus::Queued, frames: 0, cancel: false, waits: vec![] }),
        });
        Came::Added { job: self.jobs.len() - 1, parents }
    }

    fn claim(&mut self, kinds: u8, most: i64) -> Came {
        let ready = |job: &Job| job.status == Status::Queued && job.open_parents.is_empty() && job.run_at <= self.now && kinds & (1 << job.kind) != 0;
        let mut ready: Vec<usize> =
            (0..self.jobs.len()).filter(|job| ready(&self.jobs[*job]) && self.jobs[*job].key.is_none_or(|key| !self.is_full(key))).collect();
        ready.sort_by_key(|job| (-self.jobs[*job].priority, self.jobs[*job].run_at));
        ready.truncate(usize::try_from(most).unwrap());
        let mut claimed = BTreeSet::new();
        for index in ready {
            if self.jobs[index].key.is_some_and(|key| self.is_full(key)) {
                continue;
            }
            let until = self.now + LEASE;
            let job = &mut self.jobs[index];
            job.status = Status::Running;
            job.epoch += 1;
            job.lease_until = until;
            job.claim_progress = job.progress;
            if let Some(run) = &mut job.run {
                run.status = RunStatus::Running;
            }
            let epoch = job.epoch;
            self.leases.push(Given { job: index, epoch });
            claimed.insert(index);
        }
        Came::Claimed(claimed)
    }

    /// A move under a lease that holds.
    fn under(&mut self, lease: Given, step: &Move) {
        let now = self.now;
        let job = &mut self.jobs[lease.job];
        match step {
            Move::Heartbeat { .. } => job.lease_until = now + LEASE,
            Move::Write { frames, .. } => {
                if let Some(run) = &mut job.run {
                    run.frames += frames;
                    job.progress += i64::from(*frames > 0);
                }
            }
            Move::Finish { how, .. } => self.end(lease.job, if *how == End::Well { Ending::Succeeded } else { Ending::Failed }),
            Move::Retry { delay, .. } => {
                let stopped = job.run.as_ref().is_some_and(|run| run.cancel);
                job.run_at = if stopped { now } else { now + delay };
                job.attempt += 1;
                job.stalled = 0;
                job.requeue();
            }
            Move::Release { .. } => {
                if job.progress > job.claim_progress {
                    job.stalled = 0;
                }
                job.requeue();
            }
            Move::Park { .. } => {
                job.stalled = 0;
                job.requeue();
                if let Some(run) = &mut job.run {
                    run.frames += 1;
                    run.waits.push(true);
                    if !run.cancel {
                        run.status = RunStatus::Waiting;
                        job.status = Status::Waiting;
                    }
                }
            }
            _ => unreachable!("not under a lease"),
        }
    }

    fn take_back(&mut self, lapsed: Vec<usize>) -> Came {
        let (mut requeued, mut expired) = (BTreeSet::new(), BTreeSet::new());
        for index in lapsed {
            let job = &mut self.jobs[index];
            let stalled = if job.progress > job.claim_progress { 0 } else { job.stalled + 1 };
            if stalled >= MAX_STALLED_CLAIMS {
                job.epoch += 1;
                expired.insert(index);
                self.end(index, Ending::Failed);
            } else {
                job.stalled = stalled;
                job.requeue();
                requeued.insert(index);
            }
        }
        Came::TakenBack { requeued, expired }
    }

    fn end(&mut self, index: usize, ending: Ending) {
        let job = &mut self.jobs[index];
        job.status = Status::Ended;
        job.ended_well = ending == Ending::Succeeded;
        job.epoch += 1;
        if let Some(run) = &mut job.run {
            run.status = ending.status();
            run.frames += 1;
            run.waits.fill(false);
        }
        self.settle(index, ending == Ending::Succeeded);
    }

    fn settle(&mut self, ended: usize, well: bool) {
        for index in 0..self.jobs.len() {
            if !self.jobs[index].open_parents.remove(&ended) || well {
                continue;
            }
            let now = self.now;
            let job = &mut self.jobs[index];
            job.open_parents.clear();
            if job.status != Status::Queued {
                continue;
            }
            job.run_at = now;
            if let Some(run) = &mut job.run {
                run.cancel = true;
            } else {
                job.status = Status::Ended;
                self.settle(index, false);
            }
        }
    }

    fn answer(&mut self, job: usize, wait: usize) -> Came {
        let now = self.now;
        let Some(job) = self.job(job) else { return Came::Nothing };
        let job = &mut self.jobs[job];
        let Some(run) = &mut job.run else { return Came::Nothing };
        let count = run.waits.len();
        if count == 0 {
            return Came::Nothing;
        }
        if !std::mem::replace(&mut run.waits[wait % count], false) {
            return Came::First(false);
        }
        if job.status == Status::Waiting {
            job.status = Status::Queued;
            job.run_at = now;
            run.status = RunStatus::Queued;
        }
        Came::First(true)
    }

    fn cancel(&mut self, job: usize) -> Came {
        let Some(index) = self.job(job) else { return Came::Nothing };
        let job = &mut self.jobs[index];
        let Some(run) = &mut job.run else { return Came::Nothing };
        let before = run.status;
        if before.is_ended() {
            return Came::Stopped { idle: false, ended: true };
        }
        run.cancel = true;
        if before == RunStatus::Running {
            return Came::Stopped { idle: false, ended: false };
        }
        job.open_parents.clear();
        self.end(index, Ending::Cancelled);
        Came::Stopped { idle: true, ended: true }
    }

    /// The job that an index of a move means.
    pub fn job(&self, index: usize) -> Option<usize> {
        (!self.jobs.is_empty()).then(|| index % self.jobs.len())
    }
}

impl Job {
    /// Back to the queue, from whoever held it.
    fn requeue(&mut self) {
        self.status = Status::Queued;
        self.epoch += 1;
        if let Some(run) = &mut self.run {
            run.status = RunStatus::Queued;
        }
    }
}
