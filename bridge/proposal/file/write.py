"""A proposal to the text of ``bridge.yaml``, examples and all."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from bridge.config.mapping_section import MappingConfig
from bridge.decode.protocol import NO_SCHEMAS, Schemas
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.proposal.choices import Proposal
from bridge.proposal.file.examples import examples_of
from bridge.proposal.file.page import Connections, text_of
from bridge.proposal.file.tree import mapping_of


def configuration_of(
    proposal: Proposal, connections: Connections, schemas: Schemas = NO_SCHEMAS, version: str = ""
) -> str:
    """The whole file. Examples are only in it where the mapping does with them what they say."""
    return text_of(proposal, connections, _examples(proposal, connections, schemas), version)


def _examples(proposal: Proposal, connections: Connections, schemas: Schemas) -> list[dict[str, Any]]:
    try:
        config = MappingConfig.model_validate(mapping_of(proposal, connections.descriptor_set_file))
    except ValidationError:
        return []
    mapping = compile_mapping(config, schemas)
    if not isinstance(mapping, CompiledMapping):
        return []
    return [example for each in proposal.topics for example in examples_of(each, config, mapping)]
