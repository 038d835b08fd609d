"""Files and folders that `schema_registry` names, as this machine has them: asked without any registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.config.sections import SchemaRegistry


def unusable(section: SchemaRegistry) -> Iterator[Finding]:
    """A warning for each: this need not be the machine of the bridge, and one that runs waits for them."""
    for key, path in _named(section):
        try:
            with path.expanduser().open("rb"):
                pass
        except OSError as error:
            yield findings.warning(
                f"schema_registry.{key}: the file {path} cannot be read: {error.strerror}.",
                "see that the file is where the bridge runs, and that its user may read it",
            )
    if section.cache_dir is not None and (why := _obstacle(section.cache_dir.expanduser())) is not None:
        yield findings.warning(
            f"schema_registry.cache_dir: no schema can be kept in {section.cache_dir}: {why}.",
            "name a folder that the bridge's user may write in, or leave it out",
        )


def login_file(section: SchemaRegistry) -> str | None:
    """The file with what is secret of the login, with its key."""
    return next((f"schema_registry.{key}: {path}" for key, path in _named(section) if not key.startswith("tls")), None)


def _named(section: SchemaRegistry) -> Iterator[tuple[str, Path]]:
    if section.basic_auth is not None:
        yield "basic_auth.password_file", section.basic_auth.password_file
    if section.bearer_token_file is not None:
        yield "bearer_token_file", section.bearer_token_file
    if section.oauth is not None:
        yield "oauth.client_secret_file", section.oauth.client_secret_file
    for name in ("ca_file", "certificate_file", "key_file"):
        path = getattr(section.tls, name)
        if path is not None:
            yield f"tls.{name}", path


def _obstacle(folder: Path) -> str | None:
    """Why files cannot be made in it; it is made where it is not there. Nothing is made here."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    if there is None:
        return "none of its folders is there"
    if not there.is_dir():
        return f"{there} is no folder"
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written in"
