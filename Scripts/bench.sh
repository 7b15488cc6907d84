#!/usr/bin/env bash
# The peer bench: sakuin-bench beside the engines whose harness is in PEERS, on CORPUS with QUERIES; or alone.
set -euo pipefail
corpus=${CORPUS:?usage: make bench CORPUS=file.jsonl[.xz] [QUERIES=file.tsv] [ENGINES=sakuin,lucene,…] [PEERS=folder] [COMPACT=yes]}
base=${corpus%.xz}
queries=${QUERIES:-${base%.jsonl}.queries.tsv}
peers=${PEERS:-../shared/peers}
for file in "$corpus" "$queries"; do
    [ -f "$file" ] || { echo "bench: there is no file '$file'" >&2; exit 1; }
done
swift build -c release --package-path Benchmarks --product sakuin-bench
bench=$PWD/Benchmarks/.build/release/sakuin-bench
compact=${COMPACT:-no}
out=$PWD/.build/bench
mkdir -p "$out"
if [ -f "$peers/peers.py" ]; then
    SAKUIN_BENCH="$bench --compact $compact" python3 "$peers/peers.py" --corpus "$corpus" --queries "$queries" \
        --engines "${ENGINES:-sakuin,lucene,tantivy,groonga}" --work "$out/work" --out "$out/result.json"
    cat "$out/result.md"
    echo "written: $out/result.md"
else
    echo "bench: no harness in '$peers' (PEERS=folder names another); sakuin-bench alone" >&2
    case $corpus in *.xz) xz -dc "$corpus" > "$out/corpus.jsonl"; corpus=$out/corpus.jsonl ;; esac
    python3 - "$corpus" "$out/docs.jsonl" <<'PY'
import json, sys
with open(sys.argv[2], "w") as out:
    for line in open(sys.argv[1]):
        d = json.loads(line)
        text = " ".join(d[f] for f in ("title", "body") if d.get(f)) or d.get("text", "")
        out.write(json.dumps({"id": str(d["id"]), "text": text}, ensure_ascii=False) + "\n")
PY
    "$bench" --compact "$compact" --corpus "$out/docs.jsonl" --queries "$queries" --index "$out/index" --threads "${THREADS:-2}" \
        > "$out/result.json"
    python3 - "$out/result.json" <<'PY'
import json, sys
answer = json.load(open(sys.argv[1]))
b = answer["build"]
print(f"{b['docs']} documents, {b['text_bytes'] / b['build_s'] / 1e6:.1f} MB/s, {b['bytes'] / b['text_bytes']:.2f} x text")
for g in answer["query"]["groups"]:
    us = sorted(g["us"])
    print(f"{g['kind']:9} {g['mode']:6} {g['op']:9} {len(us) / sum(us) * 1e6:10.0f}/s"
          f"  p50 {us[len(us) // 2]:8.1f} us  p99 {us[len(us) * 99 // 100]:8.1f} us")
PY
    echo "written: $out/result.json"
fi
