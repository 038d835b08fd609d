"""``python -m scripts.release``: what `make release TO=1.4.0` and the release workflow run."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scripts.release import builds, changelog, pages, published_chart, trial, versions
from scripts.release.problem import ReleaseProblemError

ROOT: Final = Path(__file__).parents[2]
DIST: Final = ROOT / "dist"
CHART: Final = ROOT / "helm" / "track-bridge"


def release(version: str) -> None:
    """Bump, build twice, try the wheel, and only then commit and tag: what fails leaves the repository as it was."""
    if _git("status", "--porcelain"):
        raise ReleaseProblemError("there are changes that are not committed: a release is made of a commit")
    if _git("tag", "--list", f"v{version}"):
        raise ReleaseProblemError(f"there is a tag v{version} already")
    branch = _git("symbolic-ref", "--short", "HEAD")
    with tempfile.TemporaryDirectory(prefix="track-bridge-release-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
        try:
            _bump(tree, version)
            _git("commit", "--quiet", "--all", "--message", f"Version {version}", within=tree)
            commit = _git("rev-parse", "HEAD", within=tree)
            build(commit, version)
        finally:
            _git("worktree", "remove", "--force", str(tree))
    _git("merge", "--quiet", "--ff-only", commit)
    _git("tag", "--annotate", "--message", f"Version {version}", f"v{version}", commit)
    print(f"v{version} is tagged. `git push origin {branch} v{version}` has the release workflow publish it.")


def build(commit: str, version: str) -> None:
    """Wheel and source archive in dist/, the same twice, and the wheel tried where nothing else is."""
    for name, digest in builds.built_twice(ROOT, commit, DIST).items():
        print(f"{digest}  dist/{name}")
    print("built twice: the same bytes")
    wheel = DIST / f"track_bridge-{version}-py3-none-any.whl"
    with tempfile.TemporaryDirectory(prefix="track-bridge-trial-") as folder:
        trial.tried(wheel, ROOT / "requirements" / "run.txt", version, Path(folder))
    print("installed in an empty environment: says its version, and the demo ran from it")


def _bump(tree: Path, version: str) -> None:
    files = {name: (tree / name).read_text(encoding="utf-8") for name in versions.FILES}
    for name, text in versions.bumped(files, version).items():
        (tree / name).write_text(text, encoding="utf-8")
    log = tree / "CHANGELOG.md"
    day = datetime.now(UTC).date().isoformat()
    log.write_text(changelog.released(log.read_text(encoding="utf-8"), version, day), encoding="utf-8")


def _git(*words: str, within: Path = ROOT) -> str:
    ran = subprocess.run(["git", "-C", str(within), *words], check=False, capture_output=True, text=True)
    if ran.returncode:
        raise ReleaseProblemError(f"git {' '.join(words[:2])}: {ran.stderr.strip() or ran.returncode}")
    return ran.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("local", "bump, build twice, try, commit and tag"), ("build", "build twice and try HEAD")):
        command = commands.add_parser(name, help=text)
        command.add_argument("version")
    commands.add_parser("notes", help="what CHANGELOG.md says of a version").add_argument("version")
    chart = commands.add_parser("chart", help="the chart as it is published, in a folder")
    for option in ("--registry", "--repository", "--digest", "--home", "--pages"):
        chart.add_argument(option, required=True)
    chart.add_argument("into", type=Path)
    site = commands.add_parser("pages", help="add build/site to the pages of all versions")
    site.add_argument("version")
    site.add_argument("into", type=Path)
    return parser


def main() -> int:
    """2 for what must be changed first, with the sentence that says what."""
    given = _parser().parse_args()
    try:
        match given.command:
            case "local":
                versions.parsed(given.version)
                release(given.version)
            case "build":
                build("HEAD", given.version)
            case "notes":
                print(changelog.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), given.version))
            case "chart":
                published = published_chart.Published(
                    given.registry, given.repository, given.digest, given.home, given.pages
                )
                print(published_chart.write(CHART, given.into, published))
            case _:
                print("\n".join(pages.add(ROOT / "build" / "site", given.version, given.into)))
    except ReleaseProblemError as problem:
        print(f"no release: {problem}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
