#!/usr/bin/env python3
"""Prints user-space instructions per message for the six rows:

    bench/instructions.py [DRIVER...]             a table; without DRIVER, of the limit and pmqtt_foreign
    bench/instructions.py --functions ROW DRIVER  where they go, for a row as "publish QoS 1"
"""

import sys

from measure import callgrind
from measure.pair import BUILD
from measure.rows import ROWS

MESSAGES = 20000


def command(driver):
    return [str(BUILD / driver)]


def table(drivers):
    print(f"{'per message':14}{''.join(f'{driver:>20}' for driver in drivers)}")
    for row, work in ROWS.items():
        profiles = [callgrind.per_message(command(driver), work.with_count(MESSAGES)) for driver in drivers]
        print(f"{row:14}{''.join(f'{profile.total():20.0f}' for profile in profiles)}", flush=True)


def functions(row, driver):
    profile = callgrind.per_message(command(driver), ROWS[row].with_count(MESSAGES))
    print(f"{row}, {driver}: {profile.total():.0f} instructions per message")
    for name, value in profile.objects.most_common():
        print(f"{value:12.1f}  in {name}") if value >= 0.5 else None
    print(f"\n{'own':>8}{'with calls':>12}  function")
    for function, own in profile.own.most_common(45):
        if own >= 0.5:
            print(f"{own:8.1f}{profile.all[function]:12.1f}  {function[0]} [{function[1]}]")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--functions"]:
        functions(*sys.argv[2:4])
    else:
        table(sys.argv[1:] or ["limit", "pmqtt_foreign"])
