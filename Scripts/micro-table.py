#!/usr/bin/env python3
"""The Markdown that the micro benchmarks print, as one table: subject, size, median, what that is per second."""
import re
import sys


def time_text(nanoseconds):
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def count_text(value, item):
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}B" if item == "B" else f"{value / factor:.3g} {unit} {item}"
    return f"{value:.3g} {item}"


def rows(lines):
    name = None
    for line in lines:
        if line.startswith("### "):
            name = line[4:].strip()
        match = re.match(r"\| *Time \(wall clock\) \((\S+)\)", line)
        if match and name and " | " in name:
            if match[1] != "ns":
                sys.exit(f"micro-table: '{name}' is in {match[1]}, not ns")
            # | metric | p0 | p25 | p50 | …
            yield name, float(line.split("|")[4])


def main():
    print("| what | size | p50 | per second |\n|---|--:|--:|--:|")
    count = 0
    for name, median in rows(sys.stdin):
        subject, size, items = name.split(" | ")
        number, unit = size.split(" ", 1)
        done, item = items.split(" ", 1)
        if median <= 0:
            sys.exit(f"micro-table: '{name}' took no time at all")
        rate = count_text(int(done) / median * 1e9, item)
        print(f"| {subject} | {int(number):,} {unit} | {time_text(median)} | {rate} |")
        count += 1
    if count == 0:
        sys.exit("micro-table: no benchmark was measured")


if __name__ == "__main__":
    main()
