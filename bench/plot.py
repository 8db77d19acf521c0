"""Lines over a logarithmic x, as SVG. Pure."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 320, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 44, 40
Point = tuple[float, float]


class Panel(NamedTuple):
    """One plot: y over x, x in steps of tens, y from 0."""

    title: str
    x: str
    y: str
    points: Sequence[Point]


def svg(panels: Sequence[Panel], note: str) -> str:
    """The panels side by side, and a line below them."""
    width, height = WIDTH * len(panels), HEIGHT + 24
    drawn = "\n".join(_drawn(panel, n * WIDTH) for n, panel in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{drawn}\n'
        f"{_text(8, height - 8, note, 'start')}\n</svg>\n"
    )


def _drawn(panel: Panel, left: float) -> str:
    highest = nice(max(y for _, y in panel.points))
    low, high = _decades([x for x, _ in panel.points])

    def at(x: float, y: float) -> Point:
        across = (math.log10(x) - low) / (high - low)
        return (
            left + LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / highest * (HEIGHT - TOP - BOTTOM),
        )

    corners = [at(x, y) for x, y in panel.points]
    parts = [_text(left + LEFT, 18, panel.title, "start", bold=True)]
    parts.append(_text(left + LEFT, 34, panel.y, "start"))
    parts.append(_text(left + WIDTH / 2 + 20, HEIGHT - 6, panel.x, "middle"))
    for y in (0.0, highest / 2, highest):
        (begin, level), (end, _) = at(10**low, y), at(10**high, y)
        parts.append(f'<path d="M{begin:.1f} {level:.1f}H{end:.1f}" stroke="#ddd"/>')
        parts.append(_text(begin - 6, level + 4, f"{y:g}", "end"))
    for decade in range(low, high + 1):
        across, level = at(10**decade, 0)
        parts.append(_text(across, level + 16, _short(10**decade), "middle"))
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    parts.append(f'<path d="M{path}" fill="none" stroke="#06c" stroke-width="2"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#06c"/>' for x, y in corners]
    return "\n".join(parts)


def nice(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, … that is not under ``value``."""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _short(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
