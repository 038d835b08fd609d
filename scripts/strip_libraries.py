"""Takes out of shared libraries what only a debugger reads: ``python strip_libraries.py FOLDER``.

The image's recipe calls it with the interpreter of the environment it shrinks: the base has no ``strip``, and a package
index has none either. It does what ``strip --strip-unneeded`` does, for the one case met here. What the loader maps
stays as it is, byte for byte; what lies behind that goes, where it is debug information or the table of symbols that
only linking needs. A library that is built otherwise is left alone, and so is one that cannot be loaded afterwards.
What lies between mapped parts stays, too: the 1 MB of symbols in the librdkafka that confluent-kafka brings.

Layout: System V ABI, chapters 4 and 5 (https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html).
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHARED_OBJECT = 3
SYMBOLS, STRINGS = 2, 3
LOADED = 2
"""The flag of a section that is mapped when the program runs."""
DEBUG = (".debug", ".zdebug", ".comment")
_SECTIONS_AT = 40
"""Where the file's header says at which byte the table of sections begins."""
_HEADER, _SEGMENT, _SECTION = "16sHHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ"


@dataclass(frozen=True, slots=True)
class Section:
    """One row of the table of sections; the names are those of the ABI without ``sh_``."""

    name: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int

    def row(self, order: str, offset: int) -> bytes:
        """The row of the same section at another place of the file."""
        head = (self.name, self.type, self.flags, self.addr, offset, self.size)
        return struct.pack(order + _SECTION, *head, self.link, self.info, self.addralign, self.entsize)


def stripped(library: bytes) -> bytes | None:
    """The library without what only a debugger reads; None where there is nothing to take out, or no safe way."""
    if library[:5] != b"\x7fELF\x02" or library[5] not in {1, 2} or len(library) < struct.calcsize("<" + _HEADER):
        return None
    order = "<" if library[5] == 1 else ">"
    _, kind, _, _, _, segments_at, sections_at, _, _, segment, segments, section, sections, names = struct.unpack_from(
        order + _HEADER, library
    )
    if kind != SHARED_OBJECT or not names < sections or section != struct.calcsize(order + _SECTION):
        return None
    if sections_at + sections * section > len(library):
        return None
    table = [
        Section(*struct.unpack_from(order + _SECTION, library, sections_at + each * section))
        for each in range(sections)
    ]
    mapped = max(
        segments_at + segments * segment,
        *(
            offset + size
            for _, _, offset, _, _, size, *_ in (
                struct.unpack_from(order + _SEGMENT, library, segments_at + each * segment) for each in range(segments)
            )
        ),
    )
    if sections_at < mapped or max(each.offset + each.size for each in table[1:]) > len(library):
        return None
    if len(library) > max(sections_at + sections * section, *(each.offset + each.size for each in table[1:])):
        return None  # something that the format knows nothing of is behind it, which it may read
    found = bytearray(library[:mapped])
    rows = bytearray()
    for number, each in enumerate(table):
        offset = each.offset
        if number != names and _is_for_debuggers(each, library, table[names]):
            rows += bytes(section)  # an empty row: the numbers by which others name each other stay right
            continue
        if not each.flags & LOADED and each.size and offset + each.size > mapped:
            _align(found, each.addralign)
            offset = len(found)
            found += library[each.offset : each.offset + each.size]
        rows += each.row(order, offset)
    _align(found, 8)
    struct.pack_into(order + "Q", found, _SECTIONS_AT, len(found))
    found += rows
    return bytes(found) if len(found) < len(library) else None


def _is_for_debuggers(section: Section, library: bytes, names: Section) -> bool:
    if section.flags & LOADED:
        return False
    begin = names.offset + section.name
    name = library[begin : library.index(b"\0", begin)].decode()
    return section.type == SYMBOLS or name == ".strtab" or name.startswith(DEBUG)


def _align(file: bytearray, to: int) -> None:
    file += bytes(-len(file) % max(to, 1))


def strip(path: Path) -> int:
    """Strip one file in its place and say how many bytes it lost. What is put there was loaded once before."""
    whole = path.read_bytes()
    less = stripped(whole)
    if less is None:
        return 0
    tried = path.with_name(f"{path.name}.stripped")  # in the same folder: it may look for others beside itself
    tried.write_bytes(less)
    tried.chmod(path.stat().st_mode)
    try:
        ctypes.CDLL(str(tried))
    except OSError as refused:
        tried.unlink()
        sys.stderr.write(f"{path} is left as it is: without its symbols it cannot be loaded ({refused}).\n")
        return 0
    tried.replace(path)
    return len(whole) - len(less)


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0."""
    (folder,) = arguments
    libraries = sorted(each for each in Path(folder).rglob("*.so*") if each.is_file() and not each.is_symlink())
    lost = sum(map(strip, libraries))
    sys.stdout.write(f"{len(libraries)} shared libraries are {lost / 1e6:.1f} MB smaller\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
