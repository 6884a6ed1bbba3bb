"""What arrays and groups have in common: a name, a metadata document, attributes."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zarr_py._attributes import Attributes, to_json

__all__ = ["Node"]


class Node:
    """A node whose native class has `path`, `metadata_text` and `_change_attributes`."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def path(self) -> str: ...
        def metadata_text(self) -> str: ...
        def _change_attributes(
            self, changes: str, removed: Sequence[str], replace: bool, *, awaitable: bool = False
        ) -> Any: ...

    @property
    def name(self) -> str:
        """The last part of the path; empty for the root."""
        return self.path.rpartition("/")[2]

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata document."""
        document: dict[str, Any] = json.loads(self.metadata_text())
        return document

    @property
    def attrs(self) -> Attributes:
        """The attributes. Setting one writes the document."""
        return Attributes(self.metadata_text, self._change_attributes)

    def set_attrs(self, attributes: Mapping[str, Any]) -> None:
        """Replaces all attributes."""
        self._change_attributes(to_json(attributes), [], True)

    async def set_attrs_async(self, attributes: Mapping[str, Any]) -> None:
        """Replaces all attributes."""
        await self._change_attributes(to_json(attributes), [], True, awaitable=True)
