#!/usr/bin/env python3
"""Fails when a message exceeds its baseline by 2 % or 10 instructions in libpmqtt, whichever is more:

    bench/guard.py            compares with bench/baseline.json
    bench/guard.py --update   writes it anew, for a change that is worth its cost, or that saves some

The count is of libpmqtt.so alone, through its C API in a foreign loop. So it does not depend on the processor (as
the C library does, which has a memcpy for each), nor on the machine's load. It does depend on the compiler, a little.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

from measure import callgrind
from measure.drivers import PMQTT
from measure.rows import MQTT5_ROWS, ROWS

BASELINE = Path(__file__).with_name("baseline.json")
MESSAGES = 10_000
# The most that a message may cost above the baseline, whichever is more.
SHARE = 0.02
INSTRUCTIONS = 10


def compiler():
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def count(work):
    objects = callgrind.per_message(PMQTT, work.with_count(MESSAGES)).objects
    return round(sum(value for name, value in objects.items() if name.startswith("libpmqtt")), 1)


def bound(before):
    return before + max(before * SHARE, INSTRUCTIONS)


def update():
    rows = {row: count(work) for row, work in (ROWS | MQTT5_ROWS).items()}
    baseline = {"machine": platform.machine(), "rustc": compiler(), "instructions per message": rows}
    BASELINE.write_text(json.dumps(baseline, indent=4) + "\n")
    print(f"written: {BASELINE}")


def compare():
    baseline = json.loads(BASELINE.read_text())
    if baseline["machine"] != platform.machine():
        print(f"guard: the baseline is for {baseline['machine']}; nothing to compare on {platform.machine()}")
        return True
    dearer = False
    for row, before in baseline["instructions per message"].items():
        now = count((ROWS | MQTT5_ROWS)[row])
        verdict = "ABOVE THE BOUND" if now > bound(before) else "ok"
        dearer |= verdict != "ok"
        print(f"{row}: {now:.0f} instructions in libpmqtt, baseline {before:.0f}, bound {bound(before):.0f}: {verdict}",
              flush=True)
    if dearer:
        print(f"guard: a message has become dearer (baseline by rustc {baseline['rustc']}, this is {compiler()}).\n"
              "Where it goes: bench/instructions.py --functions ROW pmqtt_foreign\n"
              "It is worth it: bench/guard.py --update")
    return not dearer


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    elif not compare():
        sys.exit(1)
