"""Pages of the repository in the dialect of the site's Markdown; pure.

The pages are written as repository hosts show them. The site's Markdown differs in four things: a fence has one word,
a list needs an empty line above it, a bar between backticks needs no backslash in a table, and a link cannot leave
``docs/``: files outside have their place below ``repository/``, and a folder has none.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

DOCS = "docs/"
OUTSIDE = "repository/"
"""Where the site has what the repository has outside of ``docs/``."""

_FENCED = re.compile(r"^( *)(`{3,}).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^( *`{3,}\w+) .*$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_WHOLE_LINK = re.compile(r"\[([^]]*)\]\(([^)\s]+)\)")
_CODE = re.compile(r"(`+)(?:(?!\1).)+\1")
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
_FETCHED = re.compile(
    r"""(?:<(?:link|script|img|iframe|source)\b[^>]*?(?:href|src)=|url\()["']?((?:https?:)?//[^"'\s>)]+)"""
)
_HEADING = re.compile(r"^#{1,6} (.+?)#* *$", re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor of a heading, as repository hosts make it: ``### `track.auth` `` is ``trackauth``."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text: str) -> list[str]:
    """Of all headings of a page, in order; one that comes again has a number."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for match in _HEADING.finditer(prose(text)):
        anchor = slug(match[1])
        again = seen.get(anchor, 0)
        seen[anchor] = again + 1
        found.append(f"{anchor}-{again}" if again else anchor)
    return found


def prose(text: str) -> str:
    """A page without its fenced blocks; the lines keep their numbers."""
    return _FENCED.sub(lambda found: "\n" * found[0].count("\n"), text)


def links(text: str) -> Iterator[tuple[int, str]]:
    """Line and target of every link, but those between backticks."""
    outside = _CODE.sub(lambda found: " " * len(found[0]), prose(text))
    for found in _LINK.finditer(outside):
        yield outside.count("\n", 0, found.start()) + 1, found[1]


def resolved(page: str, target: str) -> tuple[str, str]:
    """The file (from the repository's root) and the anchor that a link of a page leads to."""
    name, _, anchor = target.partition("#")
    return (posixpath.normpath(posixpath.join(posixpath.dirname(page), name)) if name else page), anchor


def is_address(target: str) -> bool:
    """Whether a link leaves the repository."""
    return re.match(r"[a-z]+:", target) is not None


def is_folder(path: str) -> bool:
    """Whether a name is that of a folder, which a site cannot show: its last part has no ending."""
    return "." not in posixpath.basename(path)


def place(path: str) -> str:
    """Where the site has a file of the repository."""
    return path.removeprefix(DOCS) if path.startswith(DOCS) else OUTSIDE + path


def fetched(html: str) -> list[str]:
    """The addresses outside of the site that a browser asks when it shows a page; a link that is followed is none."""
    return _FETCHED.findall(html)


def for_site(page: str, text: str) -> str:
    """A page, named from the repository's root, in the site's dialect."""

    def link(found: re.Match[str]) -> str:
        label, target = found.groups()
        if is_address(target) or target.startswith("#"):
            return found[0]
        path, anchor = resolved(page, target)
        if is_folder(path):
            return label
        relative = posixpath.relpath(place(path), posixpath.dirname(place(page)) or ".")
        return f"[{label}]({relative}#{anchor})" if anchor else f"[{label}]({relative})"

    def outside(part: str) -> str:
        return _WHOLE_LINK.sub(link, "\n".join(_lines(part.split("\n"))))

    return _between_fences(text, outside)


def _between_fences(text: str, change: Callable[[str], str]) -> str:
    done: list[str] = []
    end = 0
    for found in _FENCED.finditer(text):
        done += [change(text[end : found.start()]), _FENCE.sub(r"\1", found[0], count=1)]
        end = found.end()
    return "".join([*done, change(text[end:])])


def _lines(lines: list[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if _ITEM.match(line) and before and not _ITEM.match(before) and not before.startswith(" "):
            yield ""
        is_row = line.startswith("|")
        yield _CODE.sub(lambda found: found[0].replace("\\|", "|"), line) if is_row else line
        before = line
