"""Writes the values' schema, the dashboard, the README's tables and the runbook's words; --check: are they current?"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.chart import operate, readme, schema
from scripts.dashboard import dashboard

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "track-bridge"


def written(root: Path = ROOT) -> dict[Path, str]:
    """What each generated file should hold."""
    chart = root / "helm" / "track-bridge"
    values = (chart / "values.yaml").read_text(encoding="utf-8")
    page = chart / "README.md"
    runbook = root / "docs" / "runbook.md"
    return {
        chart / "values.schema.json": schema.text(
            values=values,
            overrides=(root / "helm" / "values.schema.yaml").read_text(encoding="utf-8"),
            bridge=(root / "schemas" / "bridge.schema.json").read_text(encoding="utf-8"),
        ),
        page: readme.with_values(page.read_text(encoding="utf-8"), values),
        chart / "dashboards" / "track-bridge.json": dashboard(),
        runbook: operate.with_words(
            runbook.read_text(encoding="utf-8"), (chart / "operate.sh").read_text(encoding="utf-8")
        ),
    }


def main() -> int:
    """Exit code 1 where --check finds a file that is not current."""
    stale = [path for path, text in written().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        name = path.relative_to(ROOT)
        if "--check" in sys.argv[1:]:
            sys.stderr.write(f"{name} is not what its sources make of it: run `make chart`.\n")
        else:
            path.write_text(written()[path], encoding="utf-8")
            sys.stdout.write(f"wrote {name}\n")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
