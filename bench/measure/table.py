"""The figures as a table: for the terminal, and for Markdown."""

from .drivers import LIMIT, PMQTT, WAYS

VERDICTS = {True: "met", False: "not met", None: ""}


def number(value):
    if value is None:
        return "-"
    if value == 0 or abs(value) < 0.0005:
        return "0"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def goal(line):
    if line.goal is None:
        return ""
    bound = "0" if line.goal < 0.005 else f"{line.goal:.3g}"
    sign = ">=" if line.at_least else "<="
    if not line.relative:
        return f"{sign} {bound}"
    return f"{sign} {bound}x" + ("" if line.base == LIMIT.label else f" {line.base}")


def own(line):
    value = number(line.values.get(line.subject))
    ratio = line.ratios.get(line.subject)
    return f"{value} ({ratio:.2f}x)" if ratio and line.relative else value


def against(line, label):
    """A peer's figure, and its ratio to pmqtt's."""
    value, mine = line.values.get(label), line.values.get(line.subject)
    if value is None:
        return ""
    if not mine or mine < 0.005 or label == line.subject:
        return number(value)
    ratio = value / mine
    return f"{number(value)} ({ratio:.2g}x)" if ratio < 10 else f"{number(value)} ({ratio:,.0f}x)"


def goals_table(lines, labels):
    """One line for each row; for pmqtt, the way that has the goal."""
    header = ["work", "measure", "goal", "pmqtt", "", *labels]
    return header, [[line.work, f"{line.what} {line.unit}".strip(), goal(line), own(line), VERDICTS[line.is_met()],
                     *(against(line, label) for label in labels)] for line in lines]


def ways_table(lines):
    """What differs between the ways of running pmqtt."""
    labels = [way.label for way in WAYS if any(way.label in line.values for line in lines)]
    return (["work", "measure", *labels],
            [[line.work, f"{line.what} {line.unit}".strip(), *(number(line.values.get(label)) for label in labels)]
             for line in lines if len(line.values.keys() & set(labels)) > 1])


def others(lines):
    """The limit and the peers, in the order in which they were measured."""
    labels = {label: None for line in lines for label in line.values}
    return [label for label in labels if label == LIMIT.label or not label.startswith(PMQTT.label.split(",")[0])]


def text(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in [header, *rows])
    return "\n".join(line.rstrip() for line in lines)


def markdown(header, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])
