"""What people type, in a shell on this machine that finds a kubectl of the server's version."""

from __future__ import annotations

import os
import subprocess
import textwrap

from tests.support.cluster.plane import Plane
from tests.support.cluster.release import Release


class NotAnsweredError(Exception):
    """A command ended with an error; the message is the command and what it said."""


def shell(plane: Plane, script: str) -> str:
    """What a script writes, in which `kubectl` is that of the server's version.

    Raises:
        NotAnsweredError: it ended with another code than 0, or kubectl warned.

    """
    environment = {
        **os.environ,
        "KUBECONFIG": str(plane.kubeconfig),
        "PATH": f"{plane.kubectl.parent}:{os.environ['PATH']}",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if ran.returncode != 0 or "would violate PodSecurity" in ran.stderr:
        raise NotAnsweredError(f"`{script.splitlines()[-1]}` ended with {ran.returncode}: {ran.stderr.strip()}")
    return ran.stdout


def words_of(release: Release) -> str:
    """The block that NOTES print for pasting: the words of the runbook, with the names of this release."""
    block = release.notes().partition("paste\n")[2].partition("\nand type")[0]
    return textwrap.dedent(block)
