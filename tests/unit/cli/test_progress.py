"""How far the demo and the self-test are: a bar where somebody watches, lines elsewhere."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from bridge.cli.frame.progress import BarView, LineView, view_for


@pytest.mark.parametrize(("watched", "view"), [(True, BarView), (False, LineView)])
def test_what_happened_is_told_beside_how_much_is_done(watched: bool, view: type[LineView | BarView]) -> None:  # noqa: FBT001 - a parameter
    out = StringIO()
    made = view_for(Console(file=out, force_terminal=watched, width=80), 100)
    assert isinstance(made, view)
    made.show(40, "40 of 100 records", "delivering")
    made.tell("a broker [went] away")
    made.show(100, "100 of 100 records", "done")
    made.end()
    said = out.getvalue()
    assert "a broker [went] away\n" in said
    assert ("100/100" in said) is watched
    assert ("40 of 100 records" in said) is not watched
