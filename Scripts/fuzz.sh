#!/usr/bin/env bash
# Fuzzes every parser for SECONDS each (TARGET=name: that one), with libFuzzer and AddressSanitizer. What is found is kept
# in Tests/Fuzz/FailCases, which `make test` replays; what was learnt of inputs stays in .build-fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${SECONDS_EACH:-60}
build=.build-fuzz
program=$build/release/sakuin-fuzz
# The engine keeps memory for the next search on purpose.
export SAKUIN_FUZZ=1 SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

# Of several options the compiler takes the last; the first tells the package manager that there is no main.
swift build -c release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing --scratch-path $build \
    --product sakuin-fuzz

targets=${TARGET:-$($program)}

# fuzz TARGET SECONDS ARTIFACTS: 0 when nothing was found
fuzz() {
    local corpus=$build/corpus/$1 log=$build/$1.log
    rm -f "$log"
    mkdir -p "$corpus"
    SAKUIN_FUZZ_TARGET=$1 SAKUIN_FUZZ_SEEDS=$corpus $program || return
    mkdir -p "$3"
    local status=0
    SAKUIN_FUZZ_TARGET=$1 $program -max_total_time="$2" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$3/" "$corpus" >"$log" 2>&1 || status=$?
    rmdir "$3" 2>/dev/null || true
    local runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if ((status == 0)); then
        echo "$1: ${runs:-no} inputs, nothing found"
    else
        echo "$1: found after ${runs:-no} inputs, see $log"
        grep -aE 'BROKEN|ERROR|SUMMARY|Test unit written' "$log" | cut -c1-300 | sed 's/^/    /'
    fi
    return $status
}

# It is found in seconds on a machine that has time.
fuzz canary 240 "$build/canary-found" >/dev/null || true
if ! grep -aq '^BROKEN canary' "$build/canary.log"; then
    echo "The fuzzer does not find the canary; it would find nothing else." >&2
    exit 1
fi
rm -rf "$build/canary-found" "$build/corpus/canary"
echo "canary: found, as it has to be"

found=0
for target in $targets; do
    fuzz "$target" "$seconds" "Tests/Fuzz/FailCases/$target" || found=1
done
exit $found
