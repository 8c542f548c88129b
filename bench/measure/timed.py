"""What is timed: CPU, round trips, connects and throughput.

The drivers take turns, so that whatever slows the machine down slows all of them down; the figure of a driver is
the median of its runs, and so is its ratio to the first driver.
"""

from dataclasses import dataclass
from statistics import median

from . import pair

ENOUGH_CPU_US = 60_000
COUNT_MAX = 2_000_000


@dataclass(frozen=True)
class Timed:
    value: float
    ratio: float  # to the first driver


def interleave(drivers, rounds, measure):
    """{driver: Timed} of what measure(driver) returns."""
    runs = [{driver: measure(driver) for driver in drivers} for _ in range(rounds)]
    first = drivers[0]
    return {driver: Timed(median(run[driver] for run in runs), median(run[driver] / run[first] for run in runs))
            for driver in drivers}


def long_enough(driver, work):
    """The work with as many messages as take enough CPU to be told from the start of a process."""
    count = 1000
    while count < COUNT_MAX and pair.run(driver, work.with_count(count)).cpu_us < ENOUGH_CPU_US:
        count *= 4
    return work.with_count(min(count, COUNT_MAX))


def cpu_between(driver, work, short):
    """CPU microseconds for each message that `work` has more than `short`."""
    extra = (work.count - short.count) * work.clients
    return (pair.run(driver, work).cpu_us - pair.run(driver, short).cpu_us) / extra


def cpu_per_message(drivers, work, rounds):
    works = {driver: long_enough(driver, work) for driver in drivers}
    return interleave(drivers, rounds, lambda driver: cpu_between(
        driver, works[driver], work.with_count(works[driver].count // 10)))


def round_trip(drivers, work, rounds):
    """{driver: (p50, p99)}, each Timed, in microseconds."""
    outcomes = {driver: [] for driver in drivers}

    def p50(driver):
        outcomes[driver].append(pair.run(driver, work))
        return outcomes[driver][-1].p50_us

    middle = interleave(drivers, rounds, p50)
    first = outcomes[drivers[0]]
    return {driver: (middle[driver], Timed(median(outcome.p99_us for outcome in seen), median(
        outcome.p99_us / base.p99_us for outcome, base in zip(seen, first)))) for driver, seen in outcomes.items()}


def rate(drivers, work, rounds, **options):
    """How many messages or connects a second."""
    return interleave(drivers, rounds, lambda driver: work.count / pair.run(driver, work, **options).seconds)
