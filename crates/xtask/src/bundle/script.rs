//! Scripts of the bundle, made small for a release.

use std::path::Path;

use anyhow::Result;

use super::with_ending;
use crate::{place::Place, programs, steps::Noted};

/// Minifies every script below `out` in place.
pub fn minify(place: &Place, out: &Path) -> Result<Noted<()>> {
    let scripts = with_ending(out, &["js"])?;
    for script in &scripts {
        let mut esbuild = programs::node_tool(place, "esbuild");
        esbuild.args(["--minify", "--log-level=warning", "--format=esm", "--allow-overwrite"]).arg(script).arg(format!("--outfile={}", script.display()));
        programs::quiet(&mut esbuild)?;
    }
    Ok(Noted::new((), format!("{} scripts", scripts.len())))
}
