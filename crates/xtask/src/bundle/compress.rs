//! Compressed twins of files (`.br`, `.gz`), made once so that the server never has to.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

use super::{on_all_cores, with_ending};
use crate::steps::Noted;

/// What gets smaller. Fonts and pictures already are.
const ENDINGS: &[&str] = &["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest", "xml"];

/// Writes the twins of every file below `tree` that has none newer than itself.
pub fn build(tree: &Path) -> Result<Noted<()>> {
    let stale: Vec<PathBuf> = with_ending(tree, ENDINGS)?.into_iter().filter(|file| !is_fresh(file)).collect();
    on_all_cores(&stale, |file| {
        let content = fs::read(file)?;
        fs::write(twin(file, "br"), brotli(&content)?)?;
        fs::write(twin(file, "gz"), gzip(&content)?)?;
        Ok(())
    })?;
    Ok(Noted::new((), format!("{} files, brotli 11 and gzip 9", stale.len())))
}

fn is_fresh(file: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    [twin(file, "br"), twin(file, "gz")].iter().all(|twin| changed(twin) >= changed(file))
}

fn twin(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams { quality: 11, lgwin: 24, size_hint: content.len(), ..Default::default() };
    let mut reader = content;
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut reader, &mut out, &parameters)?;
    Ok(out)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
