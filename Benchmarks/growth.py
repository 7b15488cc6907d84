#!/usr/bin/env python3
"""How times and sizes grow with the corpus: builds an index of each corpus and of samples of it with sakuin-bench, asks
the same queries of each, and writes a table (growth.md), a plot (growth.svg) and the figures (growth.json).

    Benchmarks/growth.py --bench PATH/sakuin-bench --out DIR CORPUS.jsonl[.xz]...

The queries of X.jsonl or X.jsonl.xz are those of X.queries.tsv beside it, or the files of --queries in the same order. A
sample of 1/10 is every tenth line. Standard library only.
"""
import argparse
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import growth_plot

OPERATIONS = ("count", "top10", "top10count")


def fail(message):
    sys.exit(f"growth: {message}")


def base_name(path):
    name = path.name
    for end in (".xz", ".jsonl"):
        name = name.removesuffix(end)
    return name


def documents(path):
    """The lines of a corpus as {"id", "text"}, the text being title and body, or text."""
    with (lzma.open if path.suffix == ".xz" else open)(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                document = json.loads(line)
                text = " ".join(document[f] for f in ("title", "body") if document.get(f)) or document.get("text", "")
                yield {"id": str(document["id"]), "text": text}
            except (ValueError, KeyError, TypeError) as error:
                fail(f"{path}, line {number}: no document with an id and text ({error!r})")


def write_samples(corpus, divisors, folder):
    """One file a divisor, with every so many-th document; reads the corpus once. Returns the files by divisor."""
    files = {divisor: folder / f"{base_name(corpus)}-{divisor}.jsonl" for divisor in divisors}
    outs = {divisor: open(file, "w", encoding="utf-8") for divisor, file in files.items()}
    count = 0
    for count, document in enumerate(documents(corpus), 1):
        line = json.dumps(document, ensure_ascii=False) + "\n"
        for divisor, out in outs.items():
            if (count - 1) % divisor == 0:
                out.write(line)
    for out in outs.values():
        out.close()
    if count == 0:
        fail(f"{corpus} has no documents")
    return files


def run(command):
    """Runs the bench; its answer, and the most memory it had in bytes."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            fail(f"exit code {process.returncode} of: {' '.join(map(str, command))}")
        out.seek(0)
        # Linux counts in kilobytes, macOS in bytes.
        return json.load(out), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def percentile(sorted_values, percent):
    return sorted_values[min(len(sorted_values) * percent // 100, len(sorted_values) - 1)]


def groups(answer):
    for group in answer["query"]["groups"]:
        times = sorted(time for time in group["us"] if time is not None)
        if times:
            kind = group["kind"] if group["mode"] == "phrase" else f"{group['kind']} {group['mode']}"
            yield {"kind": kind, "op": group["op"], "p50": percentile(times, 50), "p99": percentile(times, 99)}


def measure(options, corpus, queries, divisor, file, folder):
    """Builds and asks, each in a process of its own."""
    index = folder / "index"
    answer, build_rss = run([options.bench, "--corpus", file, "--index", index, "--threads", options.threads])
    build = answer["build"]
    if not build["text_bytes"]:
        fail(f"{file.name} has no text")
    answer, query_rss = run(
        [options.bench, "--queries", queries, "--index", index, "--threads", 1, "--warmup-s", options.warmup_s,
         "--passes", options.passes, "--budget-s", options.budget_s])
    shutil.rmtree(index)
    times = list(groups(answer))
    if not times:
        fail(f"{queries} has no query that was answered")
    return {
        "corpus": base_name(corpus), "divisor": divisor, "documents": build["docs"], "text_bytes": build["text_bytes"],
        "build_mb_s": build["text_bytes"] / 1e6 / build["build_s"], "merge_s": build["merge_s"],
        "bytes_per_text_byte": build["bytes"] / build["text_bytes"], "build_rss": build_rss, "query_rss": query_rss,
        "groups": times,
    }


# MARK: Tables

def fraction(divisor):
    return "all" if divisor == 1 else f"1/{divisor}"


def ratio(values):
    return f"{values[-1] / values[0]:.1f}" if len(values) > 1 and values[0] > 0 else ""


def size_table(points):
    yield "| corpus | part | documents | text | build | merge | index / text | peak RSS, building | asking |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    for p in points:
        yield (f"| {p['corpus']} | {fraction(p['divisor'])} | {p['documents']:,} | {p['text_bytes'] / 1e6:.3g} MB "
               f"| {p['build_mb_s']:.1f} MB/s | {p['merge_s']:.2f} s | {p['bytes_per_text_byte']:.2f} "
               f"| {p['build_rss'] / 1e6:.0f} MB | {p['query_rss'] / 1e6:.0f} MB |")


def time_table(points):
    """Times of one corpus, smallest part first."""
    parts = [fraction(p["divisor"]) for p in points]
    heads = [f"{percent}, {part}" for percent in ("p50", "p99") for part in parts + ["×"]]
    yield "| kind | operation | " + " | ".join(heads) + " |"
    yield "|---|---|" + "--:|" * len(heads)
    keys = [(g["kind"], g["op"]) for g in points[-1]["groups"]]
    for kind, operation in keys:
        cells = []
        for percent in ("p50", "p99"):
            values = [g[percent] for p in points for g in p["groups"] if (g["kind"], g["op"]) == (kind, operation)]
            cells += [f"{value:.1f}" for value in values] + [ratio(values)]
        yield f"| {kind} | {operation} | " + " | ".join(cells) + " |"


def report(points, corpora):
    yield "# Growth\n"
    yield from size_table(points)
    yield "\n![times by size of the corpus](growth.svg)"
    for name in corpora:
        yield f"\n## {name}\n\nMicroseconds in process, one thread; × is the last part by the first.\n"
        yield from time_table([p for p in points if p["corpus"] == name])


# MARK: Command line

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", type=pathlib.Path, metavar="CORPUS")
    parser.add_argument("--queries", action="append", type=pathlib.Path, help="once a corpus, in the same order")
    parser.add_argument("--bench", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--parts", default="10,1", help="every so many-th document; default 10,1")
    parser.add_argument("--threads", default=2, type=int, help="of the build")
    parser.add_argument("--warmup-s", default=1.0, type=float)
    parser.add_argument("--passes", default=7, type=int)
    parser.add_argument("--budget-s", default=4.0, type=float)
    options = parser.parse_args()
    try:
        options.parts = sorted({int(part) for part in options.parts.split(",")}, reverse=True)
    except ValueError:
        parser.error("--parts takes whole numbers with commas between")
    if options.parts[-1] < 1:
        parser.error("--parts takes numbers from 1")
    if options.queries is None:
        options.queries = [corpus.parent / f"{base_name(corpus)}.queries.tsv" for corpus in options.corpora]
    if len(options.queries) != len(options.corpora):
        parser.error("--queries is needed once for each corpus, or not at all")
    for file in options.corpora + options.queries + [options.bench]:
        if not file.is_file():
            parser.error(f"there is no file '{file}'")
    if len({base_name(corpus) for corpus in options.corpora}) < len(options.corpora):
        parser.error("two corpora have one name")
    return options


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    points = []
    for corpus, queries in zip(options.corpora, options.queries):
        with tempfile.TemporaryDirectory(dir=options.out) as name:
            folder = pathlib.Path(name)
            for divisor, file in write_samples(corpus, options.parts, folder).items():
                print(f"growth: {base_name(corpus)}, {fraction(divisor)}", file=sys.stderr)
                points.append(measure(options, corpus, queries, divisor, file, folder))
                file.unlink()
    names = [base_name(corpus) for corpus in options.corpora]
    (options.out / "growth.json").write_text(json.dumps({"points": points}, ensure_ascii=False, indent=1) + "\n")
    (options.out / "growth.md").write_text("\n".join(report(points, names)) + "\n")
    (options.out / "growth.svg").write_text(growth_plot.svg(points, names, OPERATIONS))
    print(f"written: {options.out / 'growth.md'}, {options.out / 'growth.svg'}")


if __name__ == "__main__":
    main()
