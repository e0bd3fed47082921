"""The space of a study that cannot be made again, a class of the user's own: its strings as stored."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from nao.core import InputError, Json
from nao.spaces import make

if TYPE_CHECKING:
    from nao.core import SearchSpace


@dataclasses.dataclass(frozen=True)
class RecordedSpace:
    """What a study says of its space. Architectures of it can be shown, and not searched.

    Attributes:
      name: of the space.
      settings: its configuration.
      texts: the readable string of each architecture of the study, by its tokens.
    """

    name: str
    settings: Mapping[str, Json] = dataclasses.field(hash=False)
    texts: Mapping[tuple[int, ...], str] = dataclasses.field(hash=False, repr=False)

    def format(self, tokens: Sequence[int]) -> str:
        """The readable string."""
        return self.texts[tuple(tokens)]

    def configuration(self) -> Mapping[str, Json]:
        """The configuration that was stored."""
        return self.settings


def space_of(configuration: Mapping[str, Json], texts: Mapping[tuple[int, ...], str]) -> "SearchSpace":
    """The space of a search: made again where that can be done, else as it was recorded.

    Args:
      configuration: of the search.
      texts: the readable strings that the study has.
    """
    settings: Any = configuration.get("strategy", {}).get("space") or configuration.get("space") or {}
    try:
        return make(settings)
    except InputError:
        name = str(settings.get("space", "")) if isinstance(settings, Mapping) else ""
        return cast("SearchSpace", RecordedSpace(name, settings, texts))
