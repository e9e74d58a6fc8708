//! The style sheet: Tailwind over the sources that its input names.

use std::{fs, path::Path};

use anyhow::Result;

use super::Mode;
use crate::{
    manifest::Bundle,
    place::Place,
    programs,
    steps::{self, Noted},
};

/// Leaves the style sheet in `out`.
pub fn build(place: &Place, description: &Bundle, mode: Mode, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    let sheet = out.join(format!("{}.css", description.output_name));
    steps::timed("style", || {
        let mut tailwind = programs::node_tool(place, "tailwindcss");
        tailwind.arg("--input").arg(&description.tailwind_input_file).arg("--output").arg(&sheet);
        if mode == Mode::Release {
            tailwind.arg("--minify");
        }
        programs::quiet(&mut tailwind)?;
        Ok(Noted::new((), description.tailwind_input_file.display().to_string()))
    })
}
