"""What all sections of the configuration have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

AS_WRITTEN: Final = "as written"
"""The context of a dump in the words of a file. Every other dump has the values as they are: fingerprints that outlive
a process are made of those.
"""


class Section(BaseModel):
    """Frozen, and closed: an unknown key is a problem, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: ClassVar[str] = ""
    """What `hints.LOCAL_HABITS` calls maps of this class, where that is not the key they are under."""

    def as_written(self) -> Mapping[str, Any]:
        """What was set, as a file may hold it: loaded, it is the same section. A secret is masked."""
        return self.model_dump(mode="json", exclude_unset=True, context=AS_WRITTEN)
