"""What is timed: CPU, round trips, connects and throughput.

The drivers take turns, so that whatever slows the machine down slows all of them down; the figure of a driver is
the median of its runs, and so is its ratio to the first driver.
"""

import sys
from dataclasses import dataclass
from functools import cache
from statistics import median

from . import pair
from .pair import Failed

ENOUGH_CPU_US = 60_000
COUNT_MAX = 2_000_000


@dataclass(frozen=True)
class Timed:
    value: float
    ratio: float  # to the first driver


def interleave(drivers, rounds, measure):
    """{driver: Timed} of the results of measure(driver), without the peers that have failed."""
    runs, willing = [], list(drivers)
    for _ in range(rounds):
        runs.append({})
        for driver in list(willing):
            try:
                runs[-1][driver] = measure(driver)
            except Failed as failure:
                if driver.is_ours:
                    raise
                print(f"left out: {failure}", file=sys.stderr)
                willing.remove(driver)
    first = drivers[0]
    return {driver: Timed(median(run[driver] for run in runs), median(run[driver] / run[first] for run in runs))
            for driver in willing}


def long_enough(driver, work):
    """The work with enough messages that its CPU time stands out from a process's start."""
    count = 1000
    while count < COUNT_MAX and pair.run(driver, work.with_count(count)).cpu_us < ENOUGH_CPU_US:
        count *= 2
    return work.with_count(min(count, COUNT_MAX))


def cpu_between(driver, work, short):
    """CPU microseconds for each message that `work` has beyond `short`."""
    extra = (work.count - short.count) * work.clients
    return (pair.run(driver, work).cpu_us - pair.run(driver, short).cpu_us) / extra


def cpu_per_message(drivers, work, rounds):
    @cache
    def longer(driver):
        return long_enough(driver, work)

    return interleave(drivers, rounds, lambda driver: cpu_between(
        driver, longer(driver), work.with_count(longer(driver).count // 10)))


def round_trip(drivers, work, rounds):
    """{driver: (p50, p99)}, each Timed, in microseconds."""
    outcomes = {driver: [] for driver in drivers}

    def p50(driver):
        outcomes[driver].append(pair.run(driver, work))
        return outcomes[driver][-1].p50_us

    middle = interleave(drivers, rounds, p50)
    first = outcomes[drivers[0]]
    return {driver: (middle[driver], Timed(median(outcome.p99_us for outcome in seen), median(
        outcome.p99_us / base.p99_us for outcome, base in zip(seen, first))))
            for driver, seen in outcomes.items() if driver in middle}


def rate(drivers, work, rounds, **options):
    """How many messages or connects per second."""
    return interleave(drivers, rounds, lambda driver: work.count / pair.run(driver, work, **options).seconds)
