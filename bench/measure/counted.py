"""What is counted and not timed, per message: heap allocations, system calls, and calls from Go into C."""

import re
import tempfile
from pathlib import Path

from . import pair
from .pair import BUILD, Failed

TOTAL = re.compile(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)(?:\s+\d+)?\s+total$", re.MULTILINE)


def allocations(driver, work):
    """By an allocator that counts, put before that of the C library."""
    with tempfile.NamedTemporaryFile("r") as out:
        preload = {"LD_PRELOAD": str(BUILD / "count_allocations.so"), "ALLOCATIONS": out.name}
        pair.run(driver, work, environment=preload)
        return int(Path(out.name).read_text())


def system_calls(driver, work):
    """By strace, in all threads."""
    with tempfile.NamedTemporaryFile("r") as out:
        pair.run(driver, work, ["strace", "-f", "-c", "-o", out.name])
        match = TOTAL.search(Path(out.name).read_text())
        if not match:
            raise Failed("strace has printed no total")
        return int(match[1])


def cgo_calls(driver, work):
    """By Go's runtime; the driver prints the number."""
    return int(pair.run(driver, work).said)


def per_message(count, driver, work):
    """Of the work, less a tenth of it: start and end cancel out."""
    short = work.with_count(work.count // 10)
    return (count(driver, work) - count(driver, short)) / (work.count - short.count)
