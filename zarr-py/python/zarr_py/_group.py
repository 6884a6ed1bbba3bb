"""`zarr_py.Group`: a group and access by path to the nodes below it."""

import warnings
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Self, Unpack

from zarr_py import _checks
from zarr_py._array import Array, _unpickle
from zarr_py._attributes import to_json
from zarr_py._create import ArrayOptions, check_names
from zarr_py._native import NativeGroup, Opened
from zarr_py._node import Node
from zarr_py._nodes import described_array
from zarr_py.errors import AlreadyExistsError, InvalidError, NodeTypeError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
    from zarr_py._copy import Progress
    from zarr_py._tree import Tree

__all__ = ["Group"]

type Members = list[tuple[str, "Array | Group"]]


class Group(Node, NativeGroup):
    """A group: a mapping of names to the nodes directly below.

    `group["a/b"]` opens the node at a path below, and iteration yields the names of the nodes
    directly below.

    If the group has consolidated metadata, nodes are listed and opened from it without a request.
    """

    __module__ = "zarr_py"
    __slots__ = ("__weakref__",)

    def __new__(cls, opened: Any = None) -> Self:
        if not isinstance(opened, Opened):
            raise TypeError("use zarr_py.open_group or zarr_py.create_group to make a group")
        return NativeGroup.__new__(cls, opened)

    def __getitem__(self, path: str) -> "Array | Group":
        try:
            node: Array | Group = self._node(_checks.text(path, "path"), "node")
        except NotFoundError as error:
            raise KeyError(path) from error
        return node

    def get[T](self, path: str, default: T = None) -> "Array | Group | T":  # type: ignore[assignment]
        """Returns the node at a path below, or `default` if no node exists."""
        try:
            return self[path]
        except KeyError:
            return default

    def open_array(self, path: str) -> Array:
        """Opens the array at a path below.

        Raises `NotFoundError`, or `NodeTypeError` for a group.
        """
        array: Array = self._node(_checks.text(path, "path"), "array")
        return array

    async def open_array_async(self, path: str) -> Array:
        """Async variant of `open_array`."""
        array: Array = await self._node(_checks.text(path, "path"), "array", awaitable=True)
        return array

    def open_group(self, path: str) -> "Group":
        """Opens the group at a path below.

        Raises `NotFoundError`, or `NodeTypeError` for an array.
        """
        group: Group = self._node(_checks.text(path, "path"), "group")
        return group

    async def open_group_async(self, path: str) -> "Group":
        """Async variant of `open_group`."""
        group: Group = await self._node(_checks.text(path, "path"), "group", awaitable=True)
        return group

    async def open_async(self, path: str) -> "Array | Group":
        """Opens the node at a path below. Raises `NotFoundError`."""
        node: Array | Group = await self._node(_checks.text(path, "path"), "node", awaitable=True)
        return node

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        try:
            self._node(path, "node")
        except NotFoundError:
            return False
        except (InvalidError, UnsupportedError):
            # A node exists, but its metadata is invalid or unsupported.
            return bool(path)
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._children())

    def __bool__(self) -> bool:
        return True

    def __delitem__(self, path: str) -> None:
        if path not in self:
            raise KeyError(path)
        self._delete(_below(path))

    # Mapping methods.

    def keys(self) -> list[str]:
        """Returns the names of the nodes directly below, in order."""
        return [name for name, _ in self._children()]

    async def keys_async(self) -> list[str]:
        """Async variant of `keys`."""
        return [name for name, _ in await self._children(awaitable=True)]

    def array_keys(self) -> list[str]:
        """Returns the names of the arrays directly below, in order."""
        return [name for name, kind in self._children() if kind == "array"]

    def group_keys(self) -> list[str]:
        """Returns the names of the groups directly below, in order."""
        return [name for name, kind in self._children() if kind == "group"]

    def items(self) -> Members:
        """Returns the nodes directly below with their names, in order of name."""
        return self.members()

    def values(self) -> "list[Array | Group]":
        """Returns the nodes directly below, in order of name."""
        return [node for _, node in self.members()]

    def array_values(self) -> list[Array]:
        """Returns the arrays directly below, in order of name."""
        return [node for _, node in self.arrays()]

    def group_values(self) -> "list[Group]":
        """Returns the groups directly below, in order of name."""
        return [node for _, node in self.groups()]

    def members(self, max_depth: int | None = 0) -> Members:
        """Returns the nodes below with their paths relative to this group, in order of name.

        `max_depth`: 0 for the nodes directly below, 1 to also include the level below them, and so
        on; `None` for all levels. A node with invalid or unsupported metadata is left out, with a
        warning that states the reason; `keys`, `walk` and `nmembers` include it.
        """
        depth = None if max_depth is None else _checks.count(max_depth, "max_depth", 0)
        members: Members = []
        for name, node in _understood(self._members()):
            members.append((name, node))
            if isinstance(node, Group) and depth != 0:
                below = node.members(None if depth is None else depth - 1)
                members.extend((f"{name}/{path}", deeper) for path, deeper in below)
        return members

    async def members_async(self, max_depth: int | None = 0) -> Members:
        """Async variant of `members`."""
        depth = None if max_depth is None else _checks.count(max_depth, "max_depth", 0)
        members: Members = []
        for name, node in _understood(await self._members(awaitable=True)):
            members.append((name, node))
            if isinstance(node, Group) and depth != 0:
                below = await node.members_async(None if depth is None else depth - 1)
                members.extend((f"{name}/{path}", deeper) for path, deeper in below)
        return members

    def nmembers(self, max_depth: int | None = 0) -> int:
        """Returns the number of nodes below, with `max_depth` as for `members`."""
        depth = None if max_depth is None else _checks.count(max_depth, "max_depth", 0)
        if depth == 0:
            return len(self._children())
        return sum(depth is None or path.count("/") <= depth for path, _ in self.walk())

    def arrays(self) -> list[tuple[str, Array]]:
        """Returns the arrays directly below with their names."""
        return [(name, node) for name, node in self.members() if isinstance(node, Array)]

    def groups(self) -> "list[tuple[str, Group]]":
        """Returns the groups directly below with their names."""
        return [(name, node) for name, node in self.members() if isinstance(node, Group)]

    def walk(self) -> list[tuple[str, str]]:
        """Returns the relative path and kind of each node below, in order of path.

        The kind is `"array"` or `"group"`.
        """
        nodes: list[tuple[str, str]] = self._walk()
        return nodes

    async def walk_async(self) -> list[tuple[str, str]]:
        """Async variant of `walk`."""
        nodes: list[tuple[str, str]] = await self._walk(awaitable=True)
        return nodes

    def tree(self, level: int | None = None) -> "Tree":
        """Returns the nodes below, down to `level` levels, as text with shapes and data types.

        By default, all levels are included. Notebooks show the tree as a list.
        """
        from zarr_py._tree import tree_of

        return tree_of(self, None if level is None else _checks.count(level, "level", 1))

    def _ipython_key_completions_(self) -> list[str]:
        return [path for path, _ in self.walk()]

    # Creating nodes.

    def create_array(self, path: str, *, overwrite: bool = False, **array: Unpack[ArrayOptions]) -> Array:
        """Creates an array at a path below and any missing groups between.

        The properties of the array are given as for `zarr_py.create_array`.
        """
        path, replace = _new(path, overwrite, array)
        described, elements = described_array(array)
        created: Array = self._create_array(path, described, replace)
        if elements is not None:
            created[...] = elements
        return created

    async def create_array_async(
        self, path: str, *, overwrite: bool = False, **array: Unpack[ArrayOptions]
    ) -> Array:
        """Async variant of `create_array`."""
        path, replace = _new(path, overwrite, array)
        described, elements = described_array(array)
        created: Array = await self._create_array(path, described, replace, awaitable=True)
        if elements is not None:
            await created.write_async(..., elements)
        return created

    def require_array(self, path: str, *, exact: bool = False, **array: Unpack[ArrayOptions]) -> Array:
        """Returns the array at a path below, and creates it if it is missing.

        Raises `TypeError` if an existing array has another shape or a data type that cannot hold
        the requested one; with `exact`, also if the data type differs. Raises `NodeTypeError` (a
        `TypeError`) for a group.
        """
        from zarr_py._require import check_same

        path, exact = _checks.text(path, "path"), _checks.flag(exact, "exact")
        check_names(array, "require_array", ("path", "exact", *ArrayOptions.__annotations__), options=False)
        try:
            found = self.open_array(path)
        except NotFoundError:
            try:
                return self.create_array(path, **array)
            except AlreadyExistsError:
                # Another writer created the array first.
                found = self.open_array(path)
        check_same(found, array, exact)
        return found

    def require_group(self, path: str) -> "Group":
        """Returns the group at a path below, and creates it if it is missing.

        Raises `NodeTypeError` for an array.
        """
        try:
            return self.open_group(path)
        except NotFoundError:
            try:
                return self.create_group(path)
            except AlreadyExistsError:
                return self.open_group(path)

    def require_groups(self, *paths: str) -> "tuple[Group, ...]":
        """Calls `require_group` for several paths."""
        return tuple(self.require_group(path) for path in paths)

    def __setitem__(self, path: str, data: Any) -> None:
        """Stores data as an array at a path below, and replaces an existing array.

        Raises `NodeTypeError` for an existing group, because replacing it would delete everything
        below it.
        """
        if isinstance(self.get(_checks.text(path, "path")), Group):
            raise NodeTypeError(f"{path!r} is a group; delete it first")
        if isinstance(data, Group):
            raise TypeError(f"{path!r}: expected data, got a group; use copy() for a group")
        self.create_array(path, data=data, overwrite=True)

    def create_group(
        self, path: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> "Group":
        """Creates a group at a path below and any missing groups between.

        `attributes` and `overwrite` are given as for `zarr_py.create_group`.
        """
        path, replace = _new(path, overwrite, {})
        text = to_json(attributes)
        created: Group = self._create_group(path, text, replace)
        return created

    async def create_group_async(
        self, path: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> "Group":
        """Async variant of `create_group`."""
        path, replace = _new(path, overwrite, {})
        text = to_json(attributes)
        created: Group = await self._create_group(path, text, replace, awaitable=True)
        return created

    # Changing nodes.

    def consolidate(self) -> None:
        """Copies the metadata of all nodes below into this group's document: consolidated metadata.

        One request then opens all nodes below.
        """
        self._consolidate()

    async def consolidate_async(self) -> None:
        """Async variant of `consolidate`."""
        await self._consolidate(awaitable=True)

    def check_consolidated(self) -> dict[str, str]:
        """Compares the stored consolidated metadata with the metadata documents of the nodes below.

        Returns the nodes that differ: their relative paths, each with `"added"`, `"removed"` or
        `"changed"`. The result is empty if the consolidated metadata is up to date, and also if the
        group has none (see `is_consolidated`). `consolidate` updates the consolidated metadata.
        """
        return dict(self._check_consolidated())

    async def check_consolidated_async(self) -> dict[str, str]:
        """Async variant of `check_consolidated`."""
        return dict(await self._check_consolidated(awaitable=True))

    def delete(self, path: str) -> None:
        """Deletes the node at a path below and everything below it; a missing node is not an error.

        Raises `ValueError` for the path of the group itself, which must be deleted through its
        parent group.
        """
        self._delete(_below(path))

    async def delete_async(self, path: str) -> None:
        """Async variant of `delete`."""
        await self._delete(_below(path), awaitable=True)

    def copy(
        self, source: str, target: "str | Group", *, overwrite: bool = False, progress: "Progress | None" = None
    ) -> "Array | Group":
        """Copies a node below, with everything below it, to another path or into another group.

        Within this group, `target` is a path below it; another group receives the node under its
        name.

        Stored objects are copied unchanged. `progress` is called with the number of objects copied
        so far and the total. If the target group has the other format, Zarr v2 or v3, arrays are
        created in that format and their elements are copied chunk by chunk; the inner chunks of
        shards become chunks. Raises `NotFoundError`, `AlreadyExistsError` if a node exists at the
        target, and `UnsupportedError` for metadata that Zarr v2 cannot express.
        """
        from zarr_py._copy import copy_node

        into, path = (self, target) if not isinstance(target, Group) else (target, source.rstrip("/").rpartition("/")[2])
        replace = _checks.flag(overwrite, "overwrite")
        node: Array | Group = copy_node(
            self._place(), self._below(source), into._place(), into._below(path), overwrite=replace, progress=progress)
        return node

    def move(
        self, source: str, target: "str | Group", *, overwrite: bool = False, progress: "Progress | None" = None
    ) -> "Array | Group":
        """Moves a node below to another path or into another group: a `copy`, then a `delete`."""
        moved = self.copy(source, target, overwrite=overwrite, progress=progress)
        self._delete(source)
        return moved

    def rename(self, source: str, name: str, *, progress: "Progress | None" = None) -> "Array | Group":
        """Renames a node below within its group."""
        if not _checks.text(name, "name") or "/" in name:
            raise ValueError(f"name: expected the last part of a path, got {name!r}; use move() for a whole path")
        group, slash, _ = source.strip("/").rpartition("/")
        return self.move(source, f"{group}{slash}{name}", progress=progress)

    def _below(self, path: str) -> str:
        path = _below(path)
        return f"{self.path}/{path}" if self.path else path

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, ("group", tuple(self._origin.pickled()), self.read_only, self.path, self.metadata_text())

    def __repr__(self) -> str:
        return f"<zarr_py.Group /{self.path} in {self._location()!r}>"

    def _repr_html_(self) -> str:
        rows = {"Group": f"/{self.path}", "Store": self.location}
        cells = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
        return f"<table>{''.join(cells)}</table>"


def _understood(members: "list[tuple[str, Array | Group | Exception]]") -> Members:
    """Returns the nodes among `members`, and warns for each exception."""
    for name, node in members:
        if isinstance(node, Exception):
            warnings.warn(f"{name!r} is left out: {node}", stacklevel=3)
    return [(name, node) for name, node in members if not isinstance(node, Exception)]


def _below(path: str) -> str:
    """Returns a path below a group without surrounding slashes.

    Raises `ValueError` for the path of the group itself.
    """
    path = _checks.text(path, "path").strip("/")
    if not path:
        raise ValueError("path: expected the path of a node below the group, got an empty one")
    return path


def _new(path: str, overwrite: bool, array: Any) -> tuple[str, bool]:
    """Checks the arguments for a new node; returns its path and `overwrite`."""
    check_names(array, "create_array", ("path", "overwrite", *ArrayOptions.__annotations__), options=False)
    replace = _checks.flag(overwrite, "overwrite")
    return (_below(path) if replace else _checks.text(path, "path")), replace


# `isinstance(group, Mapping)` holds by registration: `Group` defines the methods itself.
Mapping.register(Group)
