#!/usr/bin/env python3
"""Kills a sakuind in the middle of an import at full speed, again and again, and says how long the starts after it take
and how much of the journal they replay. Every document that was acknowledged has to be there. Standard library only."""
import argparse
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from sakuin_wire import Connection, first
from soak import Daemon, Report

INDEX = "recovery"


def sequence(port, field):
    """The number of the last batch that was written (10), or that searches see (11), which is durable."""
    return first(Connection("127.0.0.1", port).statistics(INDEX), field)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="JSONL, imported from its beginning each time")
    parser.add_argument("--sakuind", default=".build/release/sakuind")
    parser.add_argument("--sakuin", default=".build/release/sakuin")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=4, help="the longest time between start and kill")
    parser.add_argument("--memory-mb", type=int, default=384)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    data = pathlib.Path(tempfile.mkdtemp(prefix="sakuin-recovery-"))
    seconds, report = [], Report()
    with open(data.with_suffix(".log"), "w+") as log:
        daemon = Daemon(options.sakuind, data, log, memory=options.memory_mb, refresh=200)
        daemon.spawn()
        port = daemon.ready()
        Connection("127.0.0.1", port).create(INDEX)
        for _ in range(options.kills):
            load = subprocess.Popen(
                [options.sakuin, "--server", f"127.0.0.1:{port}", "import", INDEX, options.corpus, "--ack", "disk"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(options.seconds / 3, options.seconds))
            reached = sequence(port, 11)
            daemon.kill()
            load.wait()
            began = time.monotonic()
            daemon.spawn()
            port = daemon.ready()
            seconds.append(time.monotonic() - began)
            found = sequence(port, 10)
            if found < reached:
                report.note("lost", f"batches up to {reached} could be seen, {found} are there")
        daemon.kill()
        log.seek(0)
        replayed = [int(n) for n in re.findall(r"Replayed \d+ batches, (\d+) bytes", log.read())]
    print(f"{options.kills} kills, seed {options.seed}: start after a kill at most {max(seconds):.2f} s, median "
          f"{sorted(seconds)[len(seconds) // 2]:.2f} s; at most {max(replayed, default=0) / 1e6:.1f} MB replayed, "
          f"{sum(replayed) / 1e6 / max(sum(seconds), 0.001):.0f} MB/s; " +
          ", ".join(f"{n} {kind}" for kind, n in report.counts.items()))
    shutil.rmtree(data)
    data.with_suffix(".log").unlink()
    if report.failed():
        sys.exit(1)


if __name__ == "__main__":
    main()
