"""From a file and an environment to a configuration, or to everything that is wrong with them.

parse → substitute → override → check each section → check them together. Nothing a user can do raises here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bridge.config import rules
from bridge.config.keys.fields import Section
from bridge.config.keys.problems import Problem, render
from bridge.config.mapping_section import MappingConfig
from bridge.config.reading import overrides, shape, stand_ins, substitution, translate, yaml_core
from bridge.config.reading.files import Files
from bridge.config.reading.yaml_core import Path
from bridge.config.sections import SHAPE, Config

MAX_FILE_BYTES = 4_194_304
ABSENT = "does not exist; name the configuration with --config, or in BRIDGE_CONFIG"
"""Said of the configuration's file."""
_SHORTEST_SECRET = 6
"""Characters: a shorter text is a placeholder, and in many words."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file. There is a `config` exactly where there are no `problems`."""

    config: Config | None
    mapping: MappingConfig | None
    """Set as soon as this section alone is right, so that compiling it can add its problems to the others.

    Where only its examples are wrong, it is the section without them.
    """
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    """Allowed, but worth a line in the log at each start."""
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where each key is, by its path: ``line 12``, or the environment variable that set it."""
    properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Of librdkafka, by the section they are under; without those that have a problem already."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no problem may repeat, wherever else it was put."""
    sections: Mapping[str, Section] = field(default_factory=dict, repr=False)
    """Those that are right by themselves, whatever is wrong with others."""

    def located(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Problems found later, with their places in the file."""
        located = (_locate(_indexed(problem, self.places), self.places) for problem in problems)
        return tuple(problem.without_keys(self.secrets) for problem in located)


def read(path: FilePath, environ: Mapping[str, str], *, needs_key: bool = True, reaches_api: bool = True) -> Loaded:
    """Reads and checks the file at `path` under this environment. Never raises for what a user can get wrong.

    Without `needs_key` the API key may be missing: for whoever sends nothing. Without `reaches_api` the endpoint and
    the key may be variables that are not set: for whoever asks the API nothing at all.
    """
    text, problem = text_of(path)
    if problem is not None:
        return Loaded(None, None, (problem,))
    try:
        document = yaml_core.parse(text)
    except yaml_core.Malformed as error:
        return Loaded(None, None, (Problem(str(path), str(error)),))
    if document.tree is None:
        return Loaded(
            None, None, (Problem(str(path), "is empty; begin with the sections kafka, track, dead_letter and mapping"),)
        )
    if not isinstance(document.tree, dict):
        return Loaded(
            None, None, (Problem(str(path), "must be a map with sections such as kafka: and track: at the top"),)
        )
    return _check(document, environ, path.absolute().parent, needs_key=needs_key, reaches_api=reaches_api)


def read_mapping(text: str) -> Loaded:
    """A section ``mapping`` alone, as somebody edits it: no file, no environment and no ``${VARIABLE}`` are looked at.

    Never raises for what a user can get wrong; `Loaded.config` is None.
    """
    try:
        document = yaml_core.parse(text)
    except yaml_core.Malformed as error:
        return Loaded(None, None, (Problem("mapping", str(error)),))
    tree = document.tree
    if isinstance(tree, dict) and set(tree) == {"mapping"}:
        tree = tree["mapping"]
    checked = _section("mapping", {} if tree is None else tree)
    problems = [*document.problems, *(found.problem for found in _without_echoes(checked.findings))]
    mapping = checked.section if not problems and isinstance(checked.section, MappingConfig) else None
    return Loaded(None, mapping, tuple(problems))


def text_of(path: FilePath, absent: str = ABSENT) -> tuple[str, Problem | None]:
    """What the file holds, or why it cannot be read; `absent` is said where there is none."""
    where = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return "", Problem(where, absent)
    except IsADirectoryError:
        return "", Problem(where, "is a directory; name the file in it, such as bridge.yaml")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        return "", Problem(where, f"cannot be read ({reason}); check its owner and permissions")
    if len(content) > MAX_FILE_BYTES:
        return "", Problem(where, f"is larger than {MAX_FILE_BYTES} bytes; it cannot be the configuration")
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", Problem(where, f"is not UTF-8 text (byte {error.start}, in line {line}); save it as UTF-8")


def _check(
    document: yaml_core.Document, environ: Mapping[str, str], folder: FilePath, *, needs_key: bool, reaches_api: bool
) -> Loaded:
    override = overrides.read(environ, SHAPE)
    files = Files(folder, working_directory(folder), override.values.keys())
    found = substitution.substitute(document.tree, environ, files)
    override.apply(found.tree)
    overridden = set(override.values)
    keyless = () if needs_key else stand_ins.without_keys(found.tree, found.unknown - overridden)
    unset = () if reaches_api else stand_ins.for_unset(found.tree, found.unset - overridden)
    unfound = {*keyless, *unset}
    substitution.resolve_property_files(found)
    files.resolve(found.tree, SHAPE.leaves)
    tree = _with_empty_sections(Config, found.tree)
    unknown = found.unknown - overridden

    values: dict[str, Mapping[str, Any]] = {}
    sections: dict[str, Section] = {}
    findings = [translate.unknown_key((key,), SHAPE) for key in tree if key not in Config.model_fields]
    for name in Config.model_fields:
        checked = _section(name, tree[name])
        sections.update({name: checked.section} if checked.section else {})
        values[name] = checked.values
        findings.extend(checked.findings)
    known = rules.ValidValues(_without_misspelt(values, findings, unknown))
    problems = [
        *document.problems,
        *(each for each in found.problems if not _is_overridden(each, found, override) and each.where not in unfound),
        *override.problems,
        *(found.problem for found in _without_echoes(findings) if not _beneath(found.path, unknown)),
        *rules.problems(known, needs_key=needs_key),
    ]
    places = _places(document.lines, {**found.sources, **override.sources})
    secrets = _secrets(tree)
    mapping = sections.get("mapping") or _without_examples(tree["mapping"])
    return Loaded(
        config=None if problems else Config.model_validate(sections),
        mapping=mapping if isinstance(mapping, MappingConfig) else None,
        problems=tuple(problem.without_keys(secrets) for problem in _in_order(problems, places)),
        warnings=tuple(
            _locate(warning, places).without_keys(secrets) for warning in (*files.warnings, *rules.warnings(known))
        ),
        places=places,
        properties=_properties(known, problems),
        secrets=secrets,
        sections=sections,
    )


def _properties(known: rules.ValidValues, problems: Iterable[Problem]) -> dict[str, dict[str, str]]:
    refused = {problem.where for problem in problems}
    return {
        section: {
            name: value
            for name, value in known.get(f"{section}.properties").items()
            if isinstance(value, str) and f"{section}.properties.{name}" not in refused
        }
        for section in ("kafka", "dead_letter")
        if known.has(f"{section}.properties")
    }


def working_directory(otherwise: FilePath) -> FilePath:
    """It may be gone, which concerns only who names files by relative paths."""
    try:
        return FilePath.cwd()
    except OSError:
        return otherwise


def _secrets(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """The API key as it was given, usable or not."""
    track = tree.get("track")
    given = track.get("api_key") if isinstance(track, dict) else None
    found = given.strip() if isinstance(given, str) else ""
    return (found,) if len(found) >= _SHORTEST_SECRET else ()


# --- one section -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Checked:
    section: Section | None
    values: Mapping[str, Any] = field(repr=False)
    """The keys that are valid by themselves, whatever is wrong with others."""
    findings: tuple[translate.KeyProblem, ...]


def _section(name: str, tree: Any) -> _Checked:
    if tree is None and shape.may_be_left_out(Config, name):
        return _Checked(None, {}, ())
    model = shape.subsection(Config, name)
    assert model is not None  # noqa: S101  # every key of Config is a section
    try:
        section = model.model_validate(tree)
    except ValidationError as error:
        values = _valid_values(model, tree) if isinstance(tree, dict) else {}
        return _Checked(None, values, tuple(translate.findings(error, name, tree, SHAPE)))
    return _Checked(section, {key: getattr(section, key) for key in model.model_fields}, ())


def _without_examples(tree: Any) -> Section | None:
    """The section mapping where nothing but examples are wrong in it: what it maps to is known all the same."""
    if not isinstance(tree, dict) or not tree.get("examples"):
        return None
    return _section("mapping", {key: value for key, value in tree.items() if key != "examples"}).section


def _valid_values(model: type[Section], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Key by key, so that the rules between keys can say what they have to say at once."""
    values: dict[str, Any] = {}
    for key, info in model.model_fields.items():
        if key in tree:
            values.update((key, value) for value in _valid(model, key, tree[key]))
        elif not info.is_required():
            values[key] = info.default
    return values


def _valid(model: type[Section], key: str, given: Any) -> list[Any]:
    """The key's value, or nothing; of a map with free keys, the entries that are valid."""
    adapter: TypeAdapter[Any] = TypeAdapter(model.model_fields[key].rebuild_annotation())
    if isinstance(given, dict) and shape.is_structure(model, key):
        entries = [entry for part, value in given.items() for entry in _accepted(adapter, {part: value})]
        return [{part: value for entry in entries for part, value in entry.items()}]
    return _accepted(adapter, given)


def _accepted(adapter: TypeAdapter[Any], given: Any) -> list[Any]:
    try:
        return [adapter.validate_python(given)]
    except ValidationError:
        return []


def _with_empty_sections(model: type[Section], tree: dict[str, Any]) -> dict[str, Any]:
    """A section that is missing, or whose lines are all comments, is one with nothing set."""
    built = dict(tree)
    for key in model.model_fields:
        inner = shape.subsection(model, key)
        if inner is not None and built.get(key) is None:
            built[key] = None if shape.may_be_left_out(model, key) else {}
        if inner is not None and isinstance(built[key], dict):
            built[key] = _with_empty_sections(inner, built[key])
    return built


# --- all problems together ---------------------------------------------------------------------------


def _beneath(path: Path, known: Iterable[Path]) -> bool:
    """Whether a path is one of `known`, or inside one."""
    return any(path[: len(each)] == each for each in known)


def _is_overridden(problem: Problem, found: substitution.Substitution, override: overrides.Overrides) -> bool:
    """A reference that cannot be resolved does not matter where the environment sets the key anyway."""
    return any(render(path) == problem.where for path in found.unknown & set(override.values))


def _without_echoes(findings: Iterable[translate.KeyProblem]) -> Iterable[translate.KeyProblem]:
    """A required key that is only misspelt is one problem, not two."""
    meant = [found.stands_for for found in findings if found.stands_for]
    for found in findings:
        where = found.problem.where
        if not (found.is_missing and any(where == each or where.startswith(f"{each}.") for each in meant)):
            yield found


def _without_misspelt(
    values: Mapping[str, Mapping[str, Any]], findings: Iterable[translate.KeyProblem], unknown: Iterable[Path]
) -> dict[str, dict[str, Any]]:
    """What the rules may rely on: a key that was written, but under another name, has no value yet."""
    doubtful = {found.stands_for for found in findings} | {render(path[:2]) for path in unknown if len(path) == 2}
    return {
        section: {key: value for key, value in keys.items() if f"{section}.{key}" not in doubtful}
        for section, keys in values.items()
    }


def _places(lines: Mapping[Path, int], sources: Mapping[Path, str]) -> dict[str, str]:
    places = {render(path): f"line {line}" for path, line in lines.items()}
    for path, source in sources.items():
        where = render(path)
        line = places.get(where)
        places[where] = (
            f"{line}, {source}" if line and not source.startswith("environment variable BRIDGE_") else source
        )
    return places


def _locate(problem: Problem, places: Mapping[str, str]) -> Problem:
    """The place of the key itself, or of the nearest one above it that the file has."""
    where = problem.where
    while where and not problem.source:
        if where in places:
            return Problem(problem.where, problem.message, places[where])
        where = where[: max(where.rfind("."), where.rfind("["), 0)]
    return problem


def _indexed(problem: Problem, places: Mapping[str, str]) -> Problem:
    """A list of one means the same as its only item: who reads the values cannot tell them apart, but the file can."""
    where = problem.where
    above = [place for place in places if where == place or where.startswith((f"{place}.", f"{place}["))]
    key = max(above, key=len, default="")
    if f"{key}[0]" not in places or f"{key}[1]" in places or where.startswith(f"{key}["):
        return problem
    return Problem(f"{key}[0]{where[len(key) :]}", problem.message, problem.source)


def _in_order(problems: Iterable[Problem], places: Mapping[str, str]) -> tuple[Problem, ...]:
    """As the file goes, each once."""
    located = dict.fromkeys(_locate(problem, places) for problem in problems)
    order = {where: place for place, where in enumerate(places)}

    def in_file(problem: Problem) -> tuple[int, str]:
        where = problem.where
        while where and where not in order:
            where = where[: max(where.rfind("."), where.rfind("["), 0)]
        return (order.get(where, len(order)), problem.where)

    return tuple(sorted(located, key=in_file))
