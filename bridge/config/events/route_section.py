"""The rules of a mapping: for each type of record its routes, and of what kind each is."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, create_model

from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section
from bridge.config.keys.values import Value, ValueOrOff, ValueSpec


def _identify(value: Any) -> Any:
    match value:
        case True:
            return {}
        case None:
            raise ValueError("says nothing of the user; write identify: true to make the user known and no more")
    return value


def _company(value: Any) -> Any:
    if value is None or value is True:
        raise ValueError("names no company; write company: {id: …}")
    return value


def _forget(value: Any) -> Any:
    if value is not True:
        raise ValueError(f"must be true, not {scalars.shown(value)}; a route that does not forget is without this key")
    return value


if TYPE_CHECKING:
    _WholeObject = Section
else:
    # The key is a word of Python, which no class body can name.
    _WholeObject = create_model(
        "_WholeObject",
        __base__=Section,
        **{
            "from": (
                Value | None,
                Field(
                    default=None,
                    description="A whole object whose fields become properties, nested keys joined with dots.",
                    examples=["data.traits"],
                ),
            )
        },
    )


class _Properties(_WholeObject):
    """What is known of a user or a company."""

    @property
    def whole(self) -> ValueSpec | None:
        """The key ``from``."""
        given: ValueSpec | None = getattr(self, "from")
        return given

    def values(self) -> Iterator[tuple[str, ValueSpec]]:
        """All that is read, each with its key."""
        if self.whole is not None:
            yield "from", self.whole
        yield from ((f"properties.{name}", spec) for name, spec in self.properties.items())

    omit: tuple[fields.Name, ...] = Field(
        default=(), description="Keys or globs of from that are left out.", examples=[["email", "address.*"]]
    )
    properties: Mapping[str, Value] = Field(
        default={},
        description="Properties by name. One that finds nothing is left out, and keeps its value.",
        examples=[{"plan": "data.plan", "created_at": "time"}],
    )
    clear: tuple[fields.Name, ...] = Field(
        default=(),
        description="Names of properties that are removed where the record says null; all other nulls are left out.",
        examples=[["trial_ends"]],
    )


class CompanyConfig(_Properties):
    """A company: its id, and properties of it."""

    kind = "company"

    id: Value = Field(description="Where a record names the company.", examples=["data.company.id"])

    def values(self) -> Iterator[tuple[str, ValueSpec]]:
        """All that is read, each with its key."""
        yield "id", self.id
        yield from super().values()


class IdentifyConfig(_Properties):
    """A user that is identified: properties, and perhaps the company. Without any of them it is made known only."""

    kind = "identify"

    def values(self) -> Iterator[tuple[str, ValueSpec]]:
        """All that is read, each with its key."""
        if self.user_id is not None:
            yield "user_id", self.user_id
        yield from super().values()
        if self.company is not None:
            yield from ((f"company.{key}", spec) for key, spec in self.company.values())

    user_id: Value | None = Field(default=None, description="Instead of mapping.user_id.", examples=["data.id"])
    company: Annotated[CompanyConfig | None, BeforeValidator(_company)] = Field(
        default=None, description="The company that the user belongs to from then on; a user is in one at a time."
    )


RouteKind = Literal["track", "identify", "company", "forget"]


class RouteConfig(Section):
    """One thing that a record becomes: an event, or what is known of a user or a company. What is left out is as the
    settings of `mapping` say.
    """

    kind = "route"

    @property
    def makes(self) -> RouteKind:
        """Which kind of route it is, by the first of the keys that say so; that there is one, others check."""
        if self.identify is not None:
            return "identify"
        if self.company is not None:
            return "company"
        return "track" if self.forget is None else "forget"

    def profile_values(self) -> Iterator[tuple[str, ValueSpec]]:
        """What is read of a user or a company that is no event's, each with its key."""
        if self.identify is not None:
            yield from ((f"identify.{key}", spec) for key, spec in self.identify.values())
        if self.company is not None:
            yield from ((f"company.{key}", spec) for key, spec in self.company.values())

    @property
    def reads_user_of_mapping(self) -> bool:
        """Whether `mapping.user_id` says whose it is."""
        own = self.user_id if self.identify is None else self.identify.user_id or self.user_id
        return self.makes != "company" and own is None

    identify: Annotated[IdentifyConfig | None, BeforeValidator(_identify), fields.OrTrue()] = Field(
        default=None,
        description="Identifies the user instead of sending an event; true: without properties.",
        examples=[{"properties": {"plan": "data.plan"}, "company": {"id": "data.company.id"}}],
    )
    company: Annotated[CompanyConfig | None, BeforeValidator(_company)] = Field(
        default=None,
        description="Sends what is known of a company instead of an event; no user becomes one of it by that.",
        examples=[{"id": "data.id", "properties": {"name": "data.name"}}],
    )
    forget: Annotated[Literal[True] | None, BeforeValidator(_forget)] = Field(
        default=None, description="Sends nothing; the user is never again identified by the bridge itself."
    )

    event_name: Value | None = Field(
        default=None,
        description="Left out under an exact type, it is the type itself; required under a glob.",
        examples=["Order Completed", {"template": "Account {data.action}"}],
    )
    user_id: Value | None = Field(default=None, description="Instead of mapping.user_id.")
    when: fields.OptionalText = Field(
        default=None,
        description="A condition that must yield true or false; false sends nothing.",
        examples=["data.total.amount > `0`"],
    )
    max_age: fields.OptionalDuration = Field(default=None, description="Instead of mapping.max_age; null lifts it.")
    sample: fields.Share = fields.preset(
        scalars.share, "100%", "The share of users whose events are sent; which users these are never changes.", "25%"
    )
    topics: tuple[fields.Name, ...] | None = Field(
        default=None, min_length=1, description="Only records of these topics, by name or ^pattern; left out: of all."
    )
    metadata: Mapping[str, ValueOrOff] = Field(
        default={},
        description="The event's metadata by key; false leaves a key of common_metadata out.",
        examples=[{"amount": "data.total.amount", "channel": {"value": "web"}, "event_id": False}],
    )
    metadata_from: Value | None = Field(
        default=None,
        description="A whole object that becomes metadata, nested keys joined with dots.",
        examples=["data"],
    )
    metadata_omit: tuple[fields.Name, ...] = Field(
        default=(),
        description="Keys or globs of metadata_from that are left out.",
        examples=[["email", "address.*"]],
    )
    allowed_event_names: tuple[fields.Name, ...] | None = Field(
        default=None,
        min_length=1,
        description="The names an event_name that is not a literal may take; the API keeps at most 10,000 for ever.",
        examples=[["Account created", "Account closed"]],
    )


_ROUTES: Final = TypeAdapter(tuple[RouteConfig, ...])


def _rule(value: Any) -> Literal["drop"] | tuple[RouteConfig, ...]:
    match value:
        case "drop":
            return "drop"
        case dict() | [_, *_] | tuple():
            return _ROUTES.validate_python(fields.one_or_many(value))
        case []:
            raise ValueError("must not be an empty list; write drop to send nothing for this type")
        case _:
            raise ValueError(f"must be drop, a route or a list of routes, not {scalars.shown(value)}")


Rule = Annotated[Literal["drop"] | Annotated[tuple[RouteConfig, ...], fields.OneOrMany()], BeforeValidator(_rule)]
