//! Trees of files: listing, naming by content, copying.
//!
//! Paths are always given relative to the tree, in order, so that a tree has one hash.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Every file below `root`, relative to it, sorted.
pub fn list(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        let entries = fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                found.push(path.strip_prefix(root)?.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A name for a set of trees that changes with any name or byte in them.
pub fn fingerprint(trees: &[&Path]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for tree in trees {
        for file in list(tree)? {
            file.hash(&mut hasher);
            fs::read(tree.join(&file))?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The same for bytes and words.
pub fn stamp(content: &[u8], words: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    words.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Copies a tree into another; files whose bytes are already there are left alone.
pub fn copy(from: &Path, to: &Path) -> Result<usize> {
    let mut copied = 0;
    for file in list(from)? {
        let content = fs::read(from.join(&file))?;
        let destination = to.join(&file);
        if fs::read(&destination).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(parent) = destination.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&destination, content).with_context(|| format!("writing {}", destination.display()))?;
        copied += 1;
    }
    Ok(copied)
}

/// An empty directory, whatever was there before.
pub fn empty(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("emptying {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))
}
