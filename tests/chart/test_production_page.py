"""The values that docs/production.md shows are values of the chart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart import chart, loading
from tests.docs.snippets import Snippet, snippets

VALUES = [each for each in snippets() if not each.is_manifest and not each.is_configuration]


@pytest.mark.parametrize("snippet", VALUES, ids=lambda each: f"line-{each.line}")
def test_every_values_of_the_page_render_and_their_configuration_loads(snippet: Snippet, tmp_path: Path) -> None:
    rendered = chart.render(snippet.values, tmp_path)
    assert loading.of_the_pod(rendered, tmp_path).problems == ()
