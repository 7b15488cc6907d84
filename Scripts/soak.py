#!/usr/bin/env python3
"""Drives a real sakuind under load, kills it with SIGKILL at random moments and compares what is there after each start
with a model of what was acknowledged. Standard library only.

Each client writes its own keys, one batch at a time, so its history is a list of states. After a kill the index holds
one of them: at least the last that was acknowledged at `log` or `disk`, at most the last that was sent. A batch without
an acknowledgement is sent again under its idempotency key: it is a repeat just when it is there already.

Now and then the process gets no more memory from the system before it is killed (RLIMIT_AS, RLIMIT_DATA): allocations fail, which ends it,
or mappings do, which it has to survive.
"""
import argparse
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from sakuin_wire import NOT_FOUND, RESOURCE_EXHAUSTED, CallFailed, Connection, first

INDEX = "soak"
# The last of the states of a job that has not ended.
PAUSED = 2
WORD = "全文検索"


class Client:
    """One writer and its model: of few keys, or of many with larger documents, so that merges take long enough to be
    killed."""

    def __init__(self, number, seed, count=32):
        self.name = f"c{number}"
        self.random = random.Random(seed * 1000 + number)
        self.keys = [f"{self.name}-{i}" for i in range(count)]
        self.is_large = count > 32
        self.states = [{}]
        self.lower = 0
        self.sent = 0
        self.acknowledged = 0
        self.pending = None

    def batch(self):
        self.sent += 1
        chosen = self.random.sample(self.keys, 200 if self.is_large else self.random.randint(1, 8))
        cut = len(chosen) - len(chosen) // 50 if self.is_large else self.random.randint(1, len(chosen))
        text = f"{WORD}第{self.sent}回、{self.name}の" + "索引と検索" * self.random.randint(0, 40)
        if self.is_large:
            text += "".join(chr(0x4E00 + self.random.randrange(3000)) for _ in range(400))
        puts = {k: {"title": text, "n": self.sent} for k in chosen[:cut]}
        return puts, chosen[cut:], f"{self.name}-{self.sent}-{os.getpid()}"

    def apply(self, state, puts, deletes):
        after = dict(state)
        for key, fields in puts.items():
            after[key] = fields["n"]
        for key in deletes:
            after.pop(key, None)
        return after

    def write(self, connection, level):
        """Sends the next batch; raises when the connection has gone."""
        self.pending = self.batch()
        puts, deletes, key = self.pending
        self.states.append(self.apply(self.states[-1], puts, deletes))
        while True:
            try:
                if connection.write(INDEX, puts, deletes, level, key):
                    raise AssertionError(f"{key} is said to be a repeat")
                break
            except CallFailed as failure:
                if failure.code != RESOURCE_EXHAUSTED:
                    raise
                time.sleep(0.02)
        self.pending = None
        self.acknowledged += 1
        if level != "memory":
            self.lower = len(self.states) - 1
        if self.is_large:
            # Only what may still come back is kept: states of many keys are large.
            self.states, self.lower = self.states[self.lower:], 0

    def found(self, connection):
        found = {}
        for at in range(0, len(self.keys), 1000):
            keys = self.keys[at:at + 1000]
            found.update({k: d["n"] for k, d in zip(keys, connection.get(INDEX, keys)) if d is not None})
        return found

    def check(self, connection, report):
        """Compares, sends a pending batch again, and goes on from what is there."""
        state = self.found(connection)
        allowed = self.states[self.lower:]
        if state not in allowed:
            report.judge(self.name, state, allowed)
        if self.pending:
            puts, deletes, key = self.pending
            was_there = state == self.states[-1]
            repeat = connection.write(INDEX, puts, deletes, "disk", key)
            report.resent += 1
            if repeat != was_there:
                report.note("wrong", f"{key}: repeat {repeat}, but was there: {was_there}")
            if not repeat:
                state = self.apply(state, puts, deletes)
            self.pending = None
        self.states, self.lower = [state], 0


class Report:
    def __init__(self):
        self.counts = {"lost": 0, "resurrected": 0, "wrong": 0}
        self.lock = threading.Lock()
        self.resent = self.kills = self.searches = self.compactions = self.throttled = self.merging = 0
        self.starved = self.ended_starved = 0
        self.recoveries = []
        self.rss_max = self.files_max = self.bytes_max = 0

    def note(self, kind, text):
        with self.lock:
            self.counts[kind] += 1
            print(f"{kind}: {text}", file=sys.stderr, flush=True)

    def judge(self, name, state, allowed):
        for key in set(state) | set().union(*allowed):
            values = {s.get(key) for s in allowed}
            value = state.get(key)
            if value in values:
                continue
            later = any(v is None or v > value for v in values) if value is not None else False
            kind = "lost" if value is None else "resurrected" if later else "wrong"
            self.note(kind, f"{key} is {value}, may be {values}")
            return
        self.note("wrong", f"{name}: half a batch: {state}")

    def failed(self):
        return sum(self.counts.values()) > 0


class Daemon:
    def __init__(self, binary, data, log, memory=64, refresh=50):
        self.binary, self.data, self.log, self.memory, self.refresh = binary, data, log, memory, refresh
        self.process = None

    def spawn(self):
        self.process = subprocess.Popen(
            [self.binary, "--data", str(self.data), "--listen", "127.0.0.1:0", "--memory-mb", str(self.memory),
             "--refresh-ms", str(self.refresh), "--log-level", "info"], stdout=subprocess.PIPE, stderr=self.log, text=True)

    def ready(self):
        """The port, when it listens."""
        line = self.process.stdout.readline()
        match = re.search(r":(\d+)$", line.strip())
        if not match:
            raise RuntimeError(f"sakuind did not start: {line!r}, exit code {self.process.wait()}")
        return int(match.group(1))

    def starve(self):
        """From now on it gets no more memory of the system."""
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            size, data = (int(re.search(name + r":\s+(\d+)", status).group(1)) * 1024 for name in ("VmSize", "VmData"))
            resource.prlimit(self.process.pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
            resource.prlimit(self.process.pid, resource.RLIMIT_DATA, (data, resource.RLIM_INFINITY))
        except (OSError, AttributeError):
            pass

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def measure(self, report):
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            report.rss_max = max(report.rss_max, int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024)
        except (OSError, AttributeError):
            pass
        sizes = []
        for path in (self.data / "indexes" / INDEX).glob("*"):
            try:
                sizes.append(path.stat().st_size)
            except OSError:
                pass
        report.files_max = max(report.files_max, len(sizes))
        report.bytes_max = max(report.bytes_max, sum(sizes))


class Load:
    """Writers, a searcher and a compactor on their own connections, until the daemon has gone."""

    def __init__(self, port, clients, report, seed):
        self.port, self.report = port, report
        self.stopping = threading.Event()
        # Calls may fail then, and searches be incomplete.
        self.starving = False
        self.random = random.Random(seed)
        jobs = [lambda c=c: self.writing(c) for c in clients] + [self.searching, self.compacting]
        self.threads = [threading.Thread(target=self.guarded, args=(job,)) for job in jobs]
        for thread in self.threads:
            thread.start()

    def guarded(self, job):
        try:
            job()
        except OSError:
            if not self.stopping.is_set() and not self.starving:
                self.report.note("wrong", "a connection ended while nobody killed the daemon")
        except Exception as problem:
            if not (self.starving and isinstance(problem, CallFailed)):
                self.report.note("wrong", f"{type(problem).__name__}: {problem}")

    def writing(self, client):
        connection = Connection("127.0.0.1", self.port)
        while not self.stopping.is_set():
            client.write(connection, client.random.choice(["disk", "disk", "log", "memory"]))
        connection.close()

    def searching(self):
        connection = Connection("127.0.0.1", self.port)
        while not self.stopping.is_set():
            keys, total, complete = connection.search(INDEX, WORD, 50)
            self.report.searches += 1
            whole = complete and total >= len(keys) or self.starving
            if not whole or len(keys) != len(set(keys)):
                self.report.note("wrong", f"a search: {len(keys)} of {total}, complete {complete}")
            time.sleep(0.005)

    def compacting(self):
        connection = Connection("127.0.0.1", self.port)
        chance = random.Random(self.random.random())
        # Those that kills found at work.
        for job, state in connection.jobs(INDEX).items():
            if state <= PAUSED:
                self.unleash(connection, job)
        while not self.stopping.wait(chance.uniform(0.05, 0.6)):
            try:
                self.compact_once(connection, chance)
            except CallFailed as failure:
                # Kills leave more jobs behind than a busy machine gets done: those are done first.
                if failure.code != RESOURCE_EXHAUSTED:
                    raise

    def compact_once(self, connection, chance):
        dice = chance.random()
        if dice < 0.3:
            connection.commit(INDEX)
        elif dice < 0.5:
            # So slow that a kill finds it at work; the next start goes on with it until it is given its head.
            slow = connection.start_compaction(INDEX, 1, 4 << 20)
            self.report.throttled += 1
            if not self.stopping.wait(chance.uniform(0.2, 1.0)):
                self.unleash(connection, slow)
        else:
            connection.compact(INDEX, chance.randint(1, 3))
            self.report.compactions += 1

    def unleash(self, connection, job):
        try:
            connection.throttle(INDEX, job, 0)
        except CallFailed as failure:
            # It has ended meanwhile.
            if failure.code != NOT_FOUND:
                raise

    def join(self):
        for thread in self.threads:
            thread.join()


def check_all(port, clients, report):
    connection = Connection("127.0.0.1", port)
    connection.refresh(INDEX)
    damage = connection.statistics(INDEX).get(15, [])
    if damage:
        report.note("wrong", f"taken for damaged: {damage}")
    for client in clients:
        client.check(connection, report)
    connection.refresh(INDEX)
    expected = sorted(key for client in clients for key in client.states[-1])
    keys, total, complete = connection.search(INDEX, WORD, 1000)
    found = sorted(keys) == expected if len(expected) <= 1000 else len(set(keys)) == 1000 and set(keys) <= set(expected)
    if not found or total != len(expected) or not complete:
        report.note("wrong", f"a search finds {len(keys)} of {total}, there are {len(expected)}")
    connection.close()


def run(options, data, log, report):
    chance = random.Random(options.seed)
    clients = [Client(number, options.seed) for number in range(options.clients)]
    if options.large > 0:
        clients.append(Client(options.clients, options.seed, options.large))
    daemon = Daemon(options.sakuind, data, log)
    daemon.spawn()
    port = daemon.ready()
    connection = Connection("127.0.0.1", port)
    connection.create(INDEX)
    connection.close()
    end = time.monotonic() + options.minutes * 60
    try:
        while report.kills < options.kills or time.monotonic() < end:
            load = Load(port, clients, report, chance.random())
            probe = Connection("127.0.0.1", port)
            dice = chance.random()
            if dice >= 0.9:
                load.starving = True
                daemon.starve()
            time.sleep(chance.uniform(0.05, options.load_seconds))
            daemon.measure(report)
            merges = 0
            if dice < 0.1:
                # Until a compaction has come to its end.
                patience, before = time.monotonic() + 20, report.compactions
                while report.compactions == before and time.monotonic() < patience and not report.failed():
                    time.sleep(0.05)
            elif load.starving:
                report.starved += 1
                report.ended_starved += daemon.process.poll() is not None
            load.stopping.set()
            if not load.starving:
                merges = first(probe.statistics(INDEX), 14)
            daemon.kill()
            report.merging += merges > 0
            report.kills += 1
            load.join()
            # Now and then the recovery itself is killed.
            while chance.random() < 0.2:
                daemon.spawn()
                time.sleep(chance.uniform(0.0, 0.08))
                daemon.kill()
                report.kills += 1
            began = time.monotonic()
            daemon.spawn()
            port = daemon.ready()
            report.recoveries.append(time.monotonic() - began)
            check_all(port, clients, report)
            if report.kills % 20 == 0:
                print(f"{report.kills} kills, {sum(c.acknowledged for c in clients)} batches, {report.counts}",
                      file=sys.stderr, flush=True)
            if report.failed():
                break
    finally:
        daemon.kill()
    return sum(client.acknowledged for client in clients)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sakuind", default=".build/release/sakuind")
    parser.add_argument("--kills", type=int, default=200, help="at least so many")
    parser.add_argument("--minutes", type=float, default=0, help="at least so long")
    parser.add_argument("--load-seconds", type=float, default=1.2, help="the longest time between start and kill")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--large", type=int, default=20000, help="documents of the client whose merges take long")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    data = pathlib.Path(tempfile.mkdtemp(prefix="sakuin-soak-"))
    report = Report()
    print(f"seed {options.seed}, data in {data}", flush=True)
    with open(data.with_suffix(".log"), "w") as log:
        batches = run(options, data, log, report)
    recoveries = sorted(report.recoveries) or [0]
    print(f"{report.kills} kills, {batches} batches acknowledged, {report.resent} sent again, {report.searches} searches, "
          f"{report.compactions} compactions, {report.throttled} throttled, {report.merging} kills in a merge, "
          f"{report.starved} without memory ({report.ended_starved} ended of themselves): " + ", ".join(f"{n} {kind}" for kind, n in report.counts.items()))
    print(f"recovery: worst {recoveries[-1] * 1000:.0f} ms, median {recoveries[len(recoveries) // 2] * 1000:.0f} ms; "
          f"at most {report.rss_max} MiB resident, {report.files_max} files, {report.bytes_max / 1e6:.1f} MB")
    if report.failed():
        print(f"The folder {data} and the log {data.with_suffix('.log')} are kept.")
        sys.exit(1)
    shutil.rmtree(data)
    data.with_suffix(".log").unlink()


if __name__ == "__main__":
    main()
