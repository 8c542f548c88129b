#!/usr/bin/env python3
"""Prints user-space instructions per message for the six rows:

    bench/instructions.py [DRIVER...]             a table; without DRIVER, of the limit and pmqtt_foreign
    bench/instructions.py --functions ROW DRIVER  where they go, for a row as "publish QoS 1"
    bench/instructions.py --files ROW DRIVER      the same by source file, after `make -C bench profile`
"""

import os
import re
import sys

from measure import callgrind
from measure.drivers import Driver, built
from measure.pair import BUILD, ROOT
from measure.rows import MQTT5_ROWS, ROWS

MESSAGES = 20000

# The prefixes of the paths of our own files, and of Rust's.
OUTSIDE = re.compile(rf"^({ROOT}|/rustc/\w+)/")


def profile(row, name):
    return callgrind.per_message(Driver(name, built(name)), (ROWS | MQTT5_ROWS)[row].with_count(MESSAGES))


def table(drivers):
    print(f"{'per message':14}{''.join(f'{driver:>20}' for driver in drivers)}")
    for row in ROWS:
        totals = [profile(row, driver).total() for driver in drivers]
        print(f"{row:14}{''.join(f'{total:20.0f}' for total in totals)}", flush=True)


def functions(row, driver):
    where = profile(row, driver)
    print(f"{row}, {driver}: {where.total():.0f} instructions per message")
    for name, value in where.objects.most_common():
        if value >= 0.5:
            print(f"{value:12.1f}  in {name}")
    print(f"\n{'own':>8}{'with calls':>12}  function")
    for function, own in where.own.most_common():
        if own >= 0.5:
            print(f"{own:8.1f}{where.all[function]:12.1f}  {function[0]} [{function[1]}]")


def files(row, driver):
    """Most functions are inlined; only a library with line tables shows them."""
    os.environ["LD_LIBRARY_PATH"] = str(BUILD / "profile/lib")
    where = profile(row, driver)
    print(f"{row}, {driver}: {where.total():.0f} instructions per message")
    for name, value in where.files.most_common():
        if value >= 0.5:
            print(f"{value:8.1f}  {OUTSIDE.sub('', name)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--functions"]:
        functions(*sys.argv[2:4])
    elif sys.argv[1:2] == ["--files"]:
        files(*sys.argv[2:4])
    else:
        table(sys.argv[1:] or ["limit", "pmqtt_foreign"])
