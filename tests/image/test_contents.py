"""What is in the image, and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.image import facts
from tests.image.conftest import REVISION, VERSION, Built
from tests.image.containers import script

OWN_UNPACKED, OWN_COMPRESSED = 90_000_000, 30_000_000
"""Bytes our layers may have; docs/image.md has what they have. The base's are not ours to choose."""
WHOLE_COMPRESSED = 150_000_000
"""Bytes a node may have to fetch, on the base the recipe names. A stand-in's size says nothing."""
CPU_SECONDS = 1.5
"""A start takes half of that; on a machine that is busy with other work a second of CPU does less."""


@pytest.fixture(scope="module")
def layers(image: Built, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return facts.saved_layers(image.engine, image.name, tmp_path_factory.mktemp("saved"))


def test_the_image_says_what_it_is_and_from_which_commit(image: Built) -> None:
    labels = {name.rpartition(".")[2]: value for name, value in image.facts["Config"]["Labels"].items()}
    assert (labels["title"], labels["version"], labels["revision"]) == ("track-bridge", VERSION, REVISION)
    assert f"TRACK_BRIDGE_REVISION={REVISION}" in image.facts["Config"]["Env"]
    assert labels["licenses"] == "Apache-2.0"
    assert labels["name"] == image.base.name
    assert labels["description"]


def test_the_image_runs_as_a_numbered_user_and_starts_the_bridge(image: Built) -> None:
    config = image.facts["Config"]
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == ("10001:10001", ["track-bridge"], ["run"])
    assert (config["WorkingDir"], config["StopSignal"]) == ("/etc/track-bridge", "SIGTERM")
    assert list(config["ExposedPorts"]) == ["9464/tcp"]


def test_nothing_that_installs_or_compiles_is_left(image: Built) -> None:
    source = """
import itertools, json, shutil, subprocess

path = "/opt/track-bridge/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
tools = "pip pip3 uv easy_install cc gcc g++ clang ld make cmake cargo go git".split()
found = [name for name in tools if shutil.which(name, path=path)]
pythons = ["/opt/track-bridge/bin/python", shutil.which("python3", path="/usr/local/bin:/usr/bin")]
for python, module in itertools.product(pythons, ("pip", "ensurepip", "setuptools", "hatchling")):
    if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0:
        found.append(f"{python} -m {module}")
print(json.dumps(found))
"""
    assert json.loads(script(image.engine, image.name, source)) == []


def test_what_was_put_in_belongs_to_root_and_nobody_else_may_change_it(image: Built) -> None:
    source = """
import json, os, stat
wrong = []
for top in ("/opt/track-bridge", "/etc/track-bridge"):
    for folder, folders, files in os.walk(top):
        for path in (folder, *(os.path.join(folder, name) for name in (*folders, *files))):
            found = os.lstat(path)
            if found.st_uid or found.st_gid:
                wrong.append(f"{path}: of {found.st_uid}:{found.st_gid}")
            if not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o6022:
                wrong.append(f"{path}: {stat.filemode(found.st_mode)}")
            if not stat.S_ISLNK(found.st_mode) and not found.st_mode & 0o004:
                wrong.append(f"{path}: the bridge's user cannot read it")
print(json.dumps(wrong))
"""
    assert json.loads(script(image.engine, image.name, source)) == []


def test_no_part_of_the_image_remembers_the_secret_or_the_index_of_its_build(image: Built, layers: list[bytes]) -> None:
    marker = image.secret.encode()
    assert marker not in json.dumps(image.facts).encode()
    history = image.engine.run("history", "--no-trunc", "--format", "{{json .}}", image.name)
    assert image.secret not in history
    assert "PIP_INDEX_URL" not in history
    assert not any(marker in layer for layer in layers)


def test_the_bill_of_materials_lists_every_distribution_that_is_installed(image: Built, bill: dict[str, Any]) -> None:
    source = """
import importlib.metadata, json
print(json.dumps(sorted((each.name, each.version) for each in importlib.metadata.distributions(path=[
    "/opt/track-bridge/lib/python3.%d/site-packages" % __import__("sys").version_info[1]]))))
"""
    installed = {(_normal(name), version) for name, version in json.loads(script(image.engine, image.name, source))}
    listed = {(_normal(each["name"]), each["version"]): each for each in bill["components"]}
    assert {"track-bridge", "confluent-kafka"} < {name for name, _ in installed}
    assert listed.keys() == installed
    for (name, version), each in listed.items():
        assert each["bom-ref"]
        if name != "track-bridge":
            kind, _, called = each["purl"].partition("/")
            assert (kind, _normal(called)) == ("pkg:pypi", _normal(f"{name}@{version}"))


def test_our_layers_stay_small_and_the_image_below_150_mb_to_fetch(image: Built, layers: list[bytes]) -> None:
    below = facts.layers_below(image.engine, image.base.name)
    own = facts.weight(layers[below:])
    assert len(layers) - below >= 2
    assert own.unpacked <= OWN_UNPACKED
    assert own.compressed <= OWN_COMPRESSED
    if not image.base.is_stand_in:
        assert own.compressed + facts.weight(layers[:below]).compressed <= WHOLE_COMPRESSED


def test_no_start_costs_more_cpu_than_a_start_within_a_second_can(image: Built, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    slow = [each for each in facts.starts(image.engine, image.name, tmp_path, times=3) if each.cpu > CPU_SECONDS]
    assert slow == []


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
