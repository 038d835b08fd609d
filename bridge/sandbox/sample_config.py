"""The configuration of the sample: what `bridge demo` runs with, and a self-test that is given none."""

from __future__ import annotations

import importlib.resources

from bridge.config import load as config_load
from bridge.config.sections import Config


def load(bootstrap: str = "localhost:9", endpoint: str = "http://localhost", api_key: str = "NX-none") -> Config:
    """`demo.yaml`, loaded the way every other is. By default it leads nowhere."""
    environ = {"DEMO_BOOTSTRAP": bootstrap, "DEMO_ENDPOINT": endpoint, "DEMO_API_KEY": api_key}
    with importlib.resources.as_file(importlib.resources.files("bridge.sandbox") / "demo.yaml") as path:
        loaded = config_load.read(path, environ)
    if loaded.config is None:
        raise RuntimeError(f"the sample's configuration is broken: {loaded.problems}")
    return loaded.config
