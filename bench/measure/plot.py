"""Bar charts as SVG: a panel for each work, a bar for each library."""

import math
from html import escape

COLOURS = {"pmqtt": "#1f6feb", "the limit": "#8b949e"}
PEER_COLOUR = "#d0a24c"

PANEL_WIDTH, LABEL_WIDTH, VALUE_WIDTH = 440, 150, 60
BAR, GAP, TITLE = 18, 6, 34
COLUMNS, WIDTH_MIN = 2, 520


def colour(label):
    return COLOURS.get(label.split(",")[0], PEER_COLOUR)


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def round_up(value):
    """Rounds up to 1, 2 or 4 times a power of ten, whose quarters have few digits."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 10) if step * power >= value)


class Axis:
    """From one power of ten to another, each line ten times the previous one; or from zero."""

    def __init__(self, values, logarithmic):
        self.logarithmic = logarithmic
        self.low = math.floor(math.log10(min(values)) - 0.3) if logarithmic else 0
        self.high = math.ceil(math.log10(max(values))) if logarithmic else round_up(max(values))

    def place(self, value):
        at = math.log10(value) if self.logarithmic else value
        return (at - self.low) / (self.high - self.low)

    def ticks(self):
        if self.logarithmic:
            return [10.0**power for power in range(self.low, self.high + 1)]
        return [self.high * quarter / 4 for quarter in range(5)]


def bar_charts(title, subtitle, panels, logarithmic=True):
    """panels: {name: {label: value}}. They share a logarithmic scale; one from zero is each panel's own."""
    shared = Axis([value for bars in panels.values() for value in bars.values()], logarithmic)
    most = max(len(bars) for bars in panels.values())
    height = TITLE + most * (BAR + GAP) + 30
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    width, total = max(columns * PANEL_WIDTH + 20, WIDTH_MIN), rows * height + 70
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" viewBox="0 0 {width} {total}" '
             f'font-family="system-ui, sans-serif" font-size="12">',
             f'<rect width="{width}" height="{total}" fill="#ffffff"/>',
             f'<text x="16" y="28" font-size="18" font-weight="600">{escape(title)}</text>',
             f'<text x="16" y="48" fill="#57606a">{escape(subtitle)}</text>']
    for i, (name, bars) in enumerate(panels.items()):
        x, y = 10 + i % columns * PANEL_WIDTH, 60 + i // columns * height
        parts += panel(name, bars, shared if logarithmic else Axis(bars.values(), False), x, y, most)
    return "\n".join([*parts, "</svg>", ""])


def panel(name, bars, axis, x, y, most):
    left, room = x + LABEL_WIDTH, PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH
    bottom = y + TITLE + most * (BAR + GAP)
    yield f'<text x="{x + 6}" y="{y + 20}" font-size="14" font-weight="600">{escape(name)}</text>'
    for tick in axis.ticks():
        at = left + axis.place(tick) * room
        yield f'<line x1="{at:.1f}" y1="{y + TITLE - 4}" x2="{at:.1f}" y2="{bottom}" stroke="#d8dee4"/>'
        yield (f'<text x="{at:.1f}" y="{bottom + 14}" text-anchor="middle" fill="#57606a" font-size="10">'
               f'{tick:,g}</text>')
    for i, (label, value) in enumerate(sorted(bars.items(), key=lambda bar: bar[1])):
        top = y + TITLE + i * (BAR + GAP)
        length = max(1.0, axis.place(value) * room)
        weight = ' font-weight="600"' if label.startswith("pmqtt") else ""
        yield f'<text x="{left - 8}" y="{top + 13}" text-anchor="end"{weight}>{escape(label)}</text>'
        yield f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour(label)}"/>'
        yield f'<text x="{left + length + 6:.1f}" y="{top + 13}"{weight}>{show(value)}</text>'
