"""Which Helm is taken: the one that was named, then the one on PATH, then the one that was built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart import helm


def program(folder: Path, version: str) -> Path:
    """Something that says it is a helm of that version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HELM", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_the_one_that_is_named_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = program(tmp_path / "named", "v3.19.2+g1234567")
    program(tmp_path / "bin", "v4.3.1")
    monkeypatch.setenv("HELM", str(named))
    assert helm.here() == named


def test_a_name_that_leads_to_no_helm_is_never_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path / "bin", "v4.3.1")
    for given in (tmp_path / "missing", program(tmp_path / "old", "v2.17.0")):
        monkeypatch.setenv("HELM", str(given))
        with pytest.raises(helm.HelmUnavailableError, match="HELM names"):
            helm.here()


def test_then_the_one_on_path_if_it_is_new_enough(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin", "v4.0.0")
    assert helm.here() == on_path
    program(tmp_path / "bin", "v2.17.0")
    assert helm.here() is None


def test_then_the_one_that_was_built_here(tmp_path: Path) -> None:
    assert helm.here() is None
    built = program(tmp_path / "cache" / "track-bridge" / "helm" / helm.HELM_VERSION, "v4.3")
    assert helm.here() == built


def test_a_build_that_fails_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    go = program(tmp_path / "bin", "go1.30").rename(tmp_path / "bin" / "go")
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.30 && exit\necho "no way to the module proxy" >&2\nexit 1\n')
    helm.ensure.cache_clear()
    with pytest.raises(helm.HelmUnavailableError, match=r"could not build Helm v.*: no way to the module proxy"):
        helm.ensure()
    assert [path.name for path in (tmp_path / "cache" / "track-bridge" / "helm" / helm.HELM_VERSION).iterdir()] == [
        ".lock"
    ]
    helm.ensure.cache_clear()
