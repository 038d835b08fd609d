"""Holds the pages, the alerts, the dashboard and the runbook of one situation against what is expected of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from bridge.ops.status import status_text
from tests.integration.situations.judging import SOON, Judge, Judged
from tests.integration.situations.site import Document, Site, at
from tests.integration.situations.situation import Situation
from tests.integration.situations.timeline import STEP, Timeline
from tests.support.docs import commands

EARLY: Final = 5.0
"""Seconds that a `since` may lie before the cause: a record that waits was written before it."""
SOON_SHOWN: Final = 90.0
"""Seconds until status shows it; a transaction hangs after a minute."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was really shown, for the table."""

    name: str
    headline: str
    told: list[str]
    """The lines of the text that are about it."""
    lost: list[str]
    alerts: Mapping[str, str]
    """Sent within half an hour, each with its summary."""
    later: list[str]
    inhibited: list[str]
    left: list[str]
    rows: list[str]
    shown_after: float
    """Seconds from the cause on."""


async def agree(situation: Situation, bringing_about: AbstractAsyncContextManager[Site], judge: Judge) -> Outcome:
    """Bring it about, look at everything, take it away, look again."""
    async with bringing_about as here:
        here.counts_after = situation.counts_after
        await here.asked.until(
            "status shows it", lambda status: _told(situation, status) is not None, within=SOON_SHOWN
        )
        await here.counted(situation.counts)
        await here.settled()
        document = await here.asked.status()
        shown_after = _moment(document["at"]) - here.caused_at
        text = status_text.lines(document, width=1000)
        check_status(situation, here, document)
        check_text(situation, here, document, text)
        during = await here.two_scrapes()
    assert here.after is not None
    assert here.before is not None
    check_well(situation, here.document_after)
    judged = judge.judge(
        Timeline(here.before, during, here.after, situation.lasts, situation.again_every),
        [row.panel for row in situation.rows],
        min(SOON, situation.lasts - STEP),
    )
    check_alerts(situation, judged)
    rows = check_panels(situation, here, judged)
    check_runbook(situation)
    return Outcome(
        situation.name,
        headline=here.anonymous(text[1]),
        told=[here.anonymous(line.strip()) for line in _about(situation, text)],
        lost=[here.anonymous(line.strip()) for line in _section(text, "Lost")],
        alerts={name: here.anonymous(judged.summaries[name]) for name in sorted(judged.soon)},
        later=sorted(judged.later - judged.soon),
        inhibited=sorted(judged.inhibited),
        left=sorted(judged.left),
        rows=[here.anonymous(row) for row in rows],
        shown_after=shown_after,
    )


# --- status ----------------------------------------------------------------------------------------


def _told(situation: Situation, document: Document) -> Document | None:
    """The entry of `/status` that is about it."""
    which = "needs_someone" if situation.needs_someone else "ends_by_itself"
    for concern in document[which]:
        if concern["reason"] == situation.why:
            found: Document = concern
            return found
    return None


def check_status(situation: Situation, here: Site, document: Document) -> None:
    """What, since when, why, until when or what to do, what is lost."""
    told = _told(situation, document)
    assert told is not None
    assert document["state"] == situation.state.value
    assert re.search(situation.headline, document["sentence"]), document["sentence"]
    if situation.has_since:
        assert here.caused_at - EARLY <= _moment(told["since"]) <= _moment(document["at"])
    assert told["details"]
    assert situation.action in told["action"], told["action"]
    ahead = told["until"] or told["next_try"]
    assert (ahead is not None) == situation.has_time, told
    assert ahead is None or _moment(ahead) >= _moment(document["at"]) - 2 * EARLY
    for section, expected in situation.counts.items():
        assert at(document, section) == expected, (section, document[section.split(".")[0]])


def check_text(situation: Situation, here: Site, document: Document, text: list[str]) -> None:
    """The same for a person: the headline, and one paragraph with all of it."""
    assert text[1] == f"{situation.state.value.upper()}: {document['sentence']}"
    paragraph = "\n".join(_about(situation, text))
    assert paragraph.startswith(f"  {situation.why}")
    told = _told(situation, document)
    assert told is not None
    for part in (*told["details"], told["action"]):
        assert part in paragraph
    assert ("since" in paragraph.split("\n")[0]) == situation.has_since
    if situation.has_time:
        assert re.search(r"until \d\d:\d\d:\d\d|Tried again at \d\d:\d\d:\d\d", paragraph), paragraph
    for sentence in situation.says:
        assert re.search(sentence.format(topic=here.topic), "\n".join(text)), "\n".join(text)


def _about(situation: Situation, text: list[str]) -> list[str]:
    """Its paragraph."""
    lines = _section(text, "Needs someone" if situation.needs_someone else "Ends by itself")
    begin = next(place for place, line in enumerate(lines) if re.match(rf"  {situation.why}\b", line))
    rest = lines[begin + 1 :]
    end = next((place for place, line in enumerate(rest) if not line.startswith("    ")), len(rest))
    return [lines[begin], *rest[:end]]


def _section(text: list[str], title: str) -> list[str]:
    rest = text[text.index(title) + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def check_well(situation: Situation, document: Document) -> None:
    """After its cause is gone nothing of it is left but what cannot be undone."""
    assert document["state"] in {"idle", "delivering"}
    assert document["ends_by_itself"] == []
    assert document["needs_someone"] == []
    assert document["accounting"]["gap"] == 0
    for section, expected in situation.counts_after.items():
        assert at(document, section) == expected, section


# --- alerts, panels, runbook -----------------------------------------------------------------------


def check_alerts(situation: Situation, judged: Judged) -> None:
    """These fire, and no other does."""
    found = {"soon": judged.soon, "later": judged.later, "left": judged.left, "inhibited": judged.inhibited}
    expected = {
        "soon": {*situation.alerts},
        "later": {*situation.alerts, *situation.later} - {*situation.over},
        "left": {*situation.left},
        "inhibited": {*situation.inhibited},
    }
    assert found == expected, f"{found} is not {expected}: {judged.summaries}"


def check_panels(situation: Situation, here: Site, judged: Judged) -> list[str]:
    """The dashboard says the same; returns what it says."""
    said = []
    for row in situation.rows:
        legend = f"events/bridge {row.legend.format(topic=here.topic, missing=here.missing)}"
        shown = judged.panels[row.panel]
        assert legend in shown, (row.panel, shown)
        assert shown[legend] >= row.least, (row.panel, shown)
        said.append(f"{row.panel}: {legend} = {shown[legend]:g}")
    return said


def check_runbook(situation: Situation) -> None:
    """It has a section for every alert and for the reason, with the same cure."""
    sections = _sections(commands.text_of("runbook"))
    for alert in (*situation.alerts, *situation.later, *situation.inhibited):
        assert alert in sections
    assert situation.cure in sections[situation.section], situation.cure
    reasons = sections["What status says"]
    (row,) = [line for line in reasons.splitlines() if f"`{situation.why}`" in line]
    assert f"(#{situation.section.lower().replace(' ', '-')})" in row or situation.section == "Users whose events fail"


def _sections(text: str) -> dict[str, str]:
    """By heading, of the second level."""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0]: part for part in parts}


def _moment(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def as_json(outcome: Outcome) -> str:
    """For the report, from another process."""
    return json.dumps(asdict(outcome))
