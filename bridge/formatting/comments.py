"""To which key each comment and each blank line belongs.

A comment is about the key below it, unless it is further in than that (then it ends the block it is in), goes on with a
comment behind a value, or stands right below a key with a blank line after it.
"""

from __future__ import annotations

from bridge.formatting.layout import CannotFormatError, CommentLine, Element, Layout, LineBlock, each_element


def give_comments(layout: Layout) -> list[str]:
    """Gives every line between elements to one of them. Returns the lines before all of them, as they are.

    Raises `CannotFormatError`.
    """
    elements = list(each_element(layout.root))
    first = elements[0][1]
    head = [line.rstrip() for line in layout.lines[: first.line]]
    above = _own_paragraph(head)
    first.lead = [_comment(line, place) for place, line in enumerate(head[len(head) - above :])]
    for place, (_, element) in enumerate(elements):
        following = elements[place + 1] if place + 1 < len(elements) else None
        until = len(layout.lines) if following is None else following[1].line
        gap = [_comment(line, number) for number, line in _numbered(layout.lines, element.last_line + 1, until)]
        if element.block is not None and following is not None:
            _within(element, following[1], gap)
        else:
            _between(layout.root, element, following, gap)
    return head[: len(head) - above]


def _numbered(lines: list[str], begin: int, end: int) -> list[tuple[int, str]]:
    return [(number, lines[number]) for number in range(begin, end)]


def _own_paragraph(head: list[str]) -> int:
    """How many lines right above the first key are about it: those after the last blank line, if there is one."""
    count = 0
    for line in reversed(head):
        if not line.strip() or not line.lstrip().startswith("#"):
            return count
        count += 1
    return count


def _comment(line: str, number: int) -> CommentLine:
    text = line.strip()
    if text and not text.startswith("#"):
        raise CannotFormatError(
            f"has {text[:20]!r} in line {number + 1}, which is left alone; remove it, or do without"
        )
    return CommentLine(text, len(line) - len(line.lstrip()))


def _continued(element: Element, gap: list[CommentLine], column: int) -> list[CommentLine]:
    """Takes the rest of the comment behind an element; returns what is left."""
    place = 0
    while place < len(gap) and element.trailing and gap[place].text and gap[place].column > max(column, element.column):
        element.own_after.append(gap[place])
        place += 1
    return gap[place:]


def _within(element: Element, following: Element, gap: list[CommentLine]) -> None:
    following.lead = _continued(element, gap, following.column)


def _between(
    root: LineBlock, element: Element, following: tuple[LineBlock, Element] | None, gap: list[CommentLine]
) -> None:
    owner, column = (root, -1) if following is None else (following[0], following[1].column)
    gap = _continued(element, gap, column)
    deeper = max((place for place, each in enumerate(gap) if each.text and each.column > column), default=-1)
    firsts = [place for place, each in enumerate(gap) if each.text and each.column <= column]
    deeper = min(deeper, firsts[0] - 1) if firsts else deeper
    if deeper >= 0:
        inside, gap = gap[: deeper + 1], gap[deeper + 1 :]
        _at_the_end(root, element, inside, owner if following is not None else None)
    if following is None:
        root.tail += gap
        return
    own = _right_below(gap)
    if own:
        sibling = owner.elements[owner.elements.index(following[1]) - 1]
        sibling.after += gap[:own]
    following[1].lead = gap[own:]


def _right_below(gap: list[CommentLine]) -> int:
    """Of lines before a key: how many are about the one above it."""
    count = next((place for place, each in enumerate(gap) if not each.text), 0)
    return count if count and gap[0].text else 0


def _at_the_end(root: LineBlock, element: Element, lines: list[CommentLine], owner: LineBlock | None) -> None:
    """Of the innermost block that ends here and does not begin further in than the comment."""
    column = next(each.column for each in lines if each.text)
    ending = [each for each in _around(root, element) if owner is None or _is_inside(owner, each)]
    for each in reversed(ending):
        if each.column <= column:
            each.tail += lines
            return
    element.after += lines


def _around(root: LineBlock, element: Element) -> list[LineBlock]:
    """The blocks that an element is in, from the outermost."""
    found: list[LineBlock] = []
    block = root
    while True:
        found.append(block)
        if any(each is element for each in block.elements):
            return found
        inner = next(each.block for each in block.elements if each.block is not None and _holds(each.block, element))
        block = inner


def _holds(block: LineBlock, element: Element) -> bool:
    return any(each is element or (each.block is not None and _holds(each.block, element)) for each in block.elements)


def _is_inside(owner: LineBlock, block: LineBlock) -> bool:
    return block is not owner and len(block.path) > len(owner.path)
