"""docs/benchmarks.md, and the plots in docs/benchmarks/."""

import platform
import subprocess
from datetime import date
from pathlib import Path

from . import plot, table
from .drivers import PMQTT
from .pair import ROOT

TEMPLATE = Path(__file__).with_name("report.md")
PLOTS = ROOT / "docs/benchmarks"

# Two panels side by side.
SIDE_BY_SIDE = [f"{kind} QoS {qos}" for qos in (0, 1, 2) for kind in ("publish", "receive")]


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return (f"{cpu}, {cores} cores, Linux {platform.release()}; {date.today()}, "
            f"commit {commit.stdout.strip() or 'unknown'}")


def pick(lines, what, works):
    """{work: {label: value}} of what could be measured, and is not nothing; of pmqtt, the foreign loop."""
    return {line.work: {label.replace(PMQTT.label, "pmqtt"): value for label, value in line.values.items()
                        if value and (label == PMQTT.label or not label.startswith("pmqtt"))}
            for work in works for line in lines if line.what == what and line.work == work}


def write_plots(lines):
    PLOTS.mkdir(parents=True, exist_ok=True)
    tenfold = "shorter is better; each grid line is ten times the one before"
    charts = {
        "cpu": ("CPU time for one message", f"microseconds, 64-byte payload; {tenfold}",
                pick(lines, "CPU", SIDE_BY_SIDE), True),
        "instructions": ("User-space instructions for one message", f"64-byte payload; {tenfold}",
                         pick(lines, "instructions", SIDE_BY_SIDE), True),
        "latency": ("Round trip", "microseconds, QoS 0, 64-byte payload; shorter is better",
                    pick(lines, "median", ["round trip"]) | {
                        "round trip, 99 of 100 within": bars
                        for bars in pick(lines, "99 of 100 within", ["round trip"]).values()}, False),
        "memory": ("Memory of an idle client", f"KiB, connected; {tenfold}",
                   pick(lines, "memory", ["idle client"]), True),
    }
    for name, (title, subtitle, panels, logarithmic) in charts.items():
        if panels:
            (PLOTS / f"{name}.svg").write_text(plot.bar_charts(title, subtitle, panels, logarithmic))


def write(lines, command):
    write_plots(lines)
    goals = [line for line in lines if line.goal is not None]
    met = sum(line.is_met() is True for line in goals)
    ways = table.ways_table(lines)
    (ROOT / "docs/benchmarks.md").write_text(TEMPLATE.read_text().format(
        machine=machine(), command=command, met=met, goals=len(goals),
        table=table.markdown(*table.goals_table(lines, table.others(lines))),
        ways=table.markdown(*ways) if ways[1] else "`make bench-full` adds a table of the other loops here."))
