"""The pictures of the pages are those that their scripts draw, small, with text as text, and say what they show."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bridge.reprocess.reading.ledger import LetterState
from scripts.pictures import dead_letter
from scripts.pictures.__main__ import PICTURES
from scripts.pictures.drawing import Drawing, TooWideError
from scripts.site import markdown

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_one_its_script_draws(name: str) -> None:
    """`make docs` draws them again."""
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == PICTURES[name]()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_small_fetches_nothing_and_can_be_read_aloud_in_light_and_dark(name: str) -> None:
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert len(text.encode()) <= 30_000
    assert "prefers-color-scheme:dark" in text
    assert markdown.fetched(text) == []
    assert "href" not in text
    drawn = ET.fromstring(text)  # noqa: S314  # our own file
    assert drawn.get("role") == "img"
    described = {each.get("id"): each.text for each in drawn if each.tag in {f"{SVG}title", f"{SVG}desc"}}
    assert all(described[name] for name in (drawn.get("aria-labelledby") or "").split())
    assert len(drawn.findall(f"{SVG}text")) > 5


def test_every_picture_in_the_folder_is_drawn_by_a_script_and_shown_by_a_page(root: Path) -> None:
    assert {file.stem for file in FOLDER.glob("*.svg")} == set(PICTURES)
    pages = "".join(page.read_text(encoding="utf-8") for page in (root / "README.md", *(root / "docs").rglob("*.md")))
    assert [name for name in PICTURES if f"pictures/{name}.svg" not in pages] == []


def test_the_life_of_a_dead_letter_shows_every_state_there_is() -> None:
    assert dead_letter.PLACES.keys() == set(LetterState)


def test_a_text_that_its_box_cannot_hold_is_refused() -> None:
    drawing = Drawing(300, 100, "title", "description")
    with pytest.raises(TooWideError, match="its box has 42"):
        drawing.box(10, 10, 50, 20, "much too long for this")
    with pytest.raises(TooWideError, match="the picture at 300"):
        drawing.text(200, 20, "this ends beyond the edge")
