//! The bundle and the public files: from inside the binary, or from the site directory of a developer.
//!
//! Everything below `/pkg/<content's name>/` may be kept for ever; what keeps its name is asked for again with its
//! tag. Compressed twins (`.br`, `.gz`) were made when the bundle was.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
};
use leptos::{
    WasmSplitManifest,
    config::{Env, LeptosOptions},
    prelude::ArcStoredValue,
};
use sha2::{Digest, Sha256};

use crate::{config::Config, state::AppState};

/// The file stem of script, WASM and style sheet, as the bundle's description has it.
const OUTPUT_NAME: &str = match option_env!("LEPTOS_OUTPUT_NAME") {
    Some(name) => name,
    None => "troupe",
};
/// Names the directory of the current bundle.
const POINTER: &str = "pkg_dir.txt";
/// Tells which pieces of WASM a lazy page needs, and who loads them.
const SPLIT_MANIFEST: &str = "__wasm_split_manifest.json";
const SPLIT_LOADER: &str = "__wasm_split.______________________.js";

/// The bundle inside the binary.
#[cfg(feature = "embed")]
#[derive(rust_embed::RustEmbed)]
#[folder = "$TROUPE_EMBED_DIR"]
struct Embedded;

/// Where the bundle is and what pages must know of it.
pub struct Site {
    source: Source,
    options: LeptosOptions,
    /// The package, and what its lazy pages need.
    pieces: Option<(String, HashMap<String, Vec<String>>)>,
}

enum Source {
    /// Inside the binary.
    #[cfg(feature = "embed")]
    Binary,
    /// A directory. Its pointer is read anew for each page: the bundle may be replaced while we run.
    Directory(PathBuf),
    /// A directory of cargo-leptos, which has no pointer: its files carry the hash in their names, or change under them.
    Bundler(PathBuf),
    /// Nowhere: pages come without script and style.
    Nowhere,
}

/// A file as it is sent.
struct File {
    content: Bytes,
    encoding: Option<&'static str>,
}

impl Site {
    /// Finds the bundle: as told, inside the binary, from a bundler, beside the binary.
    pub fn find(config: &Config) -> Self {
        let source = source(config);
        let options = match (&source, &config.bundler) {
            (Source::Bundler(_), Some(options)) => options.clone(),
            (Source::Bundler(root), None) => plain_options(root, beside_binary(&["hash.txt"]).is_some()),
            (Source::Directory(root), _) => plain_options(root, false),
            _ => plain_options(Path::new("."), false),
        };
        let mut site = Self { source, options, pieces: None };
        site.pieces = site.pointer().and_then(|package| {
            let content = site.read(&format!("{package}/{SPLIT_MANIFEST}"))?;
            Some((package, serde_json::from_slice(&content).ok()?))
        });
        if site.pointer().is_none() && !matches!(site.source, Source::Bundler(_)) {
            tracing::warn!("there is no bundle: pages come without script and style. `just bundle` makes one; TROUPE_SITE_DIR says where it is.");
        }
        site
    }

    /// What the shell of a page must know to name the bundle's files.
    pub fn options(&self) -> LeptosOptions {
        let mut options = self.options.clone();
        if let Some(package) = self.pointer() {
            options.site_pkg_dir = package.into();
        }
        options
    }

    /// Which pieces of WASM a lazy page needs, so that browsers fetch them at once. The framework looks for this on a disk only.
    pub fn split_manifest(&self) -> Option<WasmSplitManifest> {
        let (package, pieces) = self.pieces.as_ref()?;
        let same = self.pointer().is_some_and(|now| now == *package);
        same.then(|| WasmSplitManifest(ArcStoredValue::new((format!("/{package}"), pieces.clone(), SPLIT_LOADER.to_owned()))))
    }

    /// Where a watching bundler tells of changes, for the content policy.
    pub fn reload(&self) -> Option<String> {
        let watching = matches!(self.source, Source::Bundler(_)) && matches!(self.options.env, Env::DEV);
        watching.then(|| format!("ws://127.0.0.1:{port} ws://localhost:{port}", port = self.options.reload_port))
    }

    fn pointer(&self) -> Option<String> {
        if matches!(self.source, Source::Bundler(_)) {
            return None;
        }
        let content = self.read(POINTER)?;
        let text = std::str::from_utf8(&content).ok()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// One file, by its path below the site.
    fn read(&self, path: &str) -> Option<Bytes> {
        match &self.source {
            #[cfg(feature = "embed")]
            Source::Binary => Embedded::get(path).map(|file| match file.data {
                Cow::Borrowed(content) => Bytes::from_static(content),
                Cow::Owned(content) => content.into(),
            }),
            Source::Directory(root) | Source::Bundler(root) => {
                let below = Path::new(path);
                let plain = below.components().all(|part| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".")));
                let full = root.join(below);
                // Neither a step up nor a link that leads out.
                let inside = plain && full.canonicalize().is_ok_and(|real| root.canonicalize().is_ok_and(|root| real.starts_with(root)));
                if inside && full.is_file() { std::fs::read(full).ok().map(Bytes::from) } else { None }
            }
            Source::Nowhere => None,
        }
    }

    /// A file in the best encoding that the browser takes.
    fn open(&self, path: &str, accepted: &HeaderMap) -> Option<File> {
        let accepts = |name| accepts(accepted, name);
        for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
            if accepts(encoding)
                && let Some(content) = self.read(&format!("{path}.{ending}"))
            {
                return Some(File { content, encoding: Some(encoding) });
            }
        }
        self.read(path).map(|content| File { content, encoding: None })
    }

    /// Answers for a file; `None` when there is none by this name.
    pub fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let path = uri.path().trim_start_matches('/');
        let hidden = path.is_empty() || path.contains('%') || path == POINTER || path == &*self.options.hash_file;
        if hidden || !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let file = self.open(path, headers)?;
        let for_ever = path.starts_with("pkg/") && self.has_content_names();
        let cache = match path {
            _ if for_ever => "public, max-age=31536000, immutable",
            _ if path.starts_with("fonts/") => "public, max-age=604800",
            _ => "public, max-age=3600",
        };
        let mut response = if for_ever { Response::new(Body::from(file.content)) } else { tagged(file.content, headers) };
        let answer = response.headers_mut();
        answer.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(kind) = HeaderValue::from_str(&content_type(path)) {
            answer.insert(CONTENT_TYPE, kind);
        }
        if let Some(encoding) = file.encoding {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        Some(response)
    }

    /// Whether a file of the bundle never changes under its name.
    fn has_content_names(&self) -> bool {
        match &self.source {
            Source::Bundler(_) => self.options.hash_files,
            _ => true,
        }
    }
}

fn source(config: &Config) -> Source {
    if let Some(told) = &config.site_dir {
        return Source::Directory(told.clone());
    }
    #[cfg(feature = "embed")]
    if Embedded::get(POINTER).is_some() {
        return Source::Binary;
    }
    if let Some(options) = &config.bundler {
        return Source::Bundler(PathBuf::from(&*options.site_root));
    }
    // A developer's binary lies in `<target>/<profile>/`, the site in `<target>/site/`.
    match (beside_binary(&["..", "site", POINTER]), beside_binary(&["..", "site", "pkg"])) {
        (Some(pointer), _) => Source::Directory(pointer.with_file_name("")),
        (None, Some(package)) => Source::Bundler(package.with_file_name("")),
        (None, None) => Source::Nowhere,
    }
}

/// A path from the binary's own directory on, when there is something.
fn beside_binary(parts: &[&str]) -> Option<PathBuf> {
    let mut path = std::env::current_exe().ok()?.parent()?.to_path_buf();
    path.extend(parts);
    path.exists().then_some(path)
}

fn plain_options(root: &Path, hash_files: bool) -> LeptosOptions {
    LeptosOptions::builder().output_name(OUTPUT_NAME).site_root(Arc::from(root.display().to_string())).hash_files(hash_files).env(Env::PROD).build()
}

/// A whole file with the tag of its content, or only word that it has not changed.
fn tagged(content: Bytes, headers: &HeaderMap) -> Response {
    let digest = Sha256::digest(&content);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16]));
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(Body::from(content)) };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Whether an encoding is among those that the browser takes, and not with `q=0`.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|entry| {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
        name.trim().eq_ignore_ascii_case(encoding) && !matches!(weight.trim().trim_start_matches("q=").trim(), "0" | "0.0" | "0.00" | "0.000")
    })
}

fn content_type(path: &str) -> Cow<'static, str> {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let is_text = kind.type_() == "text" || kind.subtype() == "javascript" || kind.subtype() == "json" || kind.subtype() == "xml";
    if is_text { format!("{kind}; charset=utf-8").into() } else { kind.to_string().into() }
}

/// A file of the bundle. An old name is simply gone: no page answers in its place.
pub async fn package(State(state): State<AppState>, request: Request) -> Response {
    let found = state.site.answer(request.method(), request.uri(), request.headers());
    found.unwrap_or_else(|| (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], "There is no such file.").into_response())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::Sources;

    fn site(files: &[(&str, &str)]) -> (tempfile::TempDir, Site) {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let config = Config::from_sources(&Sources::given(&[("site_dir", dir.path().to_str().unwrap())])).unwrap();
        let site = Site::find(&config);
        (dir, site)
    }

    fn get(site: &Site, path: &str, headers: &[(http::HeaderName, &str)]) -> Option<Response> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        site.answer(&Method::GET, &path.parse().unwrap(), &headers)
    }

    #[test]
    fn the_pointer_names_the_package() {
        let (_dir, site) = site(&[("pkg_dir.txt", "pkg/abc"), ("pkg/abc/troupe.js", "1")]);
        assert_eq!(&*site.options().site_pkg_dir, "pkg/abc");
        let response = get(&site, "/pkg/abc/troupe.js", &[]).unwrap();
        assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(response.headers()[CONTENT_TYPE].to_str().unwrap().contains("javascript"));
        assert!(get(&site, "/pkg_dir.txt", &[]).is_none());
    }

    #[test]
    fn the_smaller_twin_goes_to_those_who_take_it() {
        let (_dir, site) = site(&[("pkg/a/x.css", "plain"), ("pkg/a/x.css.br", "small"), ("pkg/a/x.css.gz", "middle")]);
        let encoding = |accept: &str| get(&site, "/pkg/a/x.css", &[(ACCEPT_ENCODING, accept)]).unwrap().headers().get(CONTENT_ENCODING).cloned();
        assert_eq!(encoding("gzip, deflate, br, zstd").unwrap(), "br");
        assert_eq!(encoding("gzip;q=1.0, br;q=0").unwrap(), "gzip");
        assert_eq!(encoding("identity"), None);
    }

    #[test]
    fn what_keeps_its_name_has_a_tag() {
        let (_dir, site) = site(&[("favicon.svg", "<svg/>")]);
        let first = get(&site, "/favicon.svg", &[]).unwrap();
        assert_eq!(first.headers()[CONTENT_TYPE], "image/svg+xml");
        let tag = first.headers()[ETAG].to_str().unwrap();
        assert_eq!(get(&site, "/favicon.svg", &[(IF_NONE_MATCH, tag)]).unwrap().status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn nothing_outside_the_site_is_served() {
        let (dir, site) = site(&[("a.txt", "a"), (".env", "secret")]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link.txt")).unwrap();
        for path in ["/../etc/passwd", "/..%2fetc/passwd", "/.env", "/%2eenv", "/link.txt", "//etc/passwd", "/"] {
            assert!(get(&site, path, &[]).is_none(), "{path}");
        }
        assert!(get(&site, "/a.txt", &[]).is_some());
    }
}
