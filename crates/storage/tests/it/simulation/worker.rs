//! A worker of the simulation: claims, shows, checkpoints, parks, ends; and stalls, dies and comes back late.
//!
//! It does what a real one does, one operation at a time, and knows only what a real one knows: what it was told.

use std::time::Duration;

use contracts::{
    StreamEvent,
    stream::{InputRequested, RunResumed, ToolOutput},
};
use domain::{
    Timestamp,
    runs::{Ending, RunStatus},
};
use storage::{
    StoreError,
    claim::{ClaimRequest, claim},
    events::{self, Stream},
    runs::{self, Finished, Lease, NewEffect, NewWait, RunWrite, StepRow},
};

use super::{
    truth::{Asked, Checked, Place, ensure},
    world::{World, said, the_end},
};

/// How long a lease holds.
pub const LEASE: Duration = Duration::from_secs(10);

/// What is wrong with a worker on purpose, so that the simulation proves that it would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Shows frames without asking whether the lease holds.
    Unfenced,
    /// Writes under the newest epoch instead of its own.
    Forged,
    /// Does not look at what is recorded before it goes on.
    Forgetful,
}

/// A job in hand, as its worker knows it.
#[derive(Debug, Clone)]
struct Held {
    lease: Lease,
    index: usize,
    /// What is read after the claim: the next step; `None` until then.
    at: Option<At>,
    cancel: bool,
}

#[derive(Debug, Clone, Copy)]
struct At {
    step: usize,
    shown: usize,
    effect: bool,
    waited: bool,
}

/// What came of an operation under a lease.
enum Came {
    /// The job is still in hand.
    On,
    /// It is not any more: ended, handed back, parked or lost.
    Gone,
}

pub struct Worker {
    name: String,
    slots: usize,
    held: Vec<Held>,
    asleep_until: Timestamp,
    fault: Option<Fault>,
}

impl Worker {
    pub fn new(name: usize, fault: Option<Fault>) -> Self {
        Self { name: format!("worker {name}"), slots: 3, held: Vec::new(), asleep_until: Timestamp::default(), fault }
    }

    /// Dies, and starts again knowing nothing.
    pub fn die(&mut self) {
        self.held.clear();
        self.asleep_until = Timestamp::default();
    }

    /// One move, chosen by the dice.
    pub async fn step(&mut self, world: &mut World) -> Checked {
        if world.now() < self.asleep_until {
            return Ok(());
        }
        // One that breaks the rules has more chances to.
        if self.fault.is_some() && !self.held.is_empty() && world.dice.percent(10) {
            self.asleep_until = world.now().plus(2 * LEASE);
            return Ok(());
        }
        match world.dice.below(100) {
            0..20 => self.claim(world).await,
            20..30 => self.heartbeat(world).await,
            30..35 => {
                let asleep = Duration::from_secs(4) + world.seconds(20);
                world.note(|| format!("{} stalls for {asleep:?}", self.name));
                self.asleep_until = world.now().plus(asleep);
                Ok(())
            }
            35..37 => {
                world.note(|| format!("{} dies", self.name));
                self.die();
                Ok(())
            }
            37..39 => self.drain(world).await,
            roll => self.work(world, roll < 45).await,
        }
    }

    /// Takes what it can and works it off: nothing befalls it, and no time passes.
    pub async fn work_off(&mut self, world: &mut World) -> Checked {
        self.asleep_until = Timestamp::default();
        self.claim(world).await?;
        while !self.held.is_empty() {
            self.work(world, false).await?;
        }
        Ok(())
    }

    async fn claim(&mut self, world: &mut World) -> Checked {
        if self.held.len() >= self.slots {
            return Ok(());
        }
        let most = 1 + world.dice.below(self.slots - self.held.len());
        let request = ClaimRequest { worker: self.name.clone(), kinds: vec!["work"], limit: i64::try_from(most).unwrap(), lease: LEASE };
        let claimed = claim(&world.db, &request).await.map_err(said)?;
        ensure!(claimed.len() <= most, "a claim gave more than asked for");
        for claimed in claimed {
            let index = world.truth.claimed(claimed.lease, world.now())?;
            world.note(|| format!("{index}: claimed by {} with epoch {}", self.name, claimed.lease.epoch));
            self.held.push(Held { lease: claimed.lease, index, at: None, cancel: false });
        }
        Ok(())
    }

    async fn heartbeat(&mut self, world: &mut World) -> Checked {
        let leases: Vec<Lease> = self.held.iter().map(|held| held.lease).collect();
        let beats = runs::heartbeat(&world.db, &leases, LEASE).await.map_err(said)?;
        for held in &mut self.held {
            let beat = beats.iter().find(|beat| (beat.job, beat.epoch) == (held.lease.job, held.lease.epoch));
            world.truth.judge(held.lease, beat.is_some(), "a heartbeat")?;
            let wanted = world.truth.jobs[held.index].run.as_ref().is_some_and(|run| run.cancel);
            ensure!(beat.is_none_or(|beat| beat.cancel == wanted), "a heartbeat told otherwise whether to stop");
            held.cancel |= beat.is_some_and(|beat| beat.cancel);
        }
        // One that has heard of a loss may still have a write on its way.
        if world.dice.percent(25) {
            self.held.retain(|held| beats.iter().any(|beat| (beat.job, beat.epoch) == (held.lease.job, held.lease.epoch)));
        }
        Ok(())
    }

    /// Hands everything back.
    async fn drain(&mut self, world: &mut World) -> Checked {
        for held in std::mem::take(&mut self.held) {
            let mut tx = world.db.begin().await.map_err(said)?;
            let released = runs::release(&mut tx, held.lease).await;
            self.settle(world, &held, released, "a hand-back")?;
            if world.truth.is_live(held.lease)? {
                tx.commit().await.map_err(said)?;
                world.truth.requeued(held.index, None);
                world.note(|| format!("{}: handed back", held.index));
                world.truth.count("handed back");
                world.check_run(held.index).await?;
            }
        }
        Ok(())
    }

    /// One operation for one of the jobs in hand.
    async fn work(&mut self, world: &mut World, fails: bool) -> Checked {
        if self.held.is_empty() {
            return Ok(());
        }
        let slot = world.dice.below(self.held.len());
        let mut held = self.held[slot].clone();
        let came = match (held.lease.run, fails) {
            (_, true) => self.fail(world, &held).await?,
            (None, _) => self.finish_job(world, &held).await?,
            (Some(_), _) => self.go_on(world, &mut held).await?,
        };
        match came {
            Came::On => self.held[slot] = held.clone(),
            Came::Gone => {
                self.held.remove(slot);
            }
        }
        if world.dice.percent(25) { world.check_run(held.index).await } else { Ok(()) }
    }

    /// Whether something under a lease was accepted, and rightly so.
    fn settle<T>(&self, world: &mut World, held: &Held, outcome: Result<T, StoreError>, what: &'static str) -> Checked<Option<T>> {
        let accepted = match outcome {
            Ok(done) => Some(done),
            Err(error) if World::is_lease_lost(&error) => None,
            Err(error) => return Err(format!("{what} of {}: {error}", self.name)),
        };
        world.truth.judge(held.lease, accepted.is_some(), what)?;
        Ok(accepted)
    }

    async fn fail(&mut self, world: &mut World, held: &Held) -> Checked<Came> {
        let mut tx = world.db.begin().await.map_err(said)?;
        let now = world.now();
        if world.dice.percent(80) {
            let at = now.plus(world.seconds(15));
            let retried = runs::retry(&mut tx, held.lease, at, "x").await;
            if self.settle(world, held, retried, "a retry")?.is_some() {
                tx.commit().await.map_err(said)?;
                let wanted = world.truth.jobs[held.index].run.as_ref().is_some_and(|run| run.cancel);
                world.truth.requeued(held.index, Some(if wanted { now } else { at }));
                world.note(|| format!("{}: failed, again later", held.index));
                world.truth.count("again later");
            }
            return Ok(Came::Gone);
        }
        drop(tx);
        if held.lease.run.is_some() { self.end(world, held, Ending::Failed).await } else { self.end_job(world, held, Finished::Failed).await }
    }

    async fn finish_job(&mut self, world: &mut World, held: &Held) -> Checked<Came> {
        self.end_job(world, held, Finished::Done).await
    }

    async fn end_job(&mut self, world: &mut World, held: &Held, how: Finished) -> Checked<Came> {
        let mut tx = world.db.begin().await.map_err(said)?;
        let ended = runs::finish_many(&mut tx, &[held.lease], how).await.map_err(said)?;
        world.truth.judge(held.lease, !ended.is_empty(), "an end")?;
        if !ended.is_empty() && !world.dice.percent(5) {
            tx.commit().await.map_err(said)?;
            world.note(|| format!("{}: {how:?}", held.index));
            let now = world.now();
            world.truth.ended(held.index, if how == Finished::Done { RunStatus::Succeeded } else { RunStatus::Failed }, now)?;
        }
        Ok(Came::Gone)
    }

    async fn end(&mut self, world: &mut World, held: &Held, ending: Ending) -> Checked<Came> {
        let mut tx = world.db.begin().await.map_err(said)?;
        let ended = runs::end(&mut tx, held.lease, the_end(ending)).await;
        let Some(told) = self.settle(world, held, ended, "an end")? else { return Ok(Came::Gone) };
        if world.dice.percent(5) {
            // Died before the commit: the lease runs out.
            world.truth.count("a unit of work that was not committed");
            return Ok(Came::Gone);
        }
        tx.commit().await.map_err(said)?;
        world.note(|| format!("{}: {ending:?}", held.index));
        world.told(held.index, &told)?;
        let now = world.now();
        world.truth.ended(held.index, ending.status(), now)?;
        Ok(Came::Gone)
    }

    /// The next operation of a run.
    async fn go_on(&mut self, world: &mut World, held: &mut Held) -> Checked<Came> {
        let Some(at) = held.at else { return self.read(world, held).await };
        if held.cancel {
            return self.end(world, held, Ending::Cancelled).await;
        }
        let plan = world.truth.run(held.index).plan.clone();
        let Some(now) = plan.get(at.step) else { return self.end(world, held, Ending::Succeeded).await };
        if at.shown < now.frames {
            let many = 1 + world.dice.below(now.frames - at.shown);
            let frames = (0..many).map(|n| output(format!("{}.{} by {} with epoch {}", at.step, at.shown + n, self.name, held.lease.epoch))).collect();
            held.at = Some(At { shown: at.shown + many, ..at });
            return self.write(world, held, frames, None).await;
        }
        if now.effect && !at.effect {
            held.at = Some(At { effect: true, ..at });
            return self.ask_for_effect(world, held, at.step).await;
        }
        if let Some(cause) = now.wait.filter(|_| !at.waited) {
            held.at = Some(At { waited: true, ..at });
            return self.wait_or_go_on(world, held, at.step, cause).await;
        }
        let step = StepRow { key: format!("step:{}", at.step), output: format!("\"by {} with epoch {}\"", self.name, held.lease.epoch) };
        held.at = Some(At { step: at.step + 1, shown: 0, effect: false, waited: false });
        let frames = if world.dice.percent(50) { vec![output(format!("{} done", at.step))] } else { Vec::new() };
        self.write(world, held, frames, Some(step)).await
    }

    /// What a worker does first: it looks at what is recorded.
    async fn read(&mut self, world: &mut World, held: &mut Held) -> Checked<Came> {
        let run = world.run_id(held.index);
        let recorded = runs::steps(&world.db, run).await.map_err(said)?.len();
        held.cancel = runs::find(&world.db, run).await.map_err(said)?.is_some_and(|row| row.cancel_requested);
        let step = if self.fault == Some(Fault::Forgetful) { 0 } else { recorded };
        held.at = Some(At { step, shown: 0, effect: false, waited: false });
        let attempt = i64::try_from(world.truth.jobs[held.index].claims).unwrap();
        self.write(world, held, vec![RunResumed { attempt }.into()], None).await
    }

    async fn write(&mut self, world: &mut World, held: &Held, events: Vec<StreamEvent>, step: Option<StepRow>) -> Checked<Came> {
        if self.fault == Some(Fault::Unfenced) && step.is_none() {
            let mut tx = world.db.begin().await.map_err(said)?;
            events::append(&mut tx, Stream::Run(world.run_id(held.index)), &events).await.map_err(said)?;
            tx.commit().await.map_err(said)?;
            // It believes that all is well.
            return Ok(Came::On);
        }
        let mut batch = vec![(held.clone(), events, step)];
        // Others in hand share the commit, and it may be that one of them is an older lease of the very same job.
        if let Some(other) = self.another(world, held) {
            world.truth.count(if other.lease.job == held.lease.job { "two leases of one job in a commit" } else { "a shared commit" });
            batch.push((other, vec![output("shares a commit".into())], None));
        }
        if world.dice.percent(50) {
            batch.reverse();
        }
        let writes: Vec<RunWrite> = batch.iter().map(|(held, events, step)| self.run_write(world, held, events, step.as_ref())).collect();
        let mut tx = world.db.begin().await.map_err(said)?;
        let written = runs::write(&mut tx, world.now(), &writes).await.map_err(said)?;
        for ((held, ..), write) in batch.iter().zip(&writes) {
            world.truth.judge(held.lease, !written.lost.contains(&write.lease), "a write")?;
        }
        if !world.truth.is_live(held.lease)? || world.dice.percent(3) {
            // Refused, or died before the commit.
            return Ok(Came::Gone);
        }
        tx.commit().await.map_err(said)?;
        let mut appended = written.appended.iter();
        for ((held, _, step), write) in batch.iter().zip(&writes).filter(|(_, write)| !written.lost.contains(&write.lease)) {
            let frames = appended.next().ok_or("an accepted write has no frames")?;
            world.note(|| format!("{}: {} frames by {}, step {step:?}", held.index, frames.frames.len(), self.name));
            world.told(held.index, frames)?;
            for StepRow { key, output } in &write.steps {
                ensure!(world.truth.run(held.index).steps.insert(key.clone(), output.clone()).is_none(), "{key} was recorded twice");
            }
        }
        Ok(Came::On)
    }

    fn run_write(&self, world: &World, held: &Held, events: &[StreamEvent], step: Option<&StepRow>) -> RunWrite {
        let mut lease = held.lease;
        if self.fault == Some(Fault::Forged) {
            lease.epoch = world.truth.jobs[held.index].epoch;
        }
        RunWrite {
            lease,
            events: events.to_vec(),
            in_flight: Some("{}".into()),
            steps: step.cloned().into_iter().collect(),
            usage: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Another job in hand that is being worked on.
    fn another(&self, world: &mut World, but: &Held) -> Option<Held> {
        let others: Vec<&Held> = self.held.iter().filter(|held| held.lease.run.is_some() && held.at.is_some() && held.lease != but.lease).collect();
        let twin = others.iter().find(|held| held.lease.job == but.lease.job).copied();
        let other = twin.or_else(|| world.dice.pick(&others).copied());
        other.filter(|_| world.dice.percent(40)).cloned()
    }

    async fn ask_for_effect(&mut self, world: &mut World, held: &Held, step: usize) -> Checked<Came> {
        let key = format!("{}:{step}", world.run_id(held.index));
        let effect = NewEffect { id: world.id(), org: None, topic: "mail", key: key.clone(), payload: "{}".into() };
        let mut tx = world.db.begin().await.map_err(said)?;
        let asked = runs::request_effect(&mut tx, Some(held.lease), &effect).await;
        let Some(new) = self.settle(world, held, asked, "an effect")? else { return Ok(Came::Gone) };
        tx.commit().await.map_err(said)?;
        ensure!(new == world.truth.effects.insert(key), "an effect of {} was counted twice, or never", held.index);
        Ok(Came::On)
    }

    /// Parks the run, unless what it waits for was answered.
    async fn wait_or_go_on(&mut self, world: &mut World, held: &Held, step: usize, cause: &'static str) -> Checked<Came> {
        let detail = format!("\"{step}\"");
        let waits = runs::waits_of(&world.db, world.run_id(held.index)).await.map_err(said)?;
        let mine = waits.iter().find(|wait| wait.detail == detail);
        if mine.is_some_and(|wait| wait.answer.is_some()) {
            return Ok(Came::On);
        }
        let due_at = (cause == "timer").then(|| world.now().plus(world.seconds(20)));
        let new: Vec<NewWait> = if mine.is_some() { Vec::new() } else { vec![NewWait { id: world.id(), cause, detail, due_at }] };
        let event = InputRequested { wait_id: "w".into(), question: step.to_string() }.into();
        let mut tx = world.db.begin().await.map_err(said)?;
        let parked = runs::park(&mut tx, held.lease, &new, vec![event]).await;
        let Some(told) = self.settle(world, held, parked, "parking")? else { return Ok(Came::Gone) };
        tx.commit().await.map_err(said)?;
        world.note(|| format!("{}: parked for {cause}", held.index));
        world.truth.count("parked");
        world.told(held.index, &told)?;
        let run = world.truth.run(held.index);
        run.waits.extend(new.into_iter().map(|wait| Asked { id: wait.id, due_at, answered: false }));
        if run.cancel || run.waits.iter().all(|wait| wait.answered) {
            world.truth.requeued(held.index, None);
        } else {
            run.status = RunStatus::Waiting;
            world.truth.jobs[held.index].place = Place::Waiting;
        }
        Ok(Came::Gone)
    }
}

fn output(output: String) -> StreamEvent {
    ToolOutput { call_id: "c".into(), output }.into()
}
