//! How much a browser loads first: brotli bytes of the release bundle, against a budget.
//!
//! The budget holds what every workspace page loads: the main module, its scripts and the style sheet. What each
//! lazy page adds is printed beside it, by the splitter's own table of which chunks it needs.

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
    say(&line("total", sizes.shared()));
    for (page, size) in pages(&directory, &sizes)? {
        say(&line(&format!("{page} adds"), size));
    }
    if let Some(budget) = budget {
        say(&line("budget", budget));
        ensure!(sizes.shared() <= budget, "the first load is {} bytes over its budget", bytes(sizes.shared() - budget));
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

    fn shared(&self) -> u64 {
        self.wasm + self.script + self.style
    }
}

/// What each lazy page loads besides, by name, heaviest first.
fn pages(directory: &Path, sizes: &Sizes) -> Result<Vec<(String, u64)>> {
    let text = fs::read_to_string(directory.join("__wasm_split_manifest.json"))?;
    let table: BTreeMap<String, Vec<String>> = serde_json::from_str(&text)?;
    let weigh = |chunks: Vec<String>| chunks.iter().filter_map(|chunk| sizes.chunks.get(chunk)).sum::<u64>();
    let mut pages: Vec<_> = table.into_iter().map(|(name, chunks)| (spoken(&name), weigh(chunks))).collect();
    pages.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    Ok(pages)
}

/// `__chat_page_view_16365244922053891447`, the splitter's name, as `chat_page`.
fn spoken(name: &str) -> String {
    let name = name.trim_start_matches('_').trim_end_matches(|end: char| end.is_ascii_digit()).trim_end_matches('_');
    name.strip_suffix("_view").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot write files has failed")]

    use super::*;

    #[test]
    fn pages_are_told_apart_from_what_all_load() {
        let directory = tempfile::tempdir().unwrap();
        for (name, size) in [("troupe.wasm.br", 50), ("troupe.js.br", 5), ("troupe.css.br", 3), ("chat.wasm.br", 7), ("shared.wasm.br", 2), ("work.wasm.br", 8)]
        {
            fs::write(directory.path().join(name), "x".repeat(size)).unwrap();
        }
        fs::write(directory.path().join("__wasm_split_manifest.json"), r#"{"__chat_page_view_12":["chat","shared"],"__work_view_3":["work"]}"#).unwrap();
        let sizes = Sizes::read(directory.path(), "troupe").unwrap();
        assert_eq!(sizes.shared(), 58);
        assert_eq!(pages(directory.path(), &sizes).unwrap(), [("chat_page".to_owned(), 9), ("work".to_owned(), 8)]);
    }
}
