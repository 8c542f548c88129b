"""What is measured, a chapter at a time, and the goals beside it. A chapter gives the lines of the table."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import callgrind, counted, timed
from . import idle as idling
from .drivers import (C_PEERS, LIBMOSQUITTO, LIMIT, PAHO_C, PAHO_GO, PAHO_PYTHON, PEERS, PMQTT, PMQTT_GO,
                      PMQTT_THREAD, WAYS)
from .pair import CORES, ROOT, Failed, Work
from .rows import ROWS


@dataclass(frozen=True)
class Scale:
    """How much is measured: `make bench` or `make bench-full`."""

    rounds: int
    peers: list
    ways: list

    def drivers(self, *without):
        return [driver for driver in (LIMIT, *self.ways, *self.peers) if driver.exists and driver not in without]


QUICK = Scale(rounds=5, peers=C_PEERS, ways=[PMQTT])
FULL = Scale(rounds=9, peers=PEERS, ways=WAYS)


@dataclass
class Line:
    work: str
    what: str
    unit: str = ""
    goal: float = None
    at_least: bool = False
    relative: bool = False  # the goal is for the ratio to the limit, or to what `base` says
    base: str = LIMIT.label
    subject: str = PMQTT.label
    values: dict = field(default_factory=dict)
    ratios: dict = field(default_factory=dict)

    def judged(self):
        return (self.ratios if self.relative else self.values).get(self.subject)

    def is_met(self):
        """None if there is no goal, or no figure."""
        if self.goal is None or self.judged() is None:
            return None
        value = round(self.judged(), 3)
        return value >= self.goal if self.at_least else value <= self.goal

    def put(self, driver, value, ratio=None):
        self.values[driver.label] = value
        self.ratios[driver.label] = ratio

    def put_timed(self, results):
        for driver, result in results.items():
            self.put(driver, result.value, result.ratio)
        return self


def attempt(line, driver, measure):
    """A driver that cannot do a work leaves its place empty; pmqtt must do each."""
    try:
        line.put(driver, measure())
    except Failed as failure:
        if driver.label == line.subject:
            raise
        print(f"{line.work}, {line.what}: {failure}", file=sys.stderr)


# Allocations: buffers grow at first, and this much of that remains in the difference of two runs.
ZERO = 0.002

# work: instructions, allocations, system calls, CPU against the limit
MESSAGE_GOALS = {
    "publish QoS 0": (250, ZERO, 0.01, 2.0),
    "publish QoS 1": (450, ZERO, 0.15, 1.3),
    "publish QoS 2": (700, ZERO, 0.3, 1.3),
    "receive QoS 0": (200, ZERO, 0.01, 2.0),
    "receive QoS 1": (350, ZERO, 0.05, 1.5),
    "receive QoS 2": (550, ZERO, 0.1, 1.5),
}


def count_of(driver):
    """How many messages are enough to count: a slow library does the same for each message."""
    return 50_000 if driver is LIMIT or driver in WAYS else 2_000


def messages(scale):
    for name, work in ROWS.items():
        goals = MESSAGE_GOALS[name]
        instructions = Line(name, "instructions", goal=goals[0])
        allocations = Line(name, "allocations", goal=goals[1])
        calls = Line(name, "system calls", goal=goals[2])
        for driver in scale.drivers():
            enough = work.with_count(count_of(driver))
            if not driver.managed:
                attempt(instructions, driver, lambda: callgrind.per_message(driver, enough).total())
                attempt(allocations, driver, lambda: counted.per_message(counted.allocations, driver, enough))
            attempt(calls, driver, lambda: counted.per_message(counted.system_calls, driver, enough))
        cpu = Line(name, "CPU", "us", goal=goals[3], relative=True)
        yield from (instructions, allocations, calls)
        yield cpu.put_timed(timed.cpu_per_message(scale.drivers(), work, scale.rounds))


def round_trip(scale):
    work = Work("echo", 0, 5000)
    middle = Line("round trip", "median", "us", goal=1.05, relative=True)
    tail = Line("round trip", "99 of 100 within", "us", goal=1.3, relative=True)
    calls = Line("round trip", "system calls", goal=3)
    for driver, (p50, p99) in timed.round_trip(scale.drivers(), work, scale.rounds).items():
        middle.put(driver, p50.value, p50.ratio)
        tail.put(driver, p99.value, p99.ratio)
        attempt(calls, driver, lambda: counted.per_message(counted.system_calls, driver, work.with_count(1000)))
    return middle, tail, calls


def large(scale):
    for kind in ("publish", "receive"):
        line = Line(f"{kind} QoS 0, 64 KiB", "CPU", "us", goal=1.1, relative=True)
        work = Work(kind, 0, size=65536)
        yield line.put_timed(timed.cpu_per_message(scale.drivers(PAHO_PYTHON), work, scale.rounds))


def tls(scale):
    for name in ("publish QoS 0", "publish QoS 1", "receive QoS 0", "receive QoS 1"):
        line = Line(f"{name}, TLS", "CPU", "us", goal=1.3, relative=True)
        work = replace(ROWS[name], tls=True)
        yield line.put_timed(timed.cpu_per_message([LIMIT, PMQTT, LIBMOSQUITTO], work, scale.rounds))


def idle(scale):
    memory = Line("idle client", "memory", "KiB", goal=1.0)
    threads = Line("idle clients", "threads", goal=0)
    wakes = Line("idle clients", "wake-ups", "1/s", goal=0)
    for driver in scale.drivers(PAHO_PYTHON, PMQTT_THREAD):
        try:
            seen = idling.idle(driver, Work("idle", 1, 1))
        except Failed as failure:
            print(f"idle: {failure}", file=sys.stderr)
            continue
        memory.put(driver, seen.kib)
        threads.put(driver, seen.threads)
        wakes.put(driver, seen.wakes)
    return memory, threads, wakes


def connect(scale):
    line = Line("connect, disconnect", "rate", "1/s", goal=0.85, at_least=True, relative=True)
    line.put_timed(timed.rate(scale.drivers(PMQTT_THREAD, PAHO_C), Work("connect", 0, 2000), scale.rounds))
    # Each time, it waits for at most a second.
    attempt(line, PAHO_C, lambda: timed.rate([PAHO_C], Work("connect", 0, 10), 1)[PAHO_C].value)
    return [line]


CROWD = 10_000


def crowd(scale):
    """Both get their messages a hundred at a time, whenever the broker's window allows."""
    line = Line(f"receive QoS 1, {CROWD} clients", "CPU", "us", goal=1.5, relative=True, base="one client")
    for driver in [LIMIT, PMQTT]:
        alone = timed.long_enough(driver, Work("receive", 1))
        shorter = alone.with_count(alone.count // 10)
        many = Work("receive", 1, 300, clients=CROWD)
        pairs = [(timed.cpu_between(driver, many, many.with_count(100)), timed.cpu_between(driver, alone, shorter))
                 for _ in range(max(3, scale.rounds // 3))]
        line.put(driver, timed.median(pair[0] for pair in pairs), timed.median(pair[0] / pair[1] for pair in pairs))
    return [line]


def threads(scale):
    """They use all processors: on one processor alone, threads would not contend."""
    line = Line("publish QoS 0, 4 threads", "rate", "1/s", goal=1.0, at_least=True, relative=True, base="one thread",
                subject=PMQTT_THREAD.label)
    work = Work("publish", 0, 1_000_000)
    several = replace(work, threads=4)
    runs = [[timed.rate([PMQTT_THREAD], one, 1, cores=CORES)[PMQTT_THREAD].value for one in (several, work)]
            for _ in range(scale.rounds)]
    line.put(PMQTT_THREAD, timed.median(run[0] for run in runs), timed.median(run[0] / run[1] for run in runs))
    return [line]


def size(_scale):
    line = Line("library, stripped", "size", "KiB", goal=600)
    libraries = {PMQTT: ROOT / "build/release/lib/release/libpmqtt.so", LIBMOSQUITTO: loaded("libmosquitto.so.1"),
                 PAHO_C: loaded("libpaho-mqtt3as.so.1")}
    for driver, library in libraries.items():
        with tempfile.NamedTemporaryFile() as stripped:
            shutil.copy(library, stripped.name)
            subprocess.run(["strip", stripped.name], check=True)
            line.put(driver, os.path.getsize(stripped.name) / 1024)
    return [line]


def loaded(name):
    """Where the dynamic linker finds a library."""
    lines = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout.splitlines()
    return Path(next(line.split("=> ")[1] for line in lines if line.split()[:1] == [name]))


def go(scale):
    if not PMQTT_GO.exists:
        return
    for name, work in ROWS.items():
        line = Line(f"{name}, Go", "CPU", "us", goal=1 / 3, relative=True, base=PAHO_GO.label, subject=PMQTT_GO.label)
        yield line.put_timed(timed.cpu_per_message([PAHO_GO, PMQTT_GO], work, scale.rounds))
        crossings = Line(f"{name}, Go", "calls into C", subject=PMQTT_GO.label)
        attempt(crossings, PMQTT_GO, lambda: counted.per_message(counted.cgo_calls, PMQTT_GO, work.with_count(50_000)))
        yield crossings


CHAPTERS = [messages, round_trip, large, tls, idle, connect, crowd, threads, size, go]
