#!/usr/bin/env python3
"""Plot of sakuin-mergesim's samples: plot_merging.py SAMPLES.tsv OUT.svg"""
import csv
import sys

import svgplot

samples = list(csv.DictReader(open(sys.argv[1]), delimiter="\t"))
panels = []
for column, title, log_y in [("segments", "Segments", True), ("write amplification", "Write amplification", False),
                             ("dead share", "Dead share", False), ("largest MB", "Largest segment, MB", True)]:
    lines = {}
    for s in samples:
        if column == "dead share" and float(s["replaced"]) == 0:
            continue
        name = f"{s['set-up']}, {float(s['replaced']):.0%} replaced"
        lines.setdefault(name, []).append((float(s["documents"]), float(s[column])))
    panels.append({"title": title, "x_name": "documents written", "y_name": column, "lines": lines, "log_x": True,
                   "log_y": log_y})
svgplot.write(sys.argv[2], panels)
