"""The source of what reads types without parts: lines that end with a value under a name.

``read`` takes bytes. All other names are of `source`, or last until the next value is read.
"""

from __future__ import annotations

from bridge.decode.avro.nodes import AvroFixed, AvroPrimitive
from bridge.decode.beyond_json.meanings import Meaning


def primitive_lines(  # noqa: PLR0911 - one for each kind
    node: AvroPrimitive, target: str, *, is_last: bool
) -> list[str]:
    """Of all but enums and fixed."""
    match node.kind:
        case "null":
            return [f"{target} = None"]
        case "boolean":
            return [f"{target} = BOOLEAN[read(1)]"]
        case "int" | "long":
            return long_lines(target) if node.meaning is None else _count(node.meaning, target)
        case "float":
            return [f"{target}, = unpack_single(read(4))", f"{target} = shortest({target})"]
        case "double":
            return [f"{target}, = unpack_double(read(8))", f"if {target} - {target}: {target} = NOT_FINITE"]
        case "string":
            return string_lines(target, is_last=is_last)
        case "bytes" if node.meaning is None:
            return _content(f"{target} = base64_of({{}})", is_last=is_last)
        case "bytes" if node.meaning.kind == "decimal":
            return _decimal(node.meaning.scale, target, is_last=is_last)
        case "bytes":
            return _content(f"{target} = big_decimal_of({{}})", is_last=is_last)


def long_lines(target: str) -> list[str]:
    """A number of at most 64 bits."""
    return ["byte = read(1)", f"{target} = ZIGZAG[byte]", f"if {target} is None: {target} = long(byte, read)"]


def string_lines(target: str, *, is_last: bool) -> list[str]:
    """A text."""
    return _content(f"{target} = {{}}.decode()", is_last=is_last)


def _content(makes: str, *, is_last: bool) -> list[str]:
    """Of a length that stands before it; ``{}`` is where the bytes are needed."""
    length = ["byte = read(1)", "size = LENGTH[byte]", "if size is None: size = length(byte, read)"]
    if not is_last:
        return [*length, makes.format("read(size)")]
    return [*length, "taken = read(size)", "if len(taken) != size: raise NotReadError", makes.format("taken")]


def fixed_lines(node: AvroFixed, target: str) -> list[str]:
    """So many bytes."""
    makes = "base64_of(taken)"
    match node.meaning:
        case Meaning("decimal", scale=scale):
            makes = f"decimal_of(taken, {scale})"
        case Meaning("uuid"):
            makes = "uuid_of(taken)"
        case Meaning("duration"):
            makes = "duration_of(taken)"
    # In a list of a billion of them nothing else would notice the end of the bytes.
    return [f"taken = read({node.size})", f"if len(taken) != {node.size}: raise NotReadError", f"{target} = {makes}"]


def _decimal(scale: int, target: str, *, is_last: bool) -> list[str]:
    lines = [
        "taken = read(size)",
        *(["if len(taken) != size: raise NotReadError"] if is_last else []),
        f"{target} = integer(taken)",
        f"if {target} >= SIGN[size]: {target} -= SPAN[size]",
    ]
    if scale > 22 or scale < 0:
        return ["byte = read(1)", f"{target} = decimal(byte, read, {scale})"]
    if scale > 0:
        lines.append(f"{target} /= {10**scale}")
    return [
        "byte = read(1)",
        "size = FEW[byte]",
        "if size:",
        *[f" {line}" for line in lines],
        f"else: {target} = decimal(byte, read, {scale})",
    ]


def _count(meaning: Meaning, target: str) -> list[str]:
    """A number that counts time."""
    zone = "Z" if meaning.kind == "timestamp" else ""
    match meaning.kind, meaning.ticks:
        case "timestamp" | "local-timestamp", 1_000:
            return _moment_ms(zone, target)
        case "timestamp" | "local-timestamp", 1_000_000:
            return _moment_us(zone, target)
        case "timestamp" | "local-timestamp", ticks:
            return [*long_lines("at"), f"{target} = moment_of(at, {ticks}, {zone!r})"]
        case "date", _:
            return [
                "taken = read(3)",
                f"try: {target} = DAYS[taken]",
                f"except KeyError: {target} = day(taken, read)",
            ]
        case kind, ticks:
            return [*long_lines("at"), f"{target} = {kind}_of(at, {ticks})"]


def _moment_ms(zone: str, target: str) -> list[str]:
    return [
        "b0 = read(1); b1 = read(1); b2 = read(1); b3 = read(1); top = read(2)",
        "try: at = MOMENT_0[b0] + MOMENT_1[b1] + MOMENT_2[b2] + MOMENT_3[b3] + WINDOWS_MS[top]",
        f"except KeyError: {target} = moment_ms(b0 + b1 + b2 + b3 + top, read, {zone!r})",
        "else:",
        " minute = at // 60000",
        " at %= 60000",
        " try: begins = MINUTES[minute]",
        " except KeyError: begins = minute_of(minute)",
        f" {target} = f'{{begins}}{{SECONDS[at // 1000]}}{{MILLIS{'_Z' * bool(zone)}[at % 1000]}}'",
    ]


def _moment_us(zone: str, target: str) -> list[str]:
    suffix = "_Z" * bool(zone)
    sums = " + ".join(f"MOMENT_{place}[b{place}]" for place in range(6))
    return [
        "b0 = read(1); b1 = read(1); b2 = read(1); b3 = read(1); b4 = read(1); b5 = read(1); top = read(2)",
        f"try: at = {sums} + WINDOWS_US[top]",
        f"except KeyError: {target} = moment_us(b0 + b1 + b2 + b3 + b4 + b5 + top, read, {zone!r})",
        "else:",
        " minute = at // 60000000",
        " at %= 60000000",
        " try: begins = MINUTES[minute]",
        " except KeyError: begins = minute_of(minute)",
        " micros = at % 1000",
        " at //= 1000",
        " if micros:",
        f"  {target} = f'{{begins}}{{SECONDS[at // 1000]}}{{POINT_MILLIS[at % 1000]}}{{MICROS{suffix}[micros]}}'",
        f" else: {target} = f'{{begins}}{{SECONDS[at // 1000]}}{{MILLIS{suffix}[at % 1000]}}'",
    ]
