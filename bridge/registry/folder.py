"""Schemas on a disk: one file for each reference, written whole or not at all, shared by as many bridges as like.

A file is JSON and says which registry it is of, so that two registries with one folder never mix, and carries a
checksum: a damaged one is passed over with a warning, asked for again and written again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from bridge.decode.protocol import Schema
from bridge.registry.outcomes import ANSWER_LIMIT

_VERSION: Final = 1
_OWNER_ONLY: Final = 0o700


class FolderOfSchemas:
    """See `lookups.SchemaFolder`."""

    def __init__(self, folder: Path, kind: str, urls: Sequence[str], warn: Callable[[str], None]) -> None:
        """`kind` and `urls` are the registry's type and addresses; what any of them answered is taken.

        `warn` is told a sentence where the disk or a file is not as it should be.
        """
        self._folder = folder
        self._registries = {f"{kind} {url}" for url in urls}
        self._kind = kind
        self._warn = warn
        self._warned = False

    def read(self, reference: str) -> Schema | None:
        """What is kept of it."""
        for registry in sorted(self._registries):
            path = self._path(registry, reference)
            try:
                content = self._content(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._once(f"{path} cannot be read: {error.strerror}; the registry is asked instead")
                continue
            schema = _schema(content, registry, reference)
            if schema is not None:
                return schema
            self._warn(f"{path} is damaged, or of another version of the bridge; the registry is asked instead")
        return None

    def write(self, reference: str, schema: Schema, url: str) -> None:
        """Keep what `url` answered."""
        registry = f"{self._kind} {url}"
        path = self._path(registry, reference)
        try:
            self._folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            path.parent.mkdir(mode=_OWNER_ONLY, exist_ok=True)
            _replace(path, _written(registry, reference, schema))
        except OSError as error:
            self._once(
                f"schemas cannot be kept in {self._folder}: {error.strerror}; after a restart they are asked for"
            )

    def _path(self, registry: str, reference: str) -> Path:
        return self._folder / hashlib.sha256(registry.encode()).hexdigest()[:16] / f"{reference.replace(':', '-')}.json"

    def _content(self, path: Path) -> bytes:
        with path.open("rb") as file:
            return file.read(2 * ANSWER_LIMIT)

    def _once(self, sentence: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(sentence)


def _replace(path: Path, content: bytes) -> None:
    """A file of its owner's, with this content or the one before."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")  # with 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _written(registry: str, reference: str, schema: Schema) -> bytes:
    content: dict[str, Any] = {
        "version": _VERSION,
        "registry": registry,
        "reference": reference,
        "form": schema.form,
        "text": schema.text,
        "references": schema.references,
    }
    return orjson.dumps({**content, "sha256": _sum(content)})


def _schema(content: bytes, registry: str, reference: str) -> Schema | None:
    """None for whatever is not as it was written."""
    try:
        found = orjson.loads(content)
        expected = found.pop("sha256")
        if found["version"] != _VERSION or (found["registry"], found["reference"]) != (registry, reference):
            return None
        if _sum(found) != expected:
            return None
        return Schema(found["form"], found["text"], tuple((name, text) for name, text in found["references"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _sum(content: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
