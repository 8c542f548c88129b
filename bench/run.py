#!/usr/bin/env python3
"""Measures pmqtt beside its peers, prints one table, and writes docs/benchmarks.md:

    bench/run.py quick|full [CHAPTER...]

All that it needs is built by `make bench` and `make bench-full`, which call it. With chapters (see
measure/chapters.py) it measures those alone, and writes nothing.
"""

import sys
import time

from measure import chapters, report, table

SCALES = {"quick": (chapters.QUICK, "make bench"), "full": (chapters.FULL, "make bench-full")}


def measure(scale, wanted):
    for chapter in wanted:
        began = time.monotonic()
        print(f"measuring: {chapter.__name__.replace('_', ' ')} ...", end="", file=sys.stderr, flush=True)
        yield from chapter(scale)
        print(f" {time.monotonic() - began:.0f} s", file=sys.stderr)


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in SCALES:
        sys.exit(__doc__)
    scale, command = SCALES[sys.argv[1]]
    wanted = [chapter for chapter in chapters.CHAPTERS if not sys.argv[2:] or chapter.__name__ in sys.argv[2:]]
    lines = list(measure(scale, wanted))
    print(table.text(*table.goals_table(lines, table.others(lines))))
    if not sys.argv[2:]:
        report.write(lines, command)
        print("\nWritten: docs/benchmarks.md, docs/benchmarks/*.svg")


if __name__ == "__main__":
    main()
