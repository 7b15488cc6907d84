#!/usr/bin/env bash
# Starts a daemon on a free port with an empty folder, imports a corpus, searches it, and stops the daemon again.
# CORPUS=file.jsonl and QUERY="..." choose what.
set -euo pipefail
cd "$(dirname "$0")/.."

corpus="${CORPUS:-Examples/sample.jsonl}"
bin="${BIN:-.build/release}"
folder="$(mktemp -d "${TMPDIR:-/tmp}/sakuin-demo.XXXXXX")"
daemon=""

finish() {
    local code=$?
    trap - EXIT INT TERM
    if [ -n "$daemon" ]; then
        kill -TERM "$daemon" 2>/dev/null || true
        if wait "$daemon"; then echo "sakuind stopped cleanly"; else code=1; cat "$folder/log" >&2; fi
    fi
    rm -rf "$folder"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

"$bin/sakuind" --data "$folder/data" --listen 127.0.0.1:0 >"$folder/ready" 2>"$folder/log" &
daemon=$!
address=""
for _ in $(seq 1 100); do
    address="$(sed -n 's/^listening on //p' "$folder/ready")"
    [ -n "$address" ] && break
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.1
done
if [ -z "$address" ]; then
    echo "sakuind did not start:" >&2
    cat "$folder/log" >&2
    exit 1
fi

color=never
if [ -t 1 ]; then color=always; fi
say() { printf '\n$ sakuin %s\n' "$*"; }
run() { "$bin/sakuin" "$@" --server "$address"; }

echo "sakuind listens on $address"
say index create demo
run index create demo
say import demo "$corpus"
run import demo "$corpus"
if [ -n "${QUERY:-}" ]; then queries=("$QUERY"); else queries=("国际数字经济" "5G" "国際会議 OR 학술대회"); fi
for query in "${queries[@]}"; do
    say search demo "'$query'"
    run search demo "$query" --limit 3 --color "$color"
done
echo
