"""The cost of a client that is connected, has published, and does nothing."""

import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .pair import CORES, Broker, Failed, pin

CLIENTS = 1000
SETTLE_S = 1.5
WATCH_S = 3


@dataclass(frozen=True)
class Idle:
    kib: float  # for each client
    threads: int  # of all clients, without the program's own
    wakes: float  # a second, of all clients


def status(process):
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def wakes(process):
    return sum(int(line.split()[1])
               for task in Path(f"/proc/{process.pid}/task").iterdir()
               for line in (task / "status").read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))


def observe(driver, work):
    """Resident KiB, threads, and wake-ups a second."""
    with Broker(work) as broker:
        process = subprocess.Popen([*driver.command, *work.driver_arguments(broker.port)], preexec_fn=pin(CORES[-1]),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if broker.process.stdout.readline().strip() != "all published":
                raise Failed(f"{driver.label} did not connect {work.clients} clients")
            time.sleep(SETTLE_S)
            before = wakes(process)
            time.sleep(WATCH_S)
            now = status(process)
            return int(now["VmRSS"].split()[0]), int(now["Threads"]), (wakes(process) - before) / WATCH_S
        finally:
            process.kill()
            process.wait()


def idle(driver, work):
    many = replace(work, clients=work.clients + CLIENTS)
    alone, crowd = observe(driver, work), observe(driver, many)
    # A page more or less of nothing.
    return Idle(kib=max(0.0, (crowd[0] - alone[0]) / CLIENTS), threads=crowd[1] - 1, wakes=crowd[2])
