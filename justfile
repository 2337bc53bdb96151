# Murmuration's commands; `just` alone lists them. Nothing here needs `just` on PATH.

set shell := ["bash", "-euo", "pipefail", "-c"]

# What `setup` fetches is found first.
export PATH := justfile_directory() / ".tools/bin:" + env("PATH")

[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Start the broker and every service, and keep them running until Ctrl-C
[no-exit-message]
run-all: setup build
    @exec "$({{ built }})/debug/murmur" up

# Take a tour: one order is fulfilled, one declined, one unserviceable
[no-exit-message]
demo: setup build
    @exec "$({{ built }})/debug/murmur" demo

# Run the operator's command, such as `just murmur place widget:2`
[no-exit-message, positional-arguments]
murmur *args: build
    @exec "$({{ built }})/debug/murmur" "$@"

# Run every test, against a real broker where one is needed
test: setup build
    cargo test --workspace

# Run the services on a model of the broker, with everything going wrong: `just simulate --help`
[no-exit-message, positional-arguments]
simulate *args:
    @cargo run --quiet --release --package tests --bin simulate -- "$@"

# Go every way that one or two orders can take in memory, with crashes and duplicates; `just explore --help`
[no-exit-message, positional-arguments]
explore *args:
    @cargo run --quiet --release --package tests --bin explore -- "$@"

# Prove what the README promises, all of it or the parts that are named, and write docs/reliability.md: `just prove --help`
[no-exit-message, positional-arguments]
prove *args: setup build
    @exec "$({{ built }})/debug/prove" "$@"

# Place 200,000 orders, or `--orders N`, and judge whether disk and memory stay level
[no-exit-message, positional-arguments]
soak *args: setup
    @cargo build --release --workspace --bin murmur --bin sandbox-gateway --bin soak
    @exec "$({{ built }})/release/soak" "$@"

# Measure orders a second, times, CPU and memory against what the broker and the disk could do: `just bench --help`
[no-exit-message, positional-arguments]
bench *args: setup
    @cargo build --release --workspace --bin murmur --bin sandbox-gateway
    @exec "$({{ built }})/release/murmur" bench "$@"

# Measure a turn, a commit, encode and decode, each by itself
[no-exit-message, positional-arguments]
bench-micro *args:
    @cargo bench --quiet --package bench --bench micro -- "$@"

# Take out each guarantee once, and see that something notices
[private, no-exit-message, positional-arguments]
mutations *args: setup build
    @exec "$({{ built }})/debug/mutations" "$@"

# Fetch nats-server and the nats CLI into .tools/bin, where this machine has none that is new enough
setup:
    @bash murmur/setup.sh

# Write the pages that are made from the code: docs/events.md, docs/asyncapi.json, docs/graph.svg
docs: build
    @"$({{ built }})/debug/murmur" docs

# Format everything
fmt:
    cargo fmt --all

# Check the format, and what clippy says
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Remove every store in data/ and everything that was built; the tools stay
[no-exit-message]
clean:
    @if (exec 3<>/dev/tcp/127.0.0.1/4222) 2>/dev/null; then \
        echo "just clean: a broker runs on port 4222, and its store may be in data/: stop it first" >&2; \
        exit 1; \
    fi
    rm -rf data
    cargo clean

[private]
build:
    @cargo build --workspace --bins

# Where cargo is told to put what it builds: the sandbox gateway stands beside murmur.
built := "cargo metadata --format-version 1 --no-deps | sed 's/.*\"target_directory\":\"\\([^\"]*\\)\".*/\\1/'"
