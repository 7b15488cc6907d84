#!/usr/bin/env python3
"""Samples the memory of a sakuind that imports a corpus from several connections, is searched, merges and compacts, all
at once and as fast as it goes: what is its own (RssAnon) has to stay within `--memory-mb`. Standard library only."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sakuin_wire import CallFailed, Connection, first, read_queries  # noqa: E402
from soak import Daemon  # noqa: E402

INDEX = "memory"


def own(process):
    """MiB that no file stands behind."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024


def compacting(port, stop):
    connection = Connection("127.0.0.1", port, timeout=600)
    while not stop.wait(5):
        try:
            connection.compact(INDEX, 1)
        except CallFailed as failure:
            print(f"compaction: {failure}", file=sys.stderr)


def searching(port, queries, stop, times):
    connection = Connection("127.0.0.1", port)
    while True:
        for query in queries:
            if stop.is_set():
                return
            began = time.monotonic()
            try:
                connection.search(INDEX, query, 100)
                times.append(time.monotonic() - began)
            except CallFailed as failure:
                print(f"search: {failure}", file=sys.stderr)
            time.sleep(0.002)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="JSONL, with a key `id`")
    parser.add_argument("queries", help="a query a line, or with tabs and --column")
    parser.add_argument("--column", type=int, default=1, help="of the file of queries, from 1 on")
    parser.add_argument("--sakuind", default=".build/release/sakuind")
    parser.add_argument("--sakuin", default=".build/release/sakuin")
    parser.add_argument("--memory-mb", type=int, default=384)
    parser.add_argument("--imports", type=int, default=3, help="at once")
    parser.add_argument("--rounds", type=int, default=1, help="imports one after another, each")
    options = parser.parse_args()
    data = pathlib.Path(tempfile.mkdtemp(prefix="sakuin-memory-"))
    queries = read_queries(options.queries, options.column)
    stop, times, samples, counted, segments, failures = threading.Event(), [], [], [], [], 0
    with open(data.with_suffix(".log"), "w") as log:
        daemon = Daemon(options.sakuind, data, log, memory=options.memory_mb, refresh=200)
        daemon.spawn()
        port = daemon.ready()
        connection = Connection("127.0.0.1", port)
        connection.create(INDEX)
        idle = own(daemon.process)
        threads = [threading.Thread(target=compacting, args=(port, stop)),
                   threading.Thread(target=searching, args=(port, queries, stop, times))]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        for _ in range(options.rounds):
            imports = [subprocess.Popen(
                [options.sakuin, "--server", f"127.0.0.1:{port}", "import", INDEX, options.corpus],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(options.imports)]
            while any(process.poll() is None for process in imports):
                samples.append(own(daemon.process))
                if len(samples) % 10 == 0:
                    statistics = connection.statistics(INDEX)
                    counted.append(first(statistics, 9) / (1 << 20))
                    segments.append(first(statistics, 5))
                time.sleep(0.02)
            for process in imports:
                if process.wait() != 0:
                    failures += 1
                    print(process.stderr.read()[-400:], file=sys.stderr)
        seconds = time.monotonic() - began
        stop.set()
        for thread in threads:
            thread.join()
        last = own(daemon.process)
        daemon.kill()
    samples.sort()
    part = lambda share: samples[min(len(samples) - 1, int(len(samples) * share))]
    size = pathlib.Path(options.corpus).stat().st_size * options.imports * options.rounds / 1e6
    print(f"--memory-mb {options.memory_mb}: {size:.0f} MB imported in {seconds:.0f} s, {failures} imports failed, "
          f"{len(times)} searches, p99 {1000 * sorted(times)[len(times) * 99 // 100] if times else 0:.0f} ms, at most "
          f"{max(segments, default=0)} segments")
    print(f"of its own: {idle:.0f} MiB idle, median {part(0.5):.0f}, p95 {part(0.95):.0f}, at most {samples[-1]:.0f}, "
          f"afterwards {last:.0f}; in the budget at most {max(counted, default=0):.0f}")
    shutil.rmtree(data)
    data.with_suffix(".log").unlink()
    if samples[-1] > options.memory_mb or failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
