"""`zarr_py.Group`: the nodes below one, by path."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Unpack

from zarr_py import _place
from zarr_py._array import Array, _unpickle
from zarr_py._attributes import to_json
from zarr_py._create import ArrayOptions, as_data, check_names, new_array
from zarr_py._native import NativeGroup
from zarr_py._node import Node
from zarr_py.errors import NodeTypeError, NotFoundError

__all__ = ["Group"]


class Group(Node, NativeGroup):
    """A group: `group["a/b"]` opens the node at a path below, and iterating gives the names of those directly below.

    Where the group has consolidated metadata, nodes are listed and opened from it without a request.
    """

    __module__ = "zarr_py"
    __slots__ = ()

    def __getitem__(self, path: str) -> "Array | Group":
        try:
            node: Array | Group = self._node(path, "node")
        except NotFoundError as error:
            raise KeyError(path) from error
        return node

    def open_array(self, path: str) -> Array:
        """The array at a path below. Raises `NotFoundError`, or `NodeTypeError` for a group."""
        array: Array = self._node(path, "array")
        return array

    async def open_array_async(self, path: str) -> Array:
        """The same for an event loop."""
        array: Array = await self._node(path, "array", awaitable=True)
        return array

    def open_group(self, path: str) -> "Group":
        """The group at a path below. Raises `NotFoundError`, or `NodeTypeError` for an array."""
        group: Group = self._node(path, "group")
        return group

    async def open_group_async(self, path: str) -> "Group":
        """The same for an event loop."""
        group: Group = await self._node(path, "group", awaitable=True)
        return group

    async def open_async(self, path: str) -> "Array | Group":
        """The node at a path below. Raises `NotFoundError`."""
        node: Array | Group = await self._node(path, "node", awaitable=True)
        return node

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        try:
            self._node(path, "node")
        except NotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._children())

    def __delitem__(self, path: str) -> None:
        if path not in self:
            raise KeyError(path)
        self._delete(path)

    def keys(self) -> list[str]:
        """The names of the nodes directly below, in order."""
        return [name for name, _ in self._children()]

    async def keys_async(self) -> list[str]:
        """The same for an event loop."""
        return [name for name, _ in await self._children(awaitable=True)]

    def members(self) -> "list[tuple[str, Array | Group]]":
        """The nodes directly below with their names, in order of name."""
        members: list[tuple[str, Array | Group]] = self._members()
        return members

    async def members_async(self) -> "list[tuple[str, Array | Group]]":
        """The same for an event loop."""
        members: list[tuple[str, Array | Group]] = await self._members(awaitable=True)
        return members

    def arrays(self) -> list[tuple[str, Array]]:
        """The arrays directly below with their names."""
        return [(name, node) for name, node in self.members() if isinstance(node, Array)]

    def groups(self) -> "list[tuple[str, Group]]":
        """The groups directly below with their names."""
        return [(name, node) for name, node in self.members() if isinstance(node, Group)]

    def walk(self) -> list[tuple[str, str]]:
        """Paths, relative to this group, and kinds (`"array"`, `"group"`) of all nodes below, in order of path."""
        nodes: list[tuple[str, str]] = self._walk()
        return nodes

    async def walk_async(self) -> list[tuple[str, str]]:
        """The same for an event loop."""
        nodes: list[tuple[str, str]] = await self._walk(awaitable=True)
        return nodes

    def tree(self) -> str:
        """All nodes below, as text."""
        lines = [f"/{self.path}"]
        for path, kind in self.walk():
            depth = path.count("/") + 1
            name = path.rpartition("/")[2]
            lines.append("  " * depth + (f"{name}/" if kind == "group" else name))
        return "\n".join(lines)

    def create_array(self, path: str, *, overwrite: bool = False, **array: Unpack[ArrayOptions]) -> Array:
        """Creates an array at a path below, and the groups in between, as `zarr_py.create_array`."""
        check_names(array, "create_array", options=False)
        elements = array["data"] = as_data(array.get("data"))
        created: Array = self._create_array(path, new_array(**array), overwrite)
        if elements is not None:
            created[...] = elements
        return created

    async def create_array_async(
        self, path: str, *, overwrite: bool = False, **array: Unpack[ArrayOptions]
    ) -> Array:
        """Async variant of `create_array`."""
        check_names(array, "create_array", options=False)
        elements = array["data"] = as_data(array.get("data"))
        created: Array = await self._create_array(path, new_array(**array), overwrite, awaitable=True)
        if elements is not None:
            await created.write_async(..., elements)
        return created

    def __setitem__(self, path: str, data: Any) -> None:
        """Stores data as an array at a path below, in place of an array that is there.

        Raises `NodeTypeError` where there is a group, which would go with all below it.
        """
        if path in self and isinstance(self[path], Group):
            raise NodeTypeError(f"{path!r} is a group; delete it first")
        self.create_array(path, data=data, overwrite=True)

    def create_group(
        self, path: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> "Group":
        """Creates a group at a path below, and the groups in between, as `zarr_py.create_group`."""
        created: Group = self._create_group(path, to_json(attributes), overwrite)
        return created

    async def create_group_async(
        self, path: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> "Group":
        """The same for an event loop."""
        created: Group = await self._create_group(path, to_json(attributes), overwrite, awaitable=True)
        return created

    def consolidate(self) -> None:
        """Copies the metadata of all nodes below into this group's, so that one request opens them all."""
        self._consolidate()

    async def consolidate_async(self) -> None:
        """The same for an event loop."""
        await self._consolidate(awaitable=True)

    def delete(self, path: str) -> None:
        """Deletes the node at a path below and everything below it; no error where there is none."""
        self._delete(path)

    async def delete_async(self, path: str) -> None:
        """The same for an event loop."""
        await self._delete(path, awaitable=True)

    def __reduce__(self) -> tuple[Any, ...]:
        origin = _place.pickled(self._origin)
        return _unpickle, (origin, self.read_only, self.path, self.metadata_text())

    def __repr__(self) -> str:
        return f"<zarr_py.Group /{self.path} in {self.location!r}>"

    def _repr_html_(self) -> str:
        rows = {"Group": f"/{self.path}", "Store": self.location}
        cells = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
        return f"<table>{''.join(cells)}</table>"
