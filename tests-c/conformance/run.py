#!/usr/bin/env python3
"""Plays the conformance cases against each broker in each version of MQTT, and prints one table:

    tests-c/conformance/run.py PROGRAM [BROKER...]

A cell is "ok", "-" (the version has no such behaviour), "deviates" (the file `deviations` expects it) or
"FAIL". It exits with 1 if a case fails that should not, or if an expected deviation does not occur. The
output of each run, with the packets of each failure, is in build/brokers. Without brokers it plays all, and
writes the table to docs/brokers.md if all is as expected.
"""

import contextlib
import datetime
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests-c/conformance"
PAGE = ROOT / "docs/brokers.md"
BROKERS = {"mosquitto": "mosquitto", "mochi": "mochi", "hivemq": "HiveMQ CE"}
BEGIN, END = "<!-- by `make conformance` -->\n", "<!-- end -->\n"
# Seconds; each case has a limit of its own.
RUN_LIMIT = 1800
# How many packets docs/brokers.md shows for a deviation, at most.
SHOWN = 16


class Deviation:
    """One entry of the file: what a broker does in some cases and versions."""

    def __init__(self, block):
        fields = dict(re.findall(r"^(\w+): (.*(?:\n +.*)*)", block, re.MULTILINE))
        self.broker, self.seen, self.proof = fields["broker"], fields["seen"], fields["proof"]
        self.cases, self.versions = fields["cases"].split(), fields["versions"].split()
        self.why = " ".join(fields["why"].split())


class Column:
    """One broker in one version: each case's cell, what was seen if it is not ok, and the packets."""

    def __init__(self, broker, release, version, output, status):
        self.broker, self.release, self.version, self.status = broker, release, version, status
        self.cells, self.seen, self.packets = {}, {}, {}
        for word, case, seen, packets in re.findall(r"^(ok|-|FAIL) (\w+)(?:: (.*))?\n((?: .*\n)*)", output, re.MULTILINE):
            self.cells[case], self.seen[case], self.packets[case] = word, seen.rstrip(";"), packets

    def name(self):
        return f"{BROKERS[self.broker]} {self.version}"

    def judge(self, deviations):
        """Marks the deviations that are expected, and returns a line for all that is not as expected."""
        expected = {case: entry for entry in deviations for case in entry.cases
                    if entry.broker == self.broker and self.version in entry.versions}
        complaints = [] if self.cells and self.status in (0, 1) else [f"the program ended with status {self.status}"]
        for case, cell in self.cells.items():
            entry = expected.pop(case, None)
            if cell == "FAIL" and entry and re.search(entry.seen, self.seen[case]):
                self.cells[case] = "deviates"
            elif cell == "FAIL":
                complaints.append(f"{case}: {self.seen[case]}")
            elif entry:
                complaints.append(f"{case}: the expected deviation does not occur: {entry.why}")
        complaints += [f"{case}: a deviation is expected, but the case was not played" for case in expected]
        return [f"{self.name()}: {text}" for text in complaints]


@contextlib.contextmanager
def started(broker, *limits):
    """Starts a broker, and returns its port and release. It ends when its input does."""
    with subprocess.Popen([ROOT / "scripts/brokers", broker, *limits], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield process.stdout.readline().split()
        finally:
            process.stdin.close()


def play(program, broker, versions):
    """Yields a column for each version of a broker."""
    with started(broker) as (port, release), started(broker, "limited") as (limited_port, _):
        for version in versions:
            print(f"{BROKERS[broker]} {release}, MQTT {version} ...", file=sys.stderr, flush=True)
            run = subprocess.run([program, "127.0.0.1", port, limited_port, version], stdout=subprocess.PIPE, text=True,
                                 check=False, timeout=RUN_LIMIT)
            log(broker, version).write_text(run.stdout)
            yield Column(broker, release, version, run.stdout, run.returncode)


def log(broker, version):
    return ROOT / f"build/brokers/{broker}-{version}.log"


def rows(columns):
    cases = dict.fromkeys(case for column in columns for case in column.cells)
    yield ["case", *(column.name() for column in columns)]
    for case in cases:
        yield [case, *(column.cells.get(case, "missing") for column in columns)]


def as_text(columns):
    table = list(rows(columns))
    widths = [max(map(len, column)) for column in zip(*table)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table)


def faults(columns, deviations):
    """The deviations that occurred, each with its cells."""
    for entry in deviations:
        cells = [(column, case) for column in columns for case in entry.cases
                 if column.broker == entry.broker and column.version in entry.versions
                 and column.cells.get(case) == "deviates"]
        if cells:
            yield entry, cells


def proof(entry, packets):
    """The last packets that show the deviation."""
    return [line.strip() for line in packets.splitlines() if re.search(f"  ({entry.proof})", line)][-SHOWN:]


def as_markdown(columns, deviations):
    releases = {BROKERS[column.broker]: column.release for column in columns}
    head, *body = rows(columns)
    yield f"Played on {datetime.date.today()} with " + ", ".join(map(" ".join, releases.items())) + "."
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for case, *cells in body:
        yield "| " + " | ".join([f"`{case}`", *cells]) + " |"
    yield from ["", "## Deviations", ""]
    yield "Each has the report of one case, and packets that show the deviation, in hexadecimal."
    for entry, cells in faults(columns, deviations):
        column, case = cells[0]
        where = f"{BROKERS[entry.broker]}, MQTT {' and '.join(entry.versions)}, in "
        where += " and ".join(f"`{case}`" for case in entry.cases)
        yield ""
        yield textwrap.fill(f"**{where}.** {entry.why}", 119, break_long_words=False, break_on_hyphens=False)
        yield from ["", "```text"]
        yield f"{case}, MQTT {column.version}:"
        yield from column.seen[case].split("; ")
        yield from proof(entry, column.packets[case])
        yield "```"


def write(text):
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + text + "\n\n" + END + rest.split(END)[1])


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(BROKERS):
        sys.exit(__doc__)
    program, wanted = sys.argv[1], sys.argv[2:]
    deviations = [Deviation(block) for block in re.split(r"\n\n+", (HERE / "deviations").read_text())
                  if not block.startswith("#")]
    versions = subprocess.run([program, "versions"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    columns = [column for broker in wanted or BROKERS for column in play(program, broker, versions)]
    complaints = [line for column in columns for line in column.judge(deviations)]
    print(as_text(columns))
    for entry, cells in faults(columns, deviations):
        print(f"\n{entry.why}")
        for column, case in cells:
            print(f"  {column.name()}, {case}: {column.seen[case]}")
    if complaints:
        print("\nNot as expected; the packets are in build/brokers/*.log:\n  " + "\n  ".join(complaints))
        sys.exit(1)
    if not wanted:
        write("\n".join(as_markdown(columns, deviations)))
        print("\nAll as expected. Written: docs/brokers.md")


if __name__ == "__main__":
    main()
