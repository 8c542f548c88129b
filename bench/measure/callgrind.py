"""User-space instructions, counted by valgrind: they hardly depend on the processor or the machine's load."""

import re
import tempfile
from collections import Counter
from pathlib import Path

from . import pair

# An object, a function, or a source file: that of a function (fl), or that of inlined code (fi, fe).
NAME = re.compile(r"^(c?)(ob|fn|f[lie])=\((\d+)\)(?: (.*))?$")
COST = re.compile(r"^[+\-*\d]\S* (\d+)$")


class Profile:
    """Instructions by object (a library), source file and function: `own` without, `all` with those of its callees."""

    def __init__(self):
        self.objects = Counter()
        self.files = Counter()
        self.own = Counter()
        self.all = Counter()

    def total(self):
        return sum(self.objects.values())

    def per_message(self, shorter, messages):
        """The difference to a run with `messages` fewer messages, per message."""
        result = Profile()
        for name, own in vars(result).items():
            for key, value in getattr(self, name).items():
                own[key] = (value - getattr(shorter, name)[key]) / messages
        return result


def parse(text):
    """Reads what callgrind has written."""
    profile, names, now, is_call = Profile(), {}, {}, False
    for line in text.splitlines():
        if match := NAME.match(line):
            called, kind, number, name = match.groups()
            kind = "file" if kind[0] == "f" and kind != "fn" else kind
            if name:
                names[kind, number] = name
            if not called:
                now[kind] = names[kind, number]
        elif line.startswith("calls="):
            is_call = True
        elif match := COST.match(line):
            cost, function = int(match[1]), (now["fn"], Path(now["ob"]).name)
            profile.all[function] += cost
            if not is_call:
                profile.objects[function[1]] += cost
                profile.files[now["file"]] += cost
                profile.own[function] += cost
            is_call = False
    return profile


def profile(driver, work):
    with tempfile.NamedTemporaryFile(suffix=".callgrind") as out:
        pair.run(driver, work, ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out.name}"])
        return parse(Path(out.name).read_text())


def per_message(driver, work):
    """Of the work, minus a tenth of it: start and end cancel out."""
    short = work.with_count(work.count // 10)
    return profile(driver, work).per_message(profile(driver, short), work.count - short.count)
