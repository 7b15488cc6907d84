#!/usr/bin/env python3
"""Measures searches with and without a compaction beside them: a real sakuind with its default budget, one client that
asks one question after another. After a warm-up come pairs of windows, in turn without first and with first; a compaction
to one segment runs all through a window with. Prints each pair and the medians. Standard library only."""
import argparse
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time

from sakuin_wire import Connection, read_queries
from soak import INDEX, Daemon

CHARACTERS = "一二三四五六七八九十天地人山川草木日月火水金土国家社会新聞記事東西南北春夏秋冬今昔明暗大小上下左右前後"
RUNNING = (0, 1)


class Bench:
    def __init__(self, options, port):
        self.random, self.options = random.Random(options.seed), options
        self.connection, self.steering = Connection("127.0.0.1", port, 600), Connection("127.0.0.1", port, 600)
        self.queries, self.job, self.looked, self.changes, self.compactions = None, None, 0, 0, 0

    def fill(self):
        for at in range(0, self.options.documents, 500):
            keys = range(at, min(at + 500, self.options.documents))
            text = lambda: "".join(self.random.choices(CHARACTERS, k=self.random.randint(100, 900)))
            self.connection.write(INDEX, {f"k{k}": {"title": f"{k}", "body": text()} for k in keys}, [], "log", f"b{at}")

    def query(self):
        if self.queries:
            return self.random.choice(self.queries)
        return "".join(self.random.choices(CHARACTERS, k=2))

    def compact(self):
        """Keeps a compaction running: one document has changed, so all is merged again."""
        if self.job and time.monotonic() - self.looked < 0.05:
            return
        self.looked = time.monotonic()
        if self.job and self.steering.job_state(INDEX, self.job) in RUNNING:
            return
        self.changes += 1
        self.steering.write(INDEX, {"changed": {"title": f"{self.changes}"}}, [], "log", f"c{self.changes}")
        self.steering.refresh(INDEX)
        self.job = self.steering.start_compaction(INDEX, 1)
        self.compactions += 1

    def window(self, seconds, beside):
        """Milliseconds of each search in a window."""
        times = []
        if beside:
            self.compact()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            query = self.query()
            began = time.monotonic()
            self.connection.search(INDEX, query, 10)
            times.append(1000 * (time.monotonic() - began))
            if beside:
                self.compact()
            time.sleep(0.001)
        if self.job and self.steering.job_state(INDEX, self.job) in RUNNING:
            self.steering.cancel(INDEX, self.job)
            while self.steering.job_state(INDEX, self.job) in RUNNING:
                time.sleep(0.02)
        self.job = None
        return sorted(times)


def at(times, percent):
    return times[min(len(times) - 1, len(times) * percent // 100)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sakuind", default=".build/release/sakuind")
    parser.add_argument("--sakuin", default=".build/release/sakuin")
    parser.add_argument("--corpus", help="JSON lines to import; otherwise documents are made up")
    parser.add_argument("--queries", help="a question a line, or with tabs and --column")
    parser.add_argument("--column", type=int, default=1, help="of the file of queries, from 1 on")
    parser.add_argument("--documents", type=int, default=40000, help="so many are made up")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=8, help="of a window")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    data = pathlib.Path(tempfile.mkdtemp(prefix="sakuin-beside-"))
    daemon = Daemon(options.sakuind, data, subprocess.DEVNULL, memory=384, refresh=200)
    daemon.spawn()
    try:
        port = daemon.ready()
        bench = Bench(options, port)
        bench.connection.create(INDEX)
        if options.corpus:
            subprocess.run([options.sakuin, "--server", f"127.0.0.1:{port}", "import", INDEX, options.corpus, "--json"],
                           check=True, stdout=subprocess.DEVNULL)
        else:
            bench.fill()
        if options.queries:
            bench.queries = read_queries(options.queries, options.column)
        bench.connection.compact(INDEX, 1)
        bench.window(options.seconds, False)
        s = bench.connection.statistics(INDEX)
        print(f"{s[2][0]} documents, {s[6][0] / 1e6:.0f} MB; milliseconds of a search", flush=True)
        print("pair  without: p50   p99  with: p50   p99  ratio: p50   p99   searches")
        ratios = []
        for pair in range(options.pairs):
            order = [False, True] if pair % 2 == 0 else [True, False]
            times = {beside: bench.window(options.seconds, beside) for beside in order}
            (a, b), (c, d) = [(at(times[beside], 50), at(times[beside], 99)) for beside in (False, True)]
            ratios.append((c / a, d / b))
            print(f"{pair + 1:4}  {a:12.2f} {b:6.2f} {c:10.2f} {d:5.2f} {c / a:11.2f} {d / b:5.2f}   "
                  f"{len(times[False])}, {len(times[True])}", flush=True)
        print(f"median ratio: p50 {statistics.median(r[0] for r in ratios):.2f}, p99 {statistics.median(r[1] for r in ratios):.2f};"
              f" {bench.compactions} compactions")
    finally:
        daemon.kill()
        shutil.rmtree(data)


if __name__ == "__main__":
    main()
