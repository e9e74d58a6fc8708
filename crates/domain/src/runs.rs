//! Runs and jobs: states and every legal transition, in one place.
//!
//! A job is a queue entry and holds the lease; a run is what a person sees. Retry is a new attempt
//! under the same job, and the run keeps its id.

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Waits for a cause: an approval, an input, a timer, a child run.
    Waiting,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because someone stopped it.
    Cancelled,
    /// Ended because its time was up.
    TimedOut,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Well.
    Succeeded,
    /// With an error.
    Failed,
    /// Stopped by someone.
    Cancelled,
    /// Its time was up.
    TimedOut,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunTransition {
    /// A worker claimed it.
    Claim,
    /// Back to the queue: a retry, a lost lease, a drained worker.
    Requeue,
    /// None of its branches can move.
    Park,
    /// A cause was answered.
    Unpark,
    /// It ended.
    End(Ending),
}

/// The transition is not one of the legal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from:?} cannot {transition:?}")]
pub struct IllegalTransition {
    /// Where the run stands.
    pub from: RunStatus,
    /// What was asked.
    pub transition: RunTransition,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [Self::Queued, Self::Running, Self::Waiting, Self::Succeeded, Self::Failed, Self::Cancelled, Self::TimedOut];

    /// The state after a transition.
    ///
    /// # Errors
    /// [`IllegalTransition`]; an ended run never moves again.
    pub const fn after(self, transition: RunTransition) -> Result<Self, IllegalTransition> {
        match (self, transition) {
            (Self::Queued, RunTransition::Claim) => Ok(Self::Running),
            (Self::Running, RunTransition::Requeue) | (Self::Waiting, RunTransition::Unpark) => Ok(Self::Queued),
            (Self::Running, RunTransition::Park) => Ok(Self::Waiting),
            // A queued run may be stopped before any worker saw it, and may fail there (too many claims without progress).
            (Self::Queued | Self::Running | Self::Waiting, RunTransition::End(ending)) => Ok(match ending {
                Ending::Succeeded if matches!(self, Self::Queued | Self::Waiting) => return Err(IllegalTransition { from: self, transition }),
                Ending::Succeeded => Self::Succeeded,
                Ending::Failed => Self::Failed,
                Ending::Cancelled => Self::Cancelled,
                Ending::TimedOut => Self::TimedOut,
            }),
            _ => Err(IllegalTransition { from: self, transition }),
        }
    }

    /// Whether nothing will happen to it any more.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl Ending {
    /// The status of a run that ended so.
    pub const fn status(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed => RunStatus::Failed,
            Self::Cancelled => RunStatus::Cancelled,
            Self::TimedOut => RunStatus::TimedOut,
        }
    }
}

/// What a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// An agent answers in a conversation.
    ChatTurn,
}

impl RunKind {
    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatTurn => "chat_turn",
        }
    }
}

/// Claims of a job in a row without progress after which its run fails.
pub const MAX_STALLED_CLAIMS: i64 = 3;

/// Why a job is not running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum NotRunning {
    /// Other jobs must end first.
    Dependency {
        /// How many are open.
        open: i64,
    },
    /// A person must approve.
    Approval,
    /// A person must answer.
    Input,
    /// The budget is spent.
    Budget,
    /// As many jobs as allowed hold its concurrency key.
    Concurrency {
        /// The key.
        key: String,
    },
    /// Its time has not come.
    Time {
        /// When it may start.
        until: crate::Timestamp,
    },
    /// A child run has not ended.
    ChildRun,
    /// No worker here can do it.
    Capability {
        /// What a worker would have to offer.
        needs: String,
    },
    /// It is next when a worker is free.
    Worker,
    /// It has ended.
    Ended,
    /// It is running.
    Running,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_runs_never_move() {
        let transitions = [RunTransition::Claim, RunTransition::Requeue, RunTransition::Park, RunTransition::Unpark, RunTransition::End(Ending::Failed)];
        for status in RunStatus::ALL {
            for transition in transitions {
                let after = status.after(transition);
                assert!(!status.is_ended() || after.is_err(), "{status:?} {transition:?}");
                assert_ne!(after, Ok(status), "{status:?} {transition:?}: a transition moves");
            }
            assert_eq!(RunStatus::parse(status.as_str()), Some(status));
        }
    }

    #[test]
    fn only_a_running_run_succeeds() {
        for status in RunStatus::ALL {
            assert_eq!(status.after(RunTransition::End(Ending::Succeeded)).is_ok(), status == RunStatus::Running);
        }
    }
}
