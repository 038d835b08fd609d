"""The control plane of `make chart-cluster` leaves nothing behind, with stand-ins for its programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.cluster import plane, tools

HEALTHY_ETCD = """\
#!{python}
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
[url] = [word.partition("=")[2] for word in sys.argv if word.startswith("--listen-client-urls=")]
http.server.HTTPServer(("127.0.0.1", int(url.rpartition(":")[2])), Handler).serve_forever()
"""
BROKEN = "#!/bin/sh\necho 'cannot listen: no port' >&2\nexit 1\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tools.Tools:
    """An etcd that is well and a server that ends at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "tools"
    (folder / "bin").mkdir(parents=True)
    for name, text in (("etcd", HEALTHY_ETCD.format(python=sys.executable)), ("kube-apiserver", BROKEN)):
        path = folder / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return tools.Tools(folder)


def test_when_a_part_does_not_come_up_its_log_is_shown_and_the_others_are_ended(programs: tools.Tools) -> None:
    said: list[str] = []
    with pytest.raises(plane.PlaneFailedError, match=r"(?s)kube-apiserver ended while it started.*no port"):
        plane.Plane(programs, said.append).__enter__()
    [sentence] = said
    assert sentence.startswith("ended: etcd (pid ")
    assert list((tools.cache_folder() / "runs").iterdir()) == []


def test_an_interruption_ends_them_as_well(programs: tools.Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_self: plane.Plane) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plane.Plane, "_start_server", interrupted)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        plane.Plane(programs, said.append).__enter__()
    assert said[0].startswith("ended: etcd (pid ")
    assert list((tools.cache_folder() / "runs").iterdir()) == []


def test_without_go_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.ToolsUnavailableError, match="there is no `go` on PATH"):
        tools.ensure(lambda _: None)
