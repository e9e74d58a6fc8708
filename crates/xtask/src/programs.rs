//! Other programs: where they are found and how they are run.
//!
//! Node tools come from `end2end/node_modules`, else from the search path.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::place::Place;

/// A tool that npm installs, ready to take arguments, run from the repository.
pub fn node_tool(place: &Place, name: &str) -> Command {
    let installed = place.node_modules().join(".bin").join(name);
    let mut command = if installed.exists() { Command::new(installed) } else { Command::new(name) };
    // Style sheets import packages by name from directories that have no `node_modules` above them.
    command.current_dir(&place.root).env("NODE_PATH", place.node_modules());
    command
}

/// Runs a program to its end, quietly: its output is shown when it fails.
pub fn quiet(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("`{program}` did not start; `npm ci --prefix end2end` installs the node tools"))?;
    ensure!(output.status.success(), "`{program}` failed:\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Runs a program to its end, its output going where ours goes.
pub fn aloud(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().with_context(|| format!("`{program}` did not start"))?;
    ensure!(status.success(), "`{program}` failed");
    Ok(())
}
