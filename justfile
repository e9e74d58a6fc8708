# Every command of the project. `just` lists them; `./dev NAME` is the same and installs `just` first.

set shell := ["sh", "-euc"]
set dotenv-load := true

root := justfile_directory()
target := absolute_path(env('CARGO_TARGET_DIR', root / 'target'))
binary := target / 'release/troupe'
xtask := 'cargo run --quiet --package xtask --'
timed := quote(root / 'dev') + ' timed'
# cargo-leptos where it is installed; compiling it takes a small machine a quarter of an hour.
bundler := env('TROUPE_BUNDLER', `cargo leptos --version >/dev/null 2>&1 && echo cargo-leptos || echo xtask`)
# Brotli bytes that a browser may load before the first workspace page works.
budget := '358400'

export PATH := root / 'end2end/node_modules/.bin' + ':' + env('PATH')
export NODE_PATH := root / 'end2end/node_modules'

[private]
default:
    @just --list --unsorted

# Build what is missing and serve http://127.0.0.1:3000
up: _compiler _wasm _node
    @{{ timed }} "pages, by {{ bundler }}" just bundle
    @{{ timed }} "server" cargo build --quiet --package server
    @exec "{{ target }}/debug/troupe" serve

# Serve, rebuild on every edit and reload the browser
watch: _compiler _wasm _node
    @if [ "{{ bundler }}" = cargo-leptos ]; then exec cargo leptos watch --split -- serve; else exec {{ xtask }} watch; fi

# What the browser loads, for development
bundle: _wasm _node
    @if [ "{{ bundler }}" = cargo-leptos ]; then cargo leptos build --split --frontend-only; else {{ xtask }} bundle; fi

# The released program, pages inside: target/release/troupe
build: _compiler _wasm _node
    @{{ timed }} "pages for release, by {{ bundler }}" just _pages-release
    @{{ timed }} "server for release" env TROUPE_EMBED_DIR="$({{ xtask }} site --release)" \
        cargo build --quiet --release --package server --features embed
    @echo "{{ binary }}"

# Everything that must hold before a change lands
test: _compiler _wasm _node _browser _postgres check _test build size e2e
    @echo "all checks passed; the browser ran the release bundle made by {{ bundler }}"

# Format and lints, for the server and for the browser
check: _wasm
    @{{ timed }} "format" cargo fmt --all --check
    @{{ timed }} "lints, server" cargo clippy --quiet --all-targets -- -D warnings
    @{{ timed }} "lints, tools" cargo clippy --quiet --package xtask --package bench --all-targets -- -D warnings
    @{{ timed }} "lints, browser" cargo clippy --quiet --package frontend --target wasm32-unknown-unknown \
        --profile wasm-release --target-dir "{{ target }}/front" -- -D warnings

# Browser tests against the release binary; arguments go to Playwright
e2e *arguments: _node _browser
    @test -x "{{ binary }}" || just build
    @cd end2end && {{ timed }} "browser" env TROUPE_BIN="{{ binary }}" playwright test --pass-with-no-tests {{ arguments }}

# Brotli bytes of the workspace's first load, held against the budget
size:
    @{{ xtask }} size --budget {{ budget }}

# Layout, direction, words: the tree against its rules
tidy:
    @cargo test --quiet --package testkit --test tidy

# Bans, licences and sources of dependencies, where cargo-deny is installed
deny:
    @if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; \
        else echo "cargo-deny is missing. Try: cargo install --locked cargo-deny"; fi

# Bring the database of this directory up to date
migrate:
    @cargo run --quiet --package server -- migrate

# The crates' documentation
doc:
    @cargo doc --no-deps

# How long edits take to show
bench-build: _compiler _wasm _node
    @cargo run --quiet --release --package bench -- build

# Streaming: processor time and added latency beside a relay without a log
bench-stream: build
    @cargo run --quiet --release --package bench -- stream

# Jobs from enqueue to done, on both databases
bench-queue: build
    @cargo run --quiet --release --package bench -- queue

# Cold start and idle memory
bench-start: build
    @cargo run --quiet --release --package bench -- start

# Kill the server N times under load and count what was lost
drill-kill n='50': build
    @cargo run --quiet --release --package bench -- drill-kill {{ n }}

[private]
_pages-release:
    @if [ "{{ bundler }}" = cargo-leptos ]; then \
        LEPTOS_SITE_ROOT="{{ target }}/site-leptos" cargo leptos build --release --split --frontend-only; \
        {{ xtask }} adopt "{{ target }}/site-leptos/pkg"; \
    else {{ xtask }} bundle --release; fi

[private]
_test:
    @if [ -n "${CI-}" ]; then export TROUPE_SIM_SEEDS="${TROUPE_SIM_SEEDS:-2000}"; fi; \
        if cargo nextest --version >/dev/null 2>&1; then {{ timed }} "tests" cargo nextest run --no-fail-fast; \
        else {{ timed }} "tests" cargo test --quiet --no-fail-fast; fi
    @{{ timed }} "tests of the tools" cargo test --quiet --package xtask

# What the machine must have; each installs what is missing or names the command.

[private]
_compiler:
    @command -v cc >/dev/null || just _system "C compiler" build-essential

[private]
_wasm:
    @test -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" || \
        {{ timed }} "wasm target" rustup target add wasm32-unknown-unknown

[private]
_node:
    @command -v npm >/dev/null || just _system "Node" nodejs npm
    @cmp -s end2end/package-lock.json end2end/node_modules/installed.json || \
        {{ timed }} "node tools" sh -c 'npm ci --silent --prefix end2end && cp end2end/package-lock.json end2end/node_modules/installed.json'

[private]
_browser:
    @test -n "${CHROME_BIN-}" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
        || command -v google-chrome >/dev/null || command -v google-chrome-stable >/dev/null || just _system "Chromium" chromium

[private]
_postgres:
    @test -n "${TEST_DATABASE_URL-}" || command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || \
        just _system "PostgreSQL" postgresql

[private]
_system name +packages:
    @if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then \
        {{ timed }} "{{ name }}" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends {{ packages }} >/dev/null'; \
    else \
        echo "{{ name }} is missing. Try: sudo apt-get install {{ packages }}" >&2; exit 1; \
    fi
