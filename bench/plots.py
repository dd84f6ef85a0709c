"""Bar charts as SVG, readable on light and dark ground."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, BAR, GAP, LABEL = 760, 18, 10, 300
COLOURS = ("#3b7dd8", "#e08a2e", "#5aa469")


def bars(title: str, unit: str, groups: Mapping[str, Sequence[float]], series: Sequence[str] = ()) -> str:
    """Groups of horizontal bars, one bar for each series, with the figures written at their ends."""
    largest = max((value for values in groups.values() for value in values), default=1) or 1
    room = WIDTH - LABEL - 90
    parts, y = [], 40
    for place, name in enumerate(series):
        parts.append(f'<rect x="{LABEL + 160 * place}" y="28" width="10" height="10" fill="{COLOURS[place]}"/>')
        parts.append(f'<text x="{LABEL + 16 + 160 * place}" y="37">{escape(name)}</text>')
        y = 56
    for label, values in groups.items():
        middle = y + len(values) * BAR / 2 + 4
        parts.append(f'<text x="{LABEL - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for place, value in enumerate(values):
            width = max(value / largest * room, 1)
            colour = COLOURS[place % len(COLOURS)]
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR - 3}" fill="{colour}"/>')
            parts.append(f'<text x="{LABEL + width + 6:.1f}" y="{y + 12}">{value:,.4g} {escape(unit)}</text>')
            y += BAR
        y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{escape(title)}">'
        "<style>text{font:13px system-ui,sans-serif;fill:#444}"
        "@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>"
        f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )
