"""The emulator's page as HTML, with the console's stylesheet and script. Whatever came from outside is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from itertools import islice
from typing import Any, Final

from bridge.emulator import lines
from bridge.emulator.fault_words import NamedFault
from bridge.emulator.front import FAULTS, LIVE, STATIC
from bridge.emulator.seen import RequestBook, SeenRequest
from bridge.text import moments
from bridge.text.amounts import plural, span, thousands
from bridge.text.printable import cut, printable

FILES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
ROWS: Final = 30
"""Requests and event names on the page."""
READY: Final = (
    ("503", "503 to all"),
    ("503:10%", "503 to one in ten"),
    ("429:retry-after=10,for=10s", "429 for 10 s"),
    ("timeout", "No answers"),
    ("401", "Key refused"),
)
"""Faults that are a click away."""
_LONGEST: Final = 400
_LONGEST_METADATA: Final = 4_000
_FOLDED: Final = 80
_SHORT: Final = 20


@dataclass(frozen=True, slots=True)
class EmulatorView:
    """What the page is built from."""

    book: RequestBook
    faults: Sequence[NamedFault]
    endpoint: str
    keys: Iterable[str] | None
    rate: str
    """What is let through: ``600/min``."""
    now: float
    problem: str | None = None
    """Why faults that were typed are not taken."""


def file(name: str) -> bytes:
    """One of `FILES`: the console's, which needs nothing else of it."""
    return resources.files("bridge.console").joinpath("static", name).read_bytes()


def _asset(name: str) -> str:
    return f"{STATIC}{name}?v={hashlib.sha256(file(name)).hexdigest()[:12]}"


def page(about: EmulatorView) -> str:
    """The whole of it."""
    return f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Emulated Track API - track-bridge</title>
  <link rel="stylesheet" href="{_asset("console.css")}">
  <link rel="icon" type="image/svg+xml" href="{_asset("icon.svg")}">
  <noscript><meta http-equiv="refresh" content="5; url=/"></noscript>
  <script src="{_asset("console.js")}" defer></script>
</head>
<body>
  <a class="skip" href="#main">Skip to the page</a>
  <header class="top">
    <div class="bar">
      <a class="brand" href="/"><span class="mark" aria-hidden="true"></span>track-bridge</a>
      <span class="group">emulated Track API at {_text(about.endpoint)}</span>
    </div>
  </header>
  <main id="main" tabindex="-1">
    {_problem(about.problem)}
    <div id="live" data-live="{LIVE}" data-server="emulator">
{live(about)}
    </div>
    {_configuration(about)}
  </main>
  <footer>
    <p>Times are in UTC. Nothing here is sent to Userpilot.
    <span id="alive" role="status">As of the time the page was loaded.</span></p>
  </footer>
</body>
</html>
"""


def live(about: EmulatorView) -> str:
    """The part that follows what happens."""
    return "\n".join((_headline(about), _tiles(about), _faults(about), _counts(about.book), _requests(about.book)))


def _headline(about: EmulatorView) -> str:
    faults = about.faults
    tone, title = (
        ("wait", f"{plural(len(faults), 'fault')} switched on") if faults else ("good", "Answers as documented")
    )
    said = "; ".join(f"{each.text} ({each.meaning})" for each in faults)
    note = f'<p class="note">{_text(said)}</p>' if faults else ""
    return (
        f'<section class="headline {tone}" data-part="headline"><h1>{title}</h1>'
        f'<p class="asof">as of {_clock(about.now)}</p>{note}</section>'
    )


def _tiles(about: EmulatorView) -> str:
    book = about.book
    refused = book.seen - book.accepted
    people = book.calls["identify"] + book.calls["company"]
    tiles = (
        ("", "events accepted", thousands(book.calls["track"])),
        ("", "users and companies accepted", thousands(people)),
        ("", "imports accepted", thousands(book.calls["import"])),
        ("bad" if refused else "", "refused or without an answer", thousands(refused)),
        ("", f"requests in the last minute (limit {about.rate})", thousands(book.last_minute(about.now))),
    )
    found = "".join(
        f'<div class="tile {tone}"><dt>{_text(label)}</dt><dd>{value}</dd></div>' for tone, label, value in tiles
    )
    return f'<dl class="tiles" data-part="tiles">{found}</dl>'


def _faults(about: EmulatorView) -> str:
    buttons = "".join(f'<button name="fault" value="{escape(text)}">{escape(label)}</button>' for text, label in READY)
    off = '<button name="fault" value="" class="primary">No faults</button>' if about.faults else ""
    return (
        '<section class="panel" data-part="faults" aria-labelledby="h-faults"><h2 id="h-faults">Break it</h2>'
        f'<form method="post" action="{FAULTS}" class="actions">{buttons}{off}</form>'
        f'<form method="post" action="{FAULTS}" class="filter"><div><label for="fault">A fault of your own</label>'
        '<input id="fault" name="fault" autocomplete="off" spellcheck="false" maxlength="200" '
        'placeholder="500:times=3,event=Order Completed"></div><button>Switch on</button></form></section>'
    )


def _requests(book: RequestBook) -> str:
    title = '<h2 id="h-requests">Last requests</h2>'
    if not book.seen:
        body = '<p class="none">None yet. What a bridge needs to send here is below.</p>'
    else:
        rows = "".join(_row(each) for each in islice(reversed(book.last), ROWS))
        body = _table(("time", "answer", "call", "user", "event or company", "metadata, or why not"), rows)
    return f'<section data-part="requests" aria-labelledby="h-requests">{title}{body}</section>'


def _row(request: SeenRequest) -> str:
    tone = "good" if request.is_accepted else "bad" if request.answer.startswith("4") else "wait"
    refused = not request.is_accepted and request.why is not None
    last = _text(request.why) if refused else _metadata(request)
    call = lines.call_word(request)
    return (
        f'<tr><td data-label="time" class="tight">{_clock(request.at)}</td>'
        f'<td data-label="answer"><span class="state {tone}">{_text(lines.answer_word(request))}</span></td>'
        f'<td data-label="call">{_text(call)}</td>'
        f'<td data-label="user"{_tight(request.user_id)}>{_text(request.user_id)}</td>'
        f'<td data-label="event">{_text(request.name)}</td>'
        f'<td data-label="{"why" if refused else "metadata"}">{last}</td></tr>'
    )


def _metadata(request: SeenRequest) -> str:
    """What is long is folded: thirty requests with twelve keys each are still a page that can be looked over."""
    if not request.details:
        return ""
    text = lines.shown(request.details)
    if len(text) <= _FOLDED:
        return f"<code>{_text(text)}</code>"
    beginning = escape(printable(cut(text, _FOLDED)))
    return (
        f'<details id="request-{request.number}"><summary><code>{beginning}</code></summary>'
        f"<code>{escape(printable(cut(text, _LONGEST_METADATA)))}</code></details>"
    )


def _tight(text: str | None) -> str:
    """A short text stays on one line."""
    return ' class="tight"' if text is not None and len(text) <= _SHORT else ""


def _counts(book: RequestBook) -> str:
    names = sorted(book.events.items(), key=lambda each: -(each[1].accepted + each[1].refused))
    events = "".join(
        f'<tr><th scope="row">{_text(name)}</th><td class="number">{thousands(each.accepted)}</td>'
        f'<td class="number">{thousands(each.refused)}</td></tr>'
        for name, each in names[:ROWS]
    )
    more = f'<p class="note">and {plural(len(names) - ROWS, "more name")}</p>' if len(names) > ROWS else ""
    answers = _rows(book.answers.most_common())
    reasons = _rows(book.reasons.most_common(10))
    return (
        '<div class="columns" data-part="counts">'
        f"{_panel('By event', ('event', 'accepted', 'refused'), events)}{more}"
        f"{_panel('By answer', ('answer', 'requests'), answers)}"
        f"{_panel('Why refused', ('reason', 'requests'), reasons)}</div>"
    )


def _rows(counted: Iterable[tuple[str, int]]) -> str:
    return "".join(
        f'<tr><th scope="row">{_text(name)}</th><td class="number">{thousands(count)}</td></tr>'
        for name, count in counted
    )


def _panel(title: str, heads: Sequence[str], rows: str) -> str:
    numbers = "".join(f'<th scope="col" class="number">{head}</th>' for head in heads[1:])
    head = f'<thead><tr><th scope="col">{heads[0]}</th>{numbers}</tr></thead>'
    body = f"<table>{head}<tbody>{rows}</tbody></table>" if rows else '<p class="none">None yet.</p>'
    return f'<section class="panel"><h2>{title}</h2><div class="scroll">{body}</div></section>'


def _table(heads: Iterable[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    return (
        '<div class="scroll held" tabindex="0" role="region" aria-labelledby="h-requests"><table class="cards">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _configuration(about: EmulatorView) -> str:
    """What a bridge needs, and how a script asks."""
    return (
        '<section class="panel"><h2>In bridge.yaml</h2>'
        f"<pre>{escape(chr(10).join(configuration(about.endpoint, about.keys)))}</pre>"
        '<p class="note">Faults by command: '
        f'<code class="command">curl -d fault=503:10% {escape(about.endpoint)}{FAULTS}</code>, and '
        f'<code class="command">curl -X DELETE {escape(about.endpoint)}{FAULTS}</code> ends them. It runs for '
        f"{span(about.now - about.book.began)} and keeps its last {thousands(about.book.keeps)} requests.</p></section>"
    )


def configuration(endpoint: str, keys: Iterable[str] | None) -> list[str]:
    """The lines of ``bridge.yaml`` that send here."""
    return ["track:", f"  endpoint: {endpoint}", f"  api_key: {key_of(keys)}"]


def key_of(keys: Iterable[str] | None) -> str:
    """One that is taken."""
    return "any-key" if keys is None else min(keys)


def _problem(sentence: str | None) -> str:
    return f'<p class="problem" role="alert">{_text(sentence)}</p>' if sentence else ""


def _clock(seconds: float) -> str:
    written = moments.iso(seconds, "seconds") or ""
    return f'<time datetime="{written}">{written[11:19]}</time>'


def _text(value: Any) -> str:
    return "" if value is None else escape(printable(cut(str(value), _LONGEST)))
