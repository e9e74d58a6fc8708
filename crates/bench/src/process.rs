//! Processes that we start, and what whole trees of them cost.
//!
//! A [`Process`] is killed when it is dropped, so nothing outlives the command, however it ends.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};

/// Ticks of the kernel's accounting in a second, on every Linux that we meet.
const TICKS: u64 = 100;
const PAGE_BYTES: u64 = 4096;

/// What to start.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Environment beyond our own.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Where its output goes, after what is already there.
    pub log: PathBuf,
    /// The cores that it may use, as taskset takes them.
    pub cores: Option<String>,
    /// The user and group that it becomes.
    pub owner: Option<(u32, u32)>,
    /// Whether it leads a process group of its own, which is killed with it.
    pub grouped: bool,
}

impl Program {
    /// A program in a directory, with its log there.
    pub fn new(directory: &Path, name: &str, words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|&word| word.to_owned()).collect(),
            environment: Vec::new(),
            directory: directory.to_path_buf(),
            log: directory.join(format!("{name}.log")),
            cores: None,
            owner: None,
            grouped: false,
        }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it.
    pub fn start(&self) -> Result<Process> {
        let child = self.command()?.spawn().with_context(|| format!("starting {}", self.words.join(" ")))?;
        Ok(Process { child, log: self.log.clone(), grouped: self.grouped })
    }

    /// Runs it to its end.
    pub fn run(&self) -> Result<()> {
        let status = self.command()?.status().with_context(|| format!("running {}", self.words.join(" ")))?;
        if status.success() {
            return Ok(());
        }
        bail!("{} ended with {status}:\n{}", self.words.join(" "), tail(&self.log))
    }

    fn command(&self) -> Result<Command> {
        let pinned = self.cores.iter().flat_map(|cores| ["taskset", "-c", cores]);
        let mut words = pinned.chain(self.words.iter().map(String::as_str));
        let mut command = Command::new(words.next().context("no program")?);
        let log = File::options().create(true).append(true).open(&self.log).with_context(|| self.log.display().to_string())?;
        command.args(words).current_dir(&self.directory).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some((user, group)) = self.owner {
            command.gid(group).uid(user);
        }
        if self.grouped {
            command.process_group(0);
        }
        Ok(command)
    }
}

/// The last lines of a log, to tell why something failed.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A running program, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    grouped: bool,
}

impl Process {
    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        if self.grouped {
            let group = format!("-{}", self.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        }
        // Fails only when it has ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits for that, but not for ever.
    pub fn end(&mut self, within: Duration) -> Result<()> {
        let _ = Command::new("kill").arg(self.id().to_string()).stderr(Stdio::null()).status();
        let step = Duration::from_millis(10);
        for _ in 0..within.as_millis() / step.as_millis() {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(step);
        }
        self.kill();
        Err(anyhow!("it did not end within {} s:\n{}", within.as_secs(), tail(&self.log)))
    }

    /// Fails with the end of its log when it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) if status.signal() != Some(9) => bail!("it ended by itself with {status}:\n{}", tail(&self.log)),
            _ => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What trees of processes have cost so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Time on processors, in user and kernel mode, of children that have ended too.
    pub cpu: Duration,
    /// Resident memory, in bytes; pages that processes share are counted in each.
    pub memory: u64,
}

/// Adds up these processes and all below them.
pub fn cost(roots: &[u32]) -> Cost {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for id in ids(Path::new("/proc")) {
        if let Some(parent) = stat(id).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(id);
        }
    }
    let (mut total, mut open) = (Cost::default(), roots.to_vec());
    while let Some(id) = open.pop() {
        open.extend(children.remove(&id).unwrap_or_default());
        let one = cost_of(id).unwrap_or_default();
        total.cpu += one.cpu;
        total.memory += one.memory;
    }
    total
}

/// What one process has cost, with children that have ended, without those that live.
pub fn cost_of(id: u32) -> Option<Cost> {
    let fields = stat(id)?;
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let ticks = |count: u64| Duration::from_millis(count * 1000 / TICKS);
    // The scheduler's own figures of living threads are exact; where threads have ended, ticks know more.
    let exact = ids(Path::new(&format!("/proc/{id}/task"))).filter_map(|task| nanos(id, task)).sum();
    let cpu = Duration::from_nanos(exact).max(ticks(number(11) + number(12)).saturating_sub(ticks(2)));
    Some(Cost { cpu: cpu + ticks(number(13) + number(14)), memory: number(21) * PAGE_BYTES })
}

/// `/proc/<id>/stat` after the name, which may hold anything: state, parent, ….
fn stat(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn nanos(id: u32, task: u32) -> Option<u64> {
    fs::read_to_string(format!("/proc/{id}/task/{task}/schedstat")).ok()?.split_whitespace().next()?.parse().ok()
}

fn ids(directory: &Path) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Processor time that the whole machine has used so far.
pub fn machine() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = text.lines().next().unwrap_or_default().split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let at = |index: usize| fields.get(index).copied().unwrap_or(0);
    // Everything but idle (3), waiting for disks (4), and what is in user (guest, 8 and 9) already.
    Duration::from_millis((at(0) + at(1) + at(2) + at(5) + at(6) + at(7)) * 1000 / TICKS)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_tree_costs_what_its_children_cost() {
        let directory = tempfile::tempdir().unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let nested = format!("sh -c '{busy}'; exec sleep 60");
        let mut process = Program::new(directory.path(), "busy", &["sh", "-c", &nested]).start().unwrap();
        let mut spent = Cost::default();
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(50));
            let before = spent.cpu;
            spent = cost(&[process.id()]);
            if spent.cpu > Duration::from_millis(20) && spent.cpu == before {
                break;
            }
        }
        assert!(spent.cpu > Duration::from_millis(20) && spent.memory > 0, "{spent:?}");
        assert!(machine() > spent.cpu);
        process.kill();
        assert!(process.check().is_ok(), "killed, not ended by itself");
    }
}
