//! How much a browser loads first: brotli bytes of the release bundle, against a budget.
//!
//! The first load is the main module, its scripts and the style sheet, together with the lazy
//! chunks of whichever page needs most of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    bundle::Mode,
    files,
    manifest::Bundle,
    place::Place,
    steps::{bytes, say},
};

/// Prints the sizes; fails when the first load is over the budget.
pub fn report(place: &Place, description: &Bundle, budget: Option<u64>) -> Result<()> {
    let site = description.site(place, Mode::Release)?;
    let package = fs::read_to_string(site.join("pkg_dir.txt")).context("there is no release bundle: `cargo run -p xtask -- bundle --release` makes one")?;
    let directory = site.join(package.trim());
    let sizes = Sizes::read(&directory, &description.output_name)?;

    say("first load of the workspace, brotli bytes");
    say(&line("wasm", sizes.wasm));
    say(&line("js", sizes.script));
    say(&line("css", sizes.style));
    for (name, size) in &sizes.chunks {
        say(&line(&format!("lazy {name}"), *size));
    }
    let heaviest = heaviest_page(&directory, &sizes)?;
    if let Some((page, size)) = &heaviest {
        say(&line(&format!("heaviest page: {page}"), *size));
    }
    let total = sizes.main() + heaviest.map_or(0, |(_, size)| size);
    say(&line("total", total));
    if let Some(budget) = budget {
        say(&line("budget", budget));
        ensure!(total <= budget, "the first load is {} bytes over its budget", bytes(total - budget));
    }
    Ok(())
}

fn line(name: &str, size: u64) -> String {
    format!("  {name:<44} {:>9}", bytes(size))
}

/// Compressed sizes by kind.
#[derive(Default)]
struct Sizes {
    wasm: u64,
    script: u64,
    style: u64,
    chunks: BTreeMap<String, u64>,
}

impl Sizes {
    fn read(directory: &Path, name: &str) -> Result<Self> {
        let mut sizes = Self::default();
        let main = PathBuf::from(format!("{name}.wasm.br"));
        for file in files::list(directory)? {
            let size = fs::metadata(directory.join(&file))?.len();
            let text = file.to_string_lossy();
            if file == main {
                sizes.wasm += size;
            } else if let Some(chunk) = text.strip_suffix(".wasm.br") {
                sizes.chunks.insert(chunk.to_owned(), size);
            } else if text.ends_with(".js.br") {
                sizes.script += size;
            } else if text.ends_with(".css.br") {
                sizes.style += size;
            }
        }
        ensure!(sizes.wasm > 0, "{} holds no compressed {name}.wasm", directory.display());
        Ok(sizes)
    }

    fn main(&self) -> u64 {
        self.wasm + self.script + self.style
    }
}

/// The lazy page whose chunks weigh most, by the splitter's own table of what each needs.
fn heaviest_page(directory: &Path, sizes: &Sizes) -> Result<Option<(String, u64)>> {
    let text = fs::read_to_string(directory.join("__wasm_split_manifest.json"))?;
    let pages: BTreeMap<String, Vec<String>> = serde_json::from_str(&text)?;
    let weigh = |chunks: &[String]| chunks.iter().filter_map(|chunk| sizes.chunks.get(chunk)).sum::<u64>();
    Ok(pages.into_iter().map(|(page, chunks)| (page, weigh(&chunks))).max_by_key(|(_, size)| *size))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot write files has failed")]

    use super::*;

    #[test]
    fn the_first_load_counts_the_heaviest_page() {
        let directory = tempfile::tempdir().unwrap();
        for (name, size) in [("troupe.wasm.br", 50), ("troupe.js.br", 5), ("troupe.css.br", 3), ("chat.wasm.br", 7), ("shared.wasm.br", 2), ("work.wasm.br", 8)]
        {
            fs::write(directory.path().join(name), "x".repeat(size)).unwrap();
        }
        fs::write(directory.path().join("__wasm_split_manifest.json"), r#"{"chat":["chat","shared"],"work":["work"]}"#).unwrap();
        let sizes = Sizes::read(directory.path(), "troupe").unwrap();
        assert_eq!((sizes.main(), heaviest_page(directory.path(), &sizes).unwrap()), (58, Some(("chat".to_owned(), 9))));
    }
}
