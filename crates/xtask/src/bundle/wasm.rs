//! WASM and its glue: cargo, then the splitter, wasm-bindgen and, for a release, wasm-opt.
//!
//! Cargo decides what is fresh. When the module that it leaves has not changed, neither has
//! anything made from it, and the rest is skipped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow};

use super::{Mode, on_all_cores, script, with_ending};
use crate::{
    files,
    manifest::Bundle,
    place::Place,
    programs,
    steps::{self, Noted},
};

const TARGET: &str = "wasm32-unknown-unknown";
/// The name that lazy chunks import their loader by; cargo-leptos writes a hash over the blanks.
const LOADER: &str = "./__wasm_split.______________________.js";
/// Tells the server which chunks a lazy page needs, so that it can ask for them early.
const PREFETCH: &str = "__wasm_split_manifest.json";

/// Leaves the module, its lazy chunks and their scripts in `out`.
pub fn build(place: &Place, description: &Bundle, mode: Mode, out: &Path) -> Result<()> {
    let module = steps::timed("wasm", || compile(place, description, mode))?;
    let input = fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    let stamp = stamp(place, description, mode, &input)?;
    let stamped = out.with_extension("stamp");
    if out.is_dir() && fs::read_to_string(&stamped).is_ok_and(|there| there == stamp) {
        steps::say("  split            -  the module is unchanged");
        return Ok(());
    }
    files::empty(out)?;
    let main = out.with_extension("main.wasm");
    steps::timed("split", || split(description, &input, &main, out))?;
    steps::timed("bindgen", || bindgen(description, &main, out))?;
    if mode == Mode::Release {
        steps::timed("wasm-opt", || optimize(place, description, out))?;
        steps::timed("minify", || script::minify(place, out))?;
    }
    fs::write(stamped, stamp)?;
    Ok(())
}

/// What the output depends on besides this program.
fn stamp(place: &Place, description: &Bundle, mode: Mode, input: &[u8]) -> Result<String> {
    let tools = fs::read_to_string(place.root.join("end2end/package-lock.json")).context("end2end/package-lock.json")?;
    let arguments = description.wasm_opt_features.join(" ");
    Ok(files::stamp(input, &[&description.output_name, mode.name(), &arguments, &tools]))
}

fn compile(place: &Place, description: &Bundle, mode: Mode) -> Result<Noted<PathBuf>> {
    let profile = description.profile(mode);
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&place.root)
        .args(["build", "--quiet", "--lib", "--package", &description.lib_package])
        .args(["--target", TARGET, "--profile", profile, "--target-dir"])
        .arg(place.front())
        // Relocations are what the splitter cuts along. Lists of configuration are joined, so the
        // flags that server and browser share stay.
        .args(["--config", r#"build.rustflags=["-Clink-args=--emit-relocs"]"#])
        // Flags meant for the host would replace both.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !description.lib_default_features {
        cargo.arg("--no-default-features");
    }
    if !description.lib_features.is_empty() {
        cargo.args(["--features", &description.lib_features.join(",")]);
    }
    programs::aloud(&mut cargo)?;
    let file = format!("{}.wasm", description.lib_package.replace('-', "_"));
    Ok(Noted::new(place.front().join(TARGET).join(profile).join(file), format!("cargo, profile {profile}")))
}

fn split(description: &Bundle, input: &[u8], main: &Path, out: &Path) -> Result<Noted<()>> {
    let script = format!("./{}.js", description.output_name);
    let mut options = wasm_split_cli_support::Options::new(input);
    options.output_dir = out;
    options.main_out_path = main;
    options.main_module = &script;
    options.link_name = LOADER;
    let made = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("splitting: {error:?}"))?;
    fs::write(out.join(PREFETCH), serde_json::to_vec(&made.prefetch_map)?)?;
    Ok(Noted::new((), format!("{} lazy chunks", made.split_modules.len())))
}

fn bindgen(description: &Bundle, main: &Path, out: &Path) -> Result<Noted<()>> {
    let name = &description.output_name;
    wasm_bindgen_cli_support::Bindgen::new()
        .keep_lld_exports(true)
        .demangle(false)
        .typescript(false)
        .input_path(main)
        .out_name(name)
        .web(true)?
        .generate(out)?;
    // The page asks for the shorter name.
    fs::rename(out.join(format!("{name}_bg.wasm")), out.join(format!("{name}.wasm")))?;
    Ok(Noted::new((), "script and module"))
}

fn optimize(place: &Place, description: &Bundle, out: &Path) -> Result<Noted<()>> {
    let modules = with_ending(out, &["wasm"])?;
    on_all_cores(&modules, |module| {
        let mut command = programs::node_tool(place, "wasm-opt");
        command.args(&description.wasm_opt_features).arg(module).arg("-o").arg(module);
        programs::quiet(&mut command)
    })?;
    Ok(Noted::new((), format!("{} modules", modules.len())))
}
