#!/usr/bin/env python3
"""Queries of which none is asked twice, from a corpus: what the processor's caches hold of an index is then what a server's hold.

    Benchmarks/distinct_queries.py corpus.jsonl [COUNT] > distinct.tsv
    sakuin-bench --queries distinct.tsv --index DIR --threads 1 --warmup-s 0 --max-warmup-passes 1 --passes 1 --budget-s 20

Lines of kind, query and 0, as sakuin-bench reads them: runs of 1, 2, 3, 4 and 8 Han characters, and pairs or threes of two that stand in one
document. The same for the same corpus; a document in twenty is looked at.
"""
import json
import random
import re
import sys

HAN = re.compile("[\u4e00-\u9fff]{9,}")


def runs(path, chooser):
    """Per document that is looked at, its long runs of Han characters."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if chooser.random() < 0.05:
                document = json.loads(line)
                text = document.get("text") or " ".join(document.get(name) or "" for name in ("title", "body"))
                found = HAN.findall(text)
                if found:
                    yield found


def part(run, length, chooser):
    start = chooser.randrange(len(run) - length + 1)
    return run[start : start + length]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    count = int(sys.argv[2]) if len(sys.argv) == 3 else 4000
    chooser = random.Random(7)
    documents = list(runs(sys.argv[1], chooser))
    if not documents:
        sys.exit("distinct_queries: no document has nine Han characters in a row")

    def write(kind, make):
        seen = set()
        for _ in range(20 * count):
            query = make(chooser.choice(documents))
            if query not in seen:
                seen.add(query)
                print(kind, query, 0, sep="\t")
            if len(seen) == count:
                break

    for length in (1, 2, 3, 4, 8):
        write(f"han{length}", lambda found: part(chooser.choice(found), length, chooser))
    write(
        "multi",
        lambda found: " ".join(part(chooser.choice(found), 2, chooser) for _ in range(chooser.choice((2, 2, 3)))),
    )


main()
