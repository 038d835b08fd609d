"""What is in the image, and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.image import facts
from tests.image.conftest import REVISION, VERSION, Built
from tests.image.containers import script

OWN_UNPACKED, OWN_COMPRESSED = 75_000_000, 30_000_000
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


def test_the_shared_libraries_hold_nothing_for_debuggers_and_each_can_be_loaded(image: Built) -> None:
    """Stripped by scripts/strip_libraries.py, which leaves one that cannot be loaded then as it was."""
    source = """
import ctypes, json, pathlib, struct

folder = pathlib.Path("/opt/track-bridge/lib")
libraries = [path for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink()]
for path in libraries:
    ctypes.CDLL(str(path))
import uvloop, httptools, yaml._yaml, orjson, confluent_kafka, markupsafe._speedups, pydantic_core

def has_debug_information(library):
    at, rows, names = (int.from_bytes(library[each:end], "little") for each, end in ((40, 48), (60, 62), (62, 64)))
    table = [struct.unpack_from("<IIQQQQ", library, at + 64 * row) for row in range(rows)]
    begins = [table[names][4] + row[0] for row in table if row[1]]
    return any(library[each : each + 6] == b".debug" for each in begins)

heavy = [str(path) for path in libraries if has_debug_information(path.read_bytes())]
print(json.dumps([len(libraries) > 5, heavy]))
"""
    assert json.loads(script(image.engine, image.name, source)) == [True, []]


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


def test_bytecode_is_never_checked_against_its_source_and_is_there_for_all_that_a_start_loads(image: Built) -> None:
    source = """
import importlib.util, json, os, pathlib, sys

folder = pathlib.Path("/opt/track-bridge/lib/python3.%d/site-packages" % sys.version_info[1])
checked = [str(path) for path in folder.rglob("*.pyc") if path.read_bytes()[4:8] != b"\\1\\0\\0\\0"]

import rich.console, bridge.cli.app, bridge.service.main, bridge.aws.credentials, botocore.session
for service in ("sts", "sso", "sso-oidc"):
    known = {"aws_access_key_id": "an-id", "aws_secret_access_key": "a-key"}
    botocore.session.Session().create_client(service, region_name="eu-central-1", **known)
loaded = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
sources = [path for path in loaded if path.startswith(str(folder)) and path.endswith(".py")]
bare = [path for path in sources if not os.path.exists(importlib.util.cache_from_source(path))]
print(json.dumps([len(sources) > 100, checked, bare]))
"""
    assert json.loads(script(image.engine, image.name, source)) == [True, [], []]


def test_a_console_colours_python_in_a_traceback_and_shows_other_languages_plain(image: Built) -> None:
    """Pygments has lost all languages that nothing here is written in, and knows that it has."""
    source = """
import io, json, re
from pygments.lexers import find_lexer_class, get_all_lexers
from rich.console import Console
from rich.syntax import Syntax

for name, _, _, _ in get_all_lexers():
    find_lexer_class(name)

def shown(print_it):
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=100)
    print_it(console)
    return console.file.getvalue()

try:
    json.loads("no JSON")
except ValueError:
    traceback = shown(lambda console: console.print_exception(show_locals=True, extra_lines=2))
line = "kafka: {group_id: orders}"
plain = shown(lambda console: console.print(Syntax(line, "yaml")))
print(json.dumps({
    "a keyword has a colour": bool(re.search(r"\\x1b\\[[0-9;]+mraise\\x1b", traceback)),
    "the error is named": "JSONDecodeError" in traceback,
    "YAML is one piece": line in plain,
    "its language is guessed": Syntax.guess_lexer("bridge.yaml", line),
}))
"""
    assert json.loads(script(image.engine, image.name, source)) == {
        "a keyword has a colour": True,
        "the error is named": True,
        "YAML is one piece": True,
        "its language is guessed": "default",
    }


def test_the_chain_of_aws_gives_a_containers_credentials_and_trusts_the_public_authorities(image: Built) -> None:
    """botocore has lost its own copy of these."""
    source = """
import http.server, json, os, ssl, threading

class Agent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"AccessKeyId": "an-id", "SecretAccessKey": "a-key", "Token": "a-token"}
        body["Expiration"] = "2100-01-01T00:00:00Z"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass

agent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
threading.Thread(target=agent.serve_forever, daemon=True).start()
os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://127.0.0.1:{agent.server_port}/"

from botocore.httpsession import get_cert_path
from bridge.aws.credentials import AwsCredentials

keys = AwsCredentials("eu-central-1").keys()
authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
authorities.load_verify_locations(get_cert_path(True))
print(json.dumps([keys.access_key, keys.session_token, len(authorities.get_ca_certs()) > 50]))
"""
    assert json.loads(script(image.engine, image.name, source)) == ["an-id", "a-token", True]


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
