"""What of a tally should keep anybody from submitting, and what is only worth knowing: pure."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.backfill.checking.tally import METADATA_BYTES, RowTally
from bridge.backfill.manifest import Manifest
from bridge.mapping.routes.event_names import NAME_BYTES, NAMES
from bridge.text.amounts import plural, span, thousands


@dataclass(frozen=True, slots=True)
class CheckFindings:
    """Sentences."""

    blocking: tuple[str, ...]
    warnings: tuple[str, ...]


def findings(found: RowTally, manifest: Manifest, retention: float) -> CheckFindings:
    """`retention` is in seconds."""
    return CheckFindings(tuple(_blocking(found)), tuple(_warnings(found, manifest, retention)))


def _blocking(found: RowTally) -> list[str]:
    sentences = []
    if not found.rows:
        sentences.append("There is no row: nothing can be submitted. What became of the records, the counts above say.")
    if found.future:
        sentences.append(
            f"{plural(found.future, 'row')} dated in the future: look at mapping.occurred_at, and at the unit that its "
            "numbers count."
        )
    if len(found.names) > NAMES:
        sentences.append(
            f"{thousands(len(found.names))} different event names, and Userpilot keeps {thousands(NAMES)} for ever: "
            "put what differs into the metadata."
        )
    if found.name_bytes > NAME_BYTES:
        sentences.append(
            f"The event names have {thousands(found.name_bytes)} bytes together, and Userpilot keeps "
            f"{thousands(NAME_BYTES)}."
        )
    if found.large:
        sentences.append(
            f"{plural(found.large, 'event')} with metadata above {thousands(METADATA_BYTES)} bytes, the largest with "
            f"{thousands(found.largest)}: leave something out, or set mapping.metadata_limit, which makes them rejects."
        )
    if found.repeated:
        sentences.append(
            f"{plural(found.repeated, 'row')} of events that have a row already, by their id: what was produced twice "
            "would be there twice. Look at mapping.event_id, or narrow the ranges."
        )
    return sentences


def _warnings(found: RowTally, manifest: Manifest, retention: float) -> list[str]:
    sentences = []
    rejected = sum(manifest.written.rejects.values())
    if rejected:
        sentences.append(
            f"{plural(rejected, 'output')} could not be mapped: see rejects.ndjson, which has place and cause of each. "
            "After a fix of the mapping, plan again with --ranges-of."
        )
    if found.old:
        sentences.append(
            f"{plural(found.old, 'row')} older than {span(retention)}, as long as Userpilot keeps events "
            "(--retention): what is older may be gone as soon as it is there."
        )
    if found.unidentified:
        sentences.append(
            f"{plural(found.unidentified, 'user')} of {thousands(found.users)} with events and without a row that "
            "identifies them: an event of a user whom nobody has identified is accepted and useless."
        )
    if found.equal:
        sentences.append(
            f"{plural(found.equal, 'row')} equal to another event's in type, name, user, company and microsecond: "
            "Userpilot may keep one of them."
        )
    overlap = sum(each.overlap for each in manifest.ranges)
    if overlap:
        sentences.append(
            f"Up to {plural(overlap, 'event')} will be there twice: the running bridge delivers them, too (--overlap)."
        )
    return sentences
