"""The words and signs of a .proto text, one after the other."""

from __future__ import annotations

import re
from typing import Final

from bridge.decode.protobuf.schema.nodes import DescriptorError

_TOKEN: Final = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>[A-Za-z_][\w.]*|\.[A-Za-z_][\w.]*)
    |(?P<number>[\d.][\w.]*(?:(?<=[eE])[+-]\w+)?)
    |(?P<sign>[-+={}\[\]()<>;,:/])""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING: Final = {"{": "}", "[": "]", "(": ")", "<": ">"}


class ProtoTokens:
    """A text, and how far it is read. Raises `DescriptorError` with the line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise DescriptorError(f"its text is no .proto file: line {self._line(at)} begins nothing that is known")
            if match.lastgroup is not None:
                self._tokens.append((match.lastgroup, match[0], at))
            at = match.end()
        self._tokens.append(("end", "", len(text)))
        self._next = 0

    def _ends(self) -> bool:
        return self._tokens[self._next][0] == "end"

    def _kind(self, ahead: int) -> str:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)][0]

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)][1]

    def _word(self) -> str:
        kind, word, _ = self._tokens[self._next]
        if kind != "word" and word != ";":
            raise self._fault(f"a name is missing{f' before {word[:20]}' if word else ''}")
        self._next += 1
        return word

    def _is(self, sign: str) -> bool:
        if self._ends():
            raise self._fault(f"{sign} is missing at its end")
        if self._peek() != sign:
            return False
        self._next += 1
        return True

    def _take(self, sign: str) -> None:
        if not self._is(sign):
            raise self._fault(f"{sign} is missing before {self._peek()[:20]}")

    def _string(self) -> str:
        """Texts after each other are one."""
        found = ""
        while self._kind(0) == "text":
            found += self._peek()[1:-1]
            self._next += 1
        if not found:
            raise self._fault("a text in quotes is missing")
        return found

    def _integer(self) -> int:
        sign = -1 if self._peek() == "-" else 1
        if sign < 0:
            self._next += 1
        word = self._peek()
        try:
            octal = len(word) > 1 and word.startswith("0") and word.isdigit()
            number = int(word, 8 if octal else 0)
        except ValueError:
            raise self._fault("a number is missing") from None
        self._next += 1
        return sign * number

    def _skip_statement(self) -> None:
        """Up to the semicolon that ends it."""
        while not self._is(";"):
            if self._peek() in _CLOSING:
                self._skip_block()
            else:
                self._next += 1

    def _skip_block(self) -> None:
        """From an opening bracket to the one that closes it."""
        if self._peek() not in _CLOSING:
            raise self._fault("a bracket is missing")
        open_: list[str] = []
        while True:
            if self._ends():
                raise self._fault(f"{open_[-1]} is missing at its end")
            sign = self._peek()
            self._next += 1
            if sign in _CLOSING:
                open_.append(_CLOSING[sign])
            elif sign == open_[-1]:
                open_.pop()
                if not open_:
                    return

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1

    def _fault(self, why: str) -> DescriptorError:
        return DescriptorError(f"its text is no .proto file: {why} in line {self._line(self._tokens[self._next][2])}")
