"""Where the program learns of which commit it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config import environment
from bridge.service.assembly import installed_from

COMMIT = "0f2eb97c0f2eb97c0f2eb97c0f2eb97c0f2eb97c"


@pytest.mark.parametrize(
    ("origin", "commit"),
    [
        (json.dumps({"url": "https://git.example/bridge", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}), COMMIT),
        (json.dumps({"url": "file:///bridge", "dir_info": {}}), ""),
        (json.dumps({"vcs_info": None}), ""),
        ("no json", ""),
        (None, ""),
    ],
)
def test_a_package_out_of_a_repository_says_of_which_commit_it_is(
    origin: str | None, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sample_bridge-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-bridge\nVersion: 1.0\n")
    if origin is not None:
        (folder / "direct_url.json").write_text(origin)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert installed_from("sample-bridge") == commit


def test_a_package_that_is_not_installed_has_no_commit() -> None:
    assert installed_from("no-such-package-anywhere") == ""


@pytest.mark.parametrize(("given", "shown"), [(f" {COMMIT}\n", COMMIT), ("unknown", ""), ("", "")])
def test_the_image_says_of_which_commit_it_is(given: str, shown: str) -> None:
    """`unknown` is what an image built without the argument says: it must not hide what the package knows."""
    assert environment.revision({"TRACK_BRIDGE_REVISION": given}) == shown
    assert environment.revision({}) == ""
