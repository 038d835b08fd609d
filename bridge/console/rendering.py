"""Templates become pages. Everything that comes from outside is escaped, and shows what is not to be seen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bridge.fleet.headline import LOSS_IS_NEAR
from bridge.text import moments
from bridge.text.amounts import per_minute, plural, size, span, thousands
from bridge.text.printable import cut, printable, printable_lines

LONGEST: Final = 1_000
"""Characters of one text from outside."""
SHORT: Final = 250
"""Characters of a name: as many as a topic's may have, which a partition's number follows."""
BLOCK: Final = "live"
"""The part of a template that follows what happens."""
_COMMAND: Final = re.compile(r"`((?:\S+ -m )?(?:[^\s`]*/)?(?:track-)?bridge(?: [^`\n]+)?)`")
"""Of this program, however it was called; a JMESPath expression has backticks of its own, which stay."""
STATIC: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def _safe(value: Any) -> Any:
    """Of every expression of a template, before it is escaped."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return printable(cut(value, LONGEST))
    return "" if value is None else value


def lines(text: str) -> Markup:
    """A text with lines of its own; they stay."""
    return Markup("{}").format(printable_lines(cut(text, LONGEST * 50)))


def sentence(text: str | None) -> Markup:
    """A sentence as others wrote it. A command in it, between backticks, becomes one that a click selects whole."""
    told = Markup("")
    for number, part in enumerate(_COMMAND.split(str(_safe(text)))):
        told += Markup('<code class="command">{}</code>').format(part) if number % 2 else part
    return told


def when(seconds: float | None, now: float) -> Markup:
    """The time of day in UTC, with the date where that is another day; empty where it is not known."""
    written = None if seconds is None else moments.iso(seconds, "seconds")
    if written is None:
        return Markup("")
    today = (moments.iso(now, "seconds") or "")[:10]
    shown = written[11:19] if written[:10] == today else f"{written[:10]} {written[11:19]}"
    return Markup('<time datetime="{}">{}</time>').format(written, shown)


def since(seconds: float | None, now: float) -> Markup:
    """``since 11:56:55 (3 min 5 s)``"""
    if seconds is None:
        return Markup("")
    return Markup("since {} ({})").format(when(seconds, now), span(now - seconds))


def ahead(seconds: float | None, now: float) -> Markup:
    """``14:32:10 (in 8 s)``"""
    if seconds is None:
        return Markup("")
    left = seconds - now
    return Markup("{} ({})").format(when(seconds, now), f"in {span(left)}" if left >= 1.0 else "now")


class Renderer:
    """All templates, and the files beside them."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("bridge.console"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_safe,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "thousands": lambda value: "" if value is None else thousands(value),
            "plural": plural,
            "span": span,
            "per_minute": per_minute,
            "size": size,
            "when": when,
            "since": since,
            "ahead": ahead,
            "lines": lines,
            "sentence": sentence,
            "short": lambda text: cut(str(text), SHORT),
            "words": lambda reason: str(reason).replace("_", " "),
            "url": lambda text: quote(str(text), safe=""),
        }
        self.files = {name: _content(name) for name in STATIC}
        self._templates.globals |= {"asset": self._asset, "loss_is_near": LOSS_IS_NEAR}

    def page(self, template: str, context: Mapping[str, Any]) -> str:
        """The whole of it."""
        return self._templates.get_template(template).render(context)

    def fragment(self, template: str, context: Mapping[str, Any]) -> str:
        """Its block `BLOCK` alone."""
        found = self._templates.get_template(template)
        return "".join(found.blocks[BLOCK](found.new_context(dict(context))))

    def _asset(self, name: str) -> str:
        """A file's address, another one with every content: it may be kept for ever."""
        return f"/static/{name}?v={hashlib.sha256(self.files[name]).hexdigest()[:12]}"


def _content(name: str) -> bytes:
    return resources.files("bridge.console").joinpath("static", name).read_bytes()
