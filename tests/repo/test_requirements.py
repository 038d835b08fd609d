"""The pinned requirements are whole, hashed, and those pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILES = ("run", "image", "image-otel", "build", "dev", "fuzz", "docs", "sbom")
HASHES = re.compile(r"(--hash=sha256:[0-9a-f]{64} ?)+")


def pins(root: Path, name: str) -> dict[str, Requirement]:
    """The file's requirements by name; fails on a line that is anything but a name, a version and its hashes."""
    found: dict[str, Requirement] = {}
    text = (root / "requirements" / f"{name}.txt").read_text().replace("\\\n", "")
    for line in text.splitlines():
        pinned, _, hashes = re.sub(r" +", " ", line).partition(" --hash")
        assert HASHES.fullmatch(f"--hash{hashes}"), f"requirements/{name}.txt: {line[:100]}"
        requirement = Requirement(pinned)
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"requirements/{name}.txt: {pinned}"
        assert requirement.url is None
        found[canonicalize_name(requirement.name)] = requirement
    return found


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def wanted(project: dict[str, Any], name: str) -> list[Requirement]:
    groups = project["dependency-groups"]
    optional = project["project"]["optional-dependencies"]
    extras = [text for texts in optional.values() for text in texts]
    of_the_image = [text for extra, texts in optional.items() if extra != "otel" for text in texts]
    texts = {
        "run": project["project"]["dependencies"],
        "image": [*project["project"]["dependencies"], *of_the_image],
        "image-otel": [*project["project"]["dependencies"], *extras],
        "build": groups["build"],
        "fuzz": groups["fuzz"],
        "docs": groups["docs"],
        "sbom": groups["sbom"],
        "dev": [
            *project["project"]["dependencies"],
            *extras,
            *groups["build"],
            *(t for t in groups["dev"] if isinstance(t, str)),
        ],
    }[name]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_name_a_version_and_its_hashes(root: Path, name: str) -> None:
    assert pins(root, name)


@pytest.mark.parametrize("name", FILES)
def test_what_the_project_asks_for_is_pinned_to_a_version_it_accepts(
    root: Path, project: dict[str, Any], name: str
) -> None:
    pinned = pins(root, name)
    for requirement in wanted(project, name):
        pin = pinned.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in requirements/{name}.txt: run `make requirements`"
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"requirements/{name}.txt has {pin}, wanted is {requirement}"


@pytest.mark.parametrize("name", ["run", "image", "image-otel", "build"])
def test_tests_run_with_the_versions_that_are_shipped(root: Path, name: str) -> None:
    dev = pins(root, "dev")
    assert {key: str(pin.specifier) for key, pin in pins(root, name).items()}.items() <= {
        key: str(pin.specifier) for key, pin in dev.items()
    }.items()


def test_an_extra_that_a_dependency_asks_for_is_pinned_with_its_name(root: Path) -> None:
    """Some versions of pip take `coverage[toml]` for another thing than a pinned `coverage`, and refuse the newest one
    they find for having no hash: the environment can then be made only until a newer version is published.
    """
    pinned = pins(root, "dev")
    missing = [
        f"{name} asks for {needed}, and requirements/dev.txt has {pinned[canonicalize_name(needed.name)]}"
        for name in pinned
        for needed in asked_by(name)
        if needed.extras - pinned[canonicalize_name(needed.name)].extras
    ]
    assert not missing, f"{'; '.join(missing)}: run `make requirements`"


def asked_by(name: str) -> list[Requirement]:
    """What the installed distribution needs on this machine; nothing where a marker left it out of the environment."""
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    return [
        needed for needed in map(Requirement, texts) if needed.marker is None or needed.marker.evaluate({"extra": ""})
    ]


def test_the_build_backend_is_pinned(root: Path, project: dict[str, Any]) -> None:
    assert {canonicalize_name(Requirement(text).name) for text in project["build-system"]["requires"]} <= pins(
        root, "build"
    ).keys()
