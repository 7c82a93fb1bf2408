"""Charts as SVG: bars of an overview, drawn here, coloured by the style sheet alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 960
_HEIGHT: Final = 200
_GAP: Final = 0.18


def stacked(parts: Sequence[Sequence[tuple[str, int]]], titles: Sequence[str], name: str) -> Markup:
    """Bars of several layers, one for each part of a stretch of time.

    Args:
        parts: for each part its layers from the bottom up: (class of the style sheet, how many).
        titles: what is told of each part.
        name: what the chart shows, for those who do not see it.
    """
    most = max((sum(count for _, count in part) for part in parts), default=0) or 1
    step = _WIDTH / max(len(parts), 1)
    bars = Markup("")
    for place, (layers, title) in enumerate(zip(parts, titles, strict=True)):
        left, top, drawn = place * step + step * _GAP / 2, float(_HEIGHT), Markup("")
        for kind, count in layers:
            high = _HEIGHT * count / most
            top -= high
            if count:
                drawn += Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" ').format(
                    f"fill-{kind}", left, top, step * (1 - _GAP)
                )
                drawn += Markup('height="{:.2f}"/>').format(high)
        bars += Markup("<g><title>{}</title>").format(title)
        bars += Markup('<rect class="fill-none" x="{:.2f}" y="0" ').format(place * step)
        bars += Markup('width="{:.2f}" height="{}"/>{}</g>').format(step, _HEIGHT, drawn)
    return Markup(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}"'
        ' preserveAspectRatio="none">{}</svg>'
    ).format(name, _WIDTH, _HEIGHT, bars)


def bar(part: int, most: int, kind: str) -> Markup:
    """One lying bar: so much of the most."""
    wide = 100 * part / most if most else 0
    return Markup(
        '<svg class="bar" aria-hidden="true" viewBox="0 0 100 8" preserveAspectRatio="none">'
        '<rect class="fill-track" width="100" height="8"/>'
        '<rect class="fill-{}" width="{:.2f}" height="8"/></svg>'
    ).format(kind, wide)
