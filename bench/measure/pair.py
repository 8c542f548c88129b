"""Runs a driver against the broker: each run has its own broker, which checks that the work was done."""

import json
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/bench"


@dataclass(frozen=True)
class Work:
    """What a driver is told to do; drivers/work.h explains it."""

    kind: str
    qos: int = 0
    count: int = 1
    size: int = 64
    clients: int = 1
    threads: int = 1
    tls: bool = False

    def with_count(self, count):
        return replace(self, count=count)

    def driver_arguments(self, port):
        arguments = [self.kind, self.qos, self.count, self.size, port, self.clients, self.threads]
        return [str(argument) for argument in arguments] + ([str(BUILD / "tls/ca.pem")] if self.tls else [])

    def broker_arguments(self):
        arguments = [self.kind, self.qos, self.count, self.size, self.clients]
        tls = [str(BUILD / "tls/server.pem"), str(BUILD / "tls/server.key")] if self.tls else []
        return [str(argument) for argument in arguments] + tls


@dataclass(frozen=True)
class Outcome:
    """What a run cost the driver, including its start and end, and what the broker has seen."""

    cpu_us: float
    seconds: float
    p50_us: float
    p99_us: float
    said: str  # by the driver


class Failed(Exception):
    """The work was not done."""


# The library that the drivers run with, unless the caller sets another one.
os.environ.setdefault("LD_LIBRARY_PATH", str(ROOT / "build/release/lib/release"))

CORES = sorted(os.sched_getaffinity(0))


def pin(*cores):
    return lambda: os.sched_setaffinity(0, cores)


class Broker:
    """A broker that serves one work."""

    def __init__(self, work):
        self.process = subprocess.Popen([BUILD / "broker", *work.broker_arguments()], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=pin(CORES[0]))
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def complaint(self):
        """The broker's message about a driver that has failed."""
        self.process.terminate()
        return f"the broker says: {self.process.communicate()[1].strip() or 'nothing'}"

    def verdict(self):
        """What the broker has seen; the driver has ended."""
        try:
            out, err = self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            raise Failed("the driver has ended before the work was done") from None
        if self.process.returncode != 0:
            raise Failed(f"the broker says: {err.strip()}")
        return json.loads(out.splitlines()[-1])


def run(driver, work, prefix=(), environment=None, timeout=300, cores=CORES[-1:]):
    """Lets the driver do the work, with `prefix` before its command.

    The broker has the first core, the driver the last.
    """
    with Broker(work) as broker, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as said:
        command = [*prefix, *driver.command, *work.driver_arguments(broker.port)]
        process = subprocess.Popen(command, stdout=said, stderr=errors, preexec_fn=pin(*cores),
                                   env={**os.environ, **(environment or {})})
        alarm = threading.Timer(timeout, process.kill)
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        alarm.cancel()
        if status != 0:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise Failed(f"{' '.join(map(str, command))}: status {status}: {text[-500:]}; {broker.complaint()}")
        said.seek(0)
        text = said.read().decode()
        seen = broker.verdict()
    return Outcome(cpu_us=(usage.ru_utime + usage.ru_stime) * 1e6, seconds=seen["seconds"],
                   p50_us=seen.get("p50_us"), p99_us=seen.get("p99_us"), said=text)
