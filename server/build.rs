//! Builds the server anew when the bundle that goes into it (feature `embed`) has changed.

#[expect(clippy::disallowed_methods, reason = "this is how a build script is told")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TROUPE_EMBED_DIR");
    if let Ok(directory) = std::env::var("TROUPE_EMBED_DIR") {
        println!("cargo::rerun-if-changed={directory}");
    }
}
