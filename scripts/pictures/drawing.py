"""Boxes, arrows and text as SVG: readable in light and dark, with text as text, the same bytes each time.

A picture brings its own ground, so that it can be read on any page; the reader's system chooses which. Positions and
sizes are in pixels. A text that its box cannot hold is refused: what is drawn can be read.
"""

from __future__ import annotations

from html import escape

_STYLE = """
.ground{fill:#fff;stroke:#d0d7de}.box{fill:#f6f8fa;stroke:#57606a}.good{fill:#dafbe1;stroke:#1a7f37}
.bad{fill:#ffebe9;stroke:#cf222e}.wait{fill:#fff8c5;stroke:#9a6700}.main{fill:#ddf4ff;stroke:#0969da}
.group{fill:none;stroke:#8c959f;stroke-dasharray:5 4}.line{stroke:#57606a;stroke-width:1.5;fill:none}
.tip{fill:#57606a}text{fill:#1f2328;font:13px system-ui,sans-serif}.bold{font-weight:600}
.small{font-size:11.5px;fill:#57606a}
.mono{font:12.5px ui-monospace,monospace;white-space:pre}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117;stroke:#30363d}.box{fill:#161b22;stroke:#8b949e}
.good{fill:#12261e;stroke:#3fb950}.bad{fill:#2d1517;stroke:#f85149}.wait{fill:#272115;stroke:#d29922}
.main{fill:#121d2f;stroke:#58a6ff}.group{stroke:#6e7681}.line{stroke:#8b949e}.tip{fill:#8b949e}
text{fill:#e6edf3}.small{fill:#9da7b3}}
""".strip()

_WIDTH = {"": 6.6, "bold": 7.8, "small": 5.9, "mono": 7.55}
"""Of a character on average, in the widest of the usual fonts."""


class TooWideError(ValueError):
    """A text that would stand over the edge of its box."""


class Drawing:
    """A picture that grows by its parts; `svg` is all of it."""

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._size = (width, height)
        self._title, self._description = title, description
        self._parts: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, *lines: str, kind: str = "box") -> None:
        """A box with its lines in the middle; the first one is bold where there are more."""
        self._parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')
        top = y + height / 2 - 8.5 * (len(lines) - 1) + 4.5
        for number, line in enumerate(lines):
            style = "small" if number else "bold"
            if len(line) * _WIDTH[style] > width - 8:
                raise TooWideError(f"{line!r} needs {len(line) * _WIDTH[style]:.0f} px, its box has {width - 8}")
            self.text(x + width / 2, top + 17 * number, line, style, anchor="middle")

    def group(self, x: int, y: int, width: int, height: int, label: str) -> None:
        """A dashed frame around boxes, with what they are together."""
        self._parts.append(f'<rect class="group" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>')
        self.text(x + 10, y + 18, label, "small")

    def text(self, x: float, y: float, line: str, style: str = "", *, anchor: str = "start") -> None:
        """One line of text; its base line begins, or has its middle, there."""
        width = len(line) * _WIDTH[style]
        right = x + (width / 2 if anchor == "middle" else width)
        if right > self._size[0]:
            raise TooWideError(f"{line!r} ends at {right:.0f} px, the picture at {self._size[0]}")
        named = f' class="{style}"' if style else ""
        placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self._parts.append(f'<text{named} x="{x:g}" y="{y:g}"{placed}>{escape(line, quote=False)}</text>')

    def arrow(self, *points: tuple[int, int], label: str = "", at: tuple[int, int] | None = None) -> None:
        """A line along these points with a tip at its end, and what it says."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._parts.append(f'<polyline class="line" points="{path}" marker-end="url(#tip)"/>')
        if label and at:
            self.text(*at, label, "small")

    @property
    def svg(self) -> str:
        """The whole picture."""
        width, height = self._size
        return "\n".join((
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
            'role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(self._title)}</title>',
            f'<desc id="desc">{escape(self._description)}</desc>',
            f"<style>{_STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"',
            'orient="auto">',
            '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
            f'<rect class="ground" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>',
            *self._parts,
            "</svg>\n",
        ))  # fmt: skip
