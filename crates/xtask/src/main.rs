//! The project's own build steps, run as `cargo run -p xtask -- <command>`.
//!
//! `bundle` makes what the browser loads, from the same metadata and libraries as cargo-leptos;
//! `size` holds it against a budget. Nothing here is part of the product.

mod bundle;
mod files;
mod manifest;
mod place;
mod programs;
mod size;
mod steps;
mod watch;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};

use crate::{bundle::Mode, manifest::Bundle, place::Place};

const USAGE: &str = "\
usage: cargo run -p xtask -- <command>

  bundle [--release]     build the browser's files into the site directory
  adopt DIRECTORY        publish, for release, what cargo-leptos left in its package directory
  size [--budget BYTES]  brotli bytes of the release bundle's first load; over the budget it fails
  watch                  serve, and rebuild on every edit
  site [--release]       print the site directory";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let place = Place::find()?;
    let description = Bundle::read(&place)?;
    match words.as_slice() {
        ["bundle"] => bundle::build(&place, &description, Mode::Dev),
        ["bundle", "--release"] => bundle::build(&place, &description, Mode::Release),
        ["adopt", made] => bundle::adopt(&place, &description, Path::new(made)),
        ["size"] => size::report(&place, &description, None),
        ["size", "--budget", bytes] => {
            let budget = bytes.parse().with_context(|| format!("`{bytes}` is not a number of bytes"))?;
            size::report(&place, &description, Some(budget))
        }
        ["watch"] => watch::serve(&place, &description),
        ["site"] => print_site(&place, &description, Mode::Dev),
        ["site", "--release"] => print_site(&place, &description, Mode::Release),
        _ => bail!("{USAGE}"),
    }
}

fn print_site(place: &Place, description: &Bundle, mode: Mode) -> Result<()> {
    let directory = description.site(place, mode)?;
    steps::say(&directory.display().to_string());
    Ok(())
}
