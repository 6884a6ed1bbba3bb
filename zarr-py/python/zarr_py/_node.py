"""The common part of arrays and groups: a name, a location, a metadata document, attributes."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from zarr_py import _checks, _native
from zarr_py._attributes import Attributes, to_json
from zarr_py._native import NativeArray
from zarr_py._requests import RequestCount
from zarr_py._source import Place
from zarr_py._steps import Steps, ask, blocking, later
from zarr_py._sweep import Leftover, sweep

if TYPE_CHECKING:
    from zarr_py._group import Group
    from zarr_py._native import NativeStore
    from zarr_py._source import Source

__all__ = ["Node"]


class Node:
    """A node whose native class defines `path`, `metadata_text` and `_change_attributes`."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def path(self) -> str: ...
        @property
        def location(self) -> str: ...
        @property
        def read_only(self) -> bool: ...
        @property
        def _store(self) -> NativeStore: ...
        @property
        def _origin(self) -> Source: ...
        def metadata_text(self) -> str: ...
        def _refresh(self, *, awaitable: bool = False) -> Any: ...
        def _change_attributes(
            self, changes: str, removed: Sequence[str], replace: bool, *, awaitable: bool = False
        ) -> Any: ...

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            from zarr_py._elsewhere import absent

            raise absent("Array" if isinstance(self, NativeArray) else "Group", name)

    @property
    def name(self) -> str:
        """The last part of the path; empty for the root."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> "Group | None":
        """The parent group; `None` for the root of the store."""
        if not self.path:
            return None
        group: Group = _native.open_node(self._place(), self.path.rpartition("/")[0], "group")
        return group

    def requests(self) -> dict[str, int]:
        """Returns the requests and bytes so far in this process, by kind.

        Counts all users of the store.

        `count_requests` counts for this node only.
        """
        return self._store.requests()

    def count_requests(self) -> RequestCount:
        """Counts the requests for this node and all nodes below it, from now on.

        Usage: `with array.count_requests() as count: ...`.
        """
        prefix = f"{self.path}/" if self.path else ""
        return RequestCount(self._store.count_requests(prefix), f"/{self.path}")

    @blocking
    def refresh(self) -> Steps[Self]:
        """Reads the metadata document again, and updates the shape and attributes of this handle.

        Returns this handle. A node that was opened from consolidated metadata then has its own
        document. Raises `NotFoundError`, and `NodeTypeError` if the node is now of the other kind.
        """
        yield from ask(self._refresh)
        return self

    refresh_async = later(refresh)

    @blocking
    def sweep(self, older_than: timedelta | float = timedelta(days=1)) -> Steps[list[Leftover]]:
        """Removes what killed writers left at and below this node, and returns what was removed.

        Leftovers are incomplete uploads, partly written files, temporary objects and probes; no
        reader sees them, but they take space. `older_than` is a `timedelta` or seconds, and should
        exceed the time of any write: a running writer whose upload is removed fails or starts
        again. On S3, uploads of other programs count too. On servers that are probed and on Google
        Cloud Storage, the objects below are listed. Azure drops leftover blocks itself, after a
        week. Raises `ReadOnlyError`.
        """
        _checks.writable(self.read_only, self.path)
        return (yield from sweep(self._store, self.path, older_than))

    sweep_async = later(sweep)

    def _place(self) -> Place:
        return Place(self._store, self._origin, self.read_only)

    def _location(self) -> str:
        """Returns the location of the store, even if the store cannot be opened."""
        try:
            return self.location
        except Exception:
            return self._origin.public().url

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata document, as a dictionary."""
        document: dict[str, Any] = json.loads(self.metadata_text())
        return document

    @property
    def zarr_format(self) -> int:
        """The version of the Zarr format, 2 or 3.

        `metadata` has the form of Zarr v3 in both cases. If it does not determine the version, a
        request to the store does.
        """
        metadata = self.metadata
        encoding = metadata.get("chunk_key_encoding", {"name": "v2"})
        if metadata["node_type"] == "array" and (encoding if isinstance(encoding, str) else encoding["name"]) != "v2":
            return 3
        key = f"{self.path}/zarr.json" if self.path else "zarr.json"
        return 2 if self._store.size_sync(key) is None else 3

    @property
    def attrs(self) -> Attributes:
        """The attributes. Setting an attribute writes the metadata document."""
        return Attributes(self.metadata_text, self._change_attributes)

    @blocking
    def set_attrs(self, attributes: Mapping[str, Any]) -> Steps[None]:
        """Replaces all attributes."""
        yield from ask(self._change_attributes, to_json(attributes), [], True)

    set_attrs_async = later(set_attrs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Does nothing: writes are stored when they return, so there is nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Does nothing: writes are stored when they return, so there is nothing to close."""
