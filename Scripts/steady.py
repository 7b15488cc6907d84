#!/usr/bin/env python3
"""Keeps a real sakuind under puts, replacements, deletes, searches and compactions for some minutes, and samples what
must stay bounded: resident memory, files, bytes, dead documents, merge debt. At the end every document is compared with
what was last acknowledged. Writes SAMPLES.tsv and with --plot an SVG. Standard library only."""
import argparse
import pathlib
import random
import re
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))
import svgplot  # noqa: E402
from sakuin_wire import RESOURCE_EXHAUSTED, CallFailed, Connection, first
from soak import INDEX, Daemon, Report

WORD = "全文検索"
CHARACTERS = "一二三四五六七八九十天地人山川草木日月火水金土国家社会新聞記事東西南北春夏秋冬今昔明暗大小上下左右前後"
COLUMNS = ["seconds", "rssMB", "anonymousMB", "budgetMB", "files", "bytes", "documents", "deletedDocuments", "segments", "mergeDebtBytes",
           "puts", "searchP99ms", "deadBytes"]


class Writer(threading.Thread):
    """Replaces and deletes documents of its own keys; the model is what was acknowledged."""

    def __init__(self, number, port, options, stop):
        super().__init__()
        self.random = random.Random(options.seed * 100 + number)
        self.keys = [f"w{number}-{i}" for i in range(options.documents // options.writers)]
        self.connection = Connection("127.0.0.1", port)
        self.stop, self.rate = stop, options.rate / options.writers
        self.model, self.sent, self.puts, self.failure = {}, 0, 0, None

    def text(self):
        return WORD + "".join(self.random.choices(CHARACTERS, k=self.random.randint(100, 900)))

    def run(self):
        try:
            due = time.monotonic()
            while not self.stop.is_set():
                self.batch()
                due = max(due + 100 / self.rate, time.monotonic() - 1)
                self.stop.wait(max(0, due - time.monotonic()))
        except Exception as problem:
            self.failure = problem

    def batch(self):
        self.sent += 1
        chosen = self.random.sample(self.keys, 100)
        puts = {k: {"title": f"{self.sent}", "body": self.text(), "n": self.sent} for k in chosen[:95]}
        while True:
            try:
                self.connection.write(INDEX, puts, chosen[95:], "log", f"{self.name}-{self.sent}")
                break
            except CallFailed as failure:
                if failure.code != RESOURCE_EXHAUSTED:
                    raise
                time.sleep(0.05)
        self.puts += len(puts)
        for k in chosen[95:]:
            self.model.pop(k, None)
        for k, fields in puts.items():
            self.model[k] = fields["n"]


class Searcher(threading.Thread):
    def __init__(self, port, seed, stop):
        super().__init__()
        self.random, self.stop = random.Random(seed), stop
        self.connection = Connection("127.0.0.1", port)
        self.times, self.count, self.failure = [], 0, None

    def run(self):
        try:
            while not self.stop.wait(0.005):
                query = "".join(self.random.choices(CHARACTERS, k=2))
                began = time.monotonic()
                keys, total, complete = self.connection.search(INDEX, query, 10)
                self.times.append(time.monotonic() - began)
                self.count += 1
                if not complete or len(set(keys)) != len(keys) or total < len(keys):
                    raise AssertionError(f"{query}: {len(keys)} of {total}, complete {complete}")
        except Exception as problem:
            self.failure = problem

    def p99(self):
        times, self.times = sorted(self.times), []
        return 1000 * times[len(times) * 99 // 100] if times else 0


class Compactor(threading.Thread):
    def __init__(self, port, interval, stop):
        super().__init__()
        self.connection, self.interval, self.stop = Connection("127.0.0.1", port, timeout=600), interval, stop
        self.count, self.failure = 0, None

    def run(self):
        try:
            while not self.stop.wait(self.interval):
                self.connection.compact(INDEX, 1)
                self.count += 1
        except Exception as problem:
            self.failure = problem


def sample(daemon, connection, writers, searcher, began):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    sizes = []
    for path in (daemon.data / "indexes" / INDEX).glob("*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:
            pass
    s = connection.statistics(INDEX)
    # Mapped segment files count in VmRSS; the system takes their pages back when it needs them.
    rss, anonymous = (int(re.search(name + r":\s+(\d+)", status).group(1)) / 1024 for name in ("VmRSS", "RssAnon"))
    return [round(time.monotonic() - began), round(rss), round(anonymous), first(s, 9) >> 20, len(sizes), sum(sizes), first(s, 2), first(s, 3), first(s, 5),
            first(s, 30), sum(w.puts for w in writers), round(searcher.p99(), 2), first(s, 40)]


def compare(port, writers, report):
    connection = Connection("127.0.0.1", port)
    connection.refresh(INDEX)
    for writer in writers:
        for at in range(0, len(writer.keys), 200):
            keys = writer.keys[at:at + 200]
            for key, found in zip(keys, connection.get(INDEX, keys)):
                wanted = writer.model.get(key)
                number = found["n"] if found else None
                if number != wanted:
                    kind = "lost" if number is None else "resurrected" if wanted is None else "wrong"
                    report.note(kind, f"{key} is {number}, was acknowledged as {wanted}")
    _, total, _ = connection.search(INDEX, WORD, 1)
    expected = sum(len(w.model) for w in writers)
    if total != expected:
        report.note("wrong", f"a search finds {total}, there are {expected}")
    return expected


def plot(samples, path):
    line = lambda name, scale=1: [(s[0] / 60, s[COLUMNS.index(name)] / scale) for s in samples]
    panels = [("Memory", "MiB", {"with mapped files": line("rssMB"), "of its own": line("anonymousMB"),
                                 "counted in the budget": line("budgetMB")}),
              ("Files and segments", "count", {"files": line("files"), "segments": line("segments")}),
              ("Documents", "count", {"living": line("documents"), "dead": line("deletedDocuments")}),
              ("Bytes of the folder", "MB", {"files": line("bytes", 1e6), "merge debt": line("mergeDebtBytes", 1e6),
                                                "of dead documents": line("deadBytes", 1e6)})]
    svgplot.write(path, [{"title": t, "x_name": "minutes", "y_name": y, "lines": lines} for t, y, lines in panels])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sakuind", default=".build/release/sakuind")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--documents", type=int, default=40_000, help="different keys")
    parser.add_argument("--rate", type=float, default=1_500, help="documents written a second")
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--compact-every", type=float, default=60, help="seconds")
    parser.add_argument("--memory-mb", type=int, default=64)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", default="steady.tsv")
    parser.add_argument("--plot", help="an SVG file")
    options = parser.parse_args()
    data = pathlib.Path(tempfile.mkdtemp(prefix="sakuin-steady-"))
    report, stop, samples = Report(), threading.Event(), []
    with open(data.with_suffix(".log"), "w") as log:
        daemon = Daemon(options.sakuind, data, log, memory=options.memory_mb)
        daemon.spawn()
        port = daemon.ready()
        connection = Connection("127.0.0.1", port)
        connection.create(INDEX)
        writers = [Writer(n, port, options, stop) for n in range(options.writers)]
        searcher, compactor = Searcher(port, options.seed, stop), Compactor(port, options.compact_every, stop)
        everyone = writers + [searcher, compactor]
        began = time.monotonic()
        for thread in everyone:
            thread.start()
        while time.monotonic() < began + options.minutes * 60 and not any(t.failure for t in everyone):
            time.sleep(min(5, options.minutes * 60))
            samples.append(sample(daemon, connection, writers, searcher, began))
        stop.set()
        for thread in everyone:
            thread.join()
            if thread.failure:
                report.note("wrong", f"{type(thread.failure).__name__}: {thread.failure}")
        documents = compare(port, writers, report)
        daemon.kill()
    with open(options.out, "w") as out:
        out.writelines("\t".join(map(str, row)) + "\n" for row in [COLUMNS] + samples)
    if options.plot:
        plot(samples, options.plot)
    peak = lambda name: max(s[COLUMNS.index(name)] for s in samples)
    print(f"{options.minutes:g} minutes, seed {options.seed}: {sum(w.puts for w in writers)} puts, "
          f"{sum(w.sent * 5 for w in writers)} deletes, {searcher.count} searches, {compactor.count} compactions; "
          f"{documents} documents compared: " + ", ".join(f"{n} {kind}" for kind, n in report.counts.items()))
    print(f"at most {peak('anonymousMB')} MiB of its own, {peak('rssMB')} MiB with mapped files, {peak('files')} files, {peak('bytes') / 1e6:.0f} MB, "
          f"{peak('deletedDocuments')} dead documents, {peak('segments')} segments, "
          f"{peak('mergeDebtBytes') / 1e6:.0f} MB merge debt")
    shutil.rmtree(data)
    if report.failed():
        sys.exit(1)


if __name__ == "__main__":
    main()
