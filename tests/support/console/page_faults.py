"""What is wrong with how a page is made: what a reader by ear, by keyboard or with a narrow window would run into."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

_VOID = {"meta", "link", "input", "br", "img", "hr", "line", "circle", "polyline", "polygon"}
_NAMED = {"input", "select", "textarea"}
_BLOCKS = {"p", "li", "dt", "dd", "td", "th", "tr", "h1", "h2", "h3", "div", "section", "option"}
_SAYS = {"a", "button", "summary", "th", "h1", "h2", "h3", "label", "option", "figcaption"}


class _Page(HTMLParser):
    """Reads a whole page into what the rules ask for."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        """Each element with its attributes and those around it."""
        self.text: dict[int, str] = {}
        self.around: list[int] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.handle_data(" ")
        self.found.append((tag, {name: value or "" for name, value in attrs}, list(self.open)))
        self.text[len(self.found) - 1] = ""
        if tag not in _VOID:
            self.open.append(tag)
            self.around.append(len(self.found) - 1)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()
        self.around.pop()

    def handle_data(self, data: str) -> None:
        for number in self.around:
            self.text[number] += data


def faults(html: str) -> list[str]:
    """Each as a sentence."""
    page = _Page()
    page.feed(html)
    page.close()
    return [*page.wrong, *(f"<{tag}> is not closed" for tag in page.open), *_of_page(page), *_of_elements(page)]


def _of_page(page: _Page) -> Iterator[str]:
    count = Counter(tag for tag, _, _ in page.found)
    for tag in ("html", "main", "h1", "head"):
        if count[tag] != 1:
            yield f"{count[tag]} <{tag}>"
    if next(attrs.get("lang") for tag, attrs, _ in page.found if tag == "html") != "en":
        yield "the language is not said"
    if not any(tag == "meta" and attrs.get("name") == "viewport" for tag, attrs, _ in page.found):
        yield "narrow windows are not thought of"
    ids = Counter(attrs["id"] for _, attrs, _ in page.found if "id" in attrs)
    yield from (f"the id {name} is there {times} times" for name, times in ids.items() if times > 1)
    for _, attrs, _ in page.found:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            yield from (f"{name} {each} leads nowhere" for each in attrs.get(name, "").split() if each not in ids)
    levels = [int(tag[1]) for tag, _, around in page.found if re.fullmatch("h[1-6]", tag) and "dialog" not in around]
    yield from (f"h{after} follows h{before}" for before, after in pairwise(levels) if after > before + 1)


def _of_elements(page: _Page) -> Iterator[str]:
    labels = {attrs.get("for") for tag, attrs, _ in page.found if tag == "label"}
    for number, (tag, attrs, around) in enumerate(page.found):
        text = page.text[number].strip()
        is_named = bool(text or attrs.get("aria-label") or attrs.get("aria-labelledby"))
        is_labelled = attrs.get("id") in labels or is_named or "label" in around
        if tag in _NAMED and attrs.get("type") != "hidden" and not is_labelled:
            yield f"<{tag} name={attrs.get('name')}> has no label"
        if tag in _SAYS and not is_named:
            yield f"<{tag}> says nothing"
        if tag in {"nav", "dialog", "meter"} and not (attrs.get("aria-label") or attrs.get("aria-labelledby")):
            yield f"<{tag}> has no name"
        if tag == "form" and attrs.get("method") == "post" and not _has_token(page, number):
            yield "a form has no token"
        yield from _of_attributes(tag, attrs)


def _of_attributes(tag: str, attrs: dict[str, str]) -> Iterator[str]:
    if tag == "a" and not attrs.get("href", "").startswith(("/", "#")):
        yield f"a link leads to {attrs.get('href')}"
    if tag == "th" and "scope" not in attrs:
        yield "a <th> heads nothing"
    if tag == "svg" and (attrs.get("role") != "img" or "aria-labelledby" not in attrs):
        yield "a drawing has no words"
    if "scroll" in attrs.get("class", "").split() and attrs.get("tabindex") != "0":
        yield "a box that scrolls cannot be reached with the keyboard"
    if "style" in attrs or any(name.startswith("on") for name in attrs):
        yield f"<{tag}> has something inline"
    if int(attrs.get("tabindex", "0")) > 0:
        yield f"<{tag}> comes out of its turn"


def _has_token(page: _Page, number: int) -> bool:
    """The first field of a form is its token."""
    tag, attrs, _ = page.found[number + 1]
    return tag == "input" and attrs.get("type") == "hidden" and bool(attrs.get("value"))


def text_of(html: str) -> str:
    """What a reader reads, with single blanks."""
    page = _Page()
    page.feed(html)
    whole = next(page.text[number] for number, (tag, _, _) in enumerate(page.found) if tag == "body")
    return " ".join(whole.split())
