"""What is counted per message, and not timed: heap allocations, system calls, and calls from Go into C."""

import re
import tempfile
from pathlib import Path

from . import pair
from .pair import BUILD, Failed

TOTAL = re.compile(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)(?:\s+\d+)?\s+total$", re.MULTILINE)


def allocations(driver, work):
    """Counted by an allocator that is preloaded before the C library's."""
    with tempfile.NamedTemporaryFile("r") as out:
        preload = {"LD_PRELOAD": str(BUILD / "count_allocations.so"), "ALLOCATIONS": out.name}
        pair.run(driver, work, environment=preload)
        return int(Path(out.name).read_text())


def system_calls(driver, work):
    """Counted by strace, in all threads."""
    with tempfile.NamedTemporaryFile("r") as out:
        pair.run(driver, work, ["strace", "-f", "-c", "-o", out.name])
        match = TOTAL.search(Path(out.name).read_text())
        if not match:
            raise Failed("strace has printed no total")
        return int(match[1])


def cgo_calls(driver, work):
    """Counted by Go's runtime; the driver prints the number."""
    return int(pair.run(driver, work).said)


def per_message(count, driver, work):
    """Of the work, minus a tenth of it: start and end cancel out."""
    short = work.with_count(work.count // 10)
    return (count(driver, work) - count(driver, short)) / (work.count - short.count)
