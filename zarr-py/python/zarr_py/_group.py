"""`zarr_py.Group`: the nodes below one, by path."""

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
    """A group: `group["a/b"]` opens the node at a path below, and iterating gives the names of those directly below.

    It is a mapping of names to nodes. Where the group has consolidated metadata, nodes are listed and opened from it without a
    request.
    """

    __module__ = "zarr_py"
    __slots__ = ("__weakref__",)

    def __new__(cls, opened: Any = None) -> Self:
        if not isinstance(opened, Opened):
            raise TypeError("a group is opened by zarr_py.open_group, and made by zarr_py.create_group")
        return NativeGroup.__new__(cls, opened)

    def __getitem__(self, path: str) -> "Array | Group":
        try:
            node: Array | Group = self._node(_checks.text(path, "path"), "node")
        except NotFoundError as error:
            raise KeyError(path) from error
        return node

    def get[T](self, path: str, default: T = None) -> "Array | Group | T":  # type: ignore[assignment]
        """The node at a path below, or `default` where there is none."""
        try:
            return self[path]
        except KeyError:
            return default

    def open_array(self, path: str) -> Array:
        """The array at a path below. Raises `NotFoundError`, or `NodeTypeError` for a group."""
        array: Array = self._node(_checks.text(path, "path"), "array")
        return array

    async def open_array_async(self, path: str) -> Array:
        """Async variant of `open_array`."""
        array: Array = await self._node(_checks.text(path, "path"), "array", awaitable=True)
        return array

    def open_group(self, path: str) -> "Group":
        """The group at a path below. Raises `NotFoundError`, or `NodeTypeError` for an array."""
        group: Group = self._node(_checks.text(path, "path"), "group")
        return group

    async def open_group_async(self, path: str) -> "Group":
        """Async variant of `open_group`."""
        group: Group = await self._node(_checks.text(path, "path"), "group", awaitable=True)
        return group

    async def open_async(self, path: str) -> "Array | Group":
        """The node at a path below. Raises `NotFoundError`."""
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
            # There is a node, which is not understood.
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

    # The mapping.

    def keys(self) -> list[str]:
        """The names of the nodes directly below, in order."""
        return [name for name, _ in self._children()]

    async def keys_async(self) -> list[str]:
        """Async variant of `keys`."""
        return [name for name, _ in await self._children(awaitable=True)]

    def array_keys(self) -> list[str]:
        """The names of the arrays directly below, in order."""
        return [name for name, kind in self._children() if kind == "array"]

    def group_keys(self) -> list[str]:
        """The names of the groups directly below, in order."""
        return [name for name, kind in self._children() if kind == "group"]

    def items(self) -> Members:
        """The nodes directly below with their names, in order of name."""
        return self.members()

    def values(self) -> "list[Array | Group]":
        """The nodes directly below, in order of name."""
        return [node for _, node in self.members()]

    def array_values(self) -> list[Array]:
        """The arrays directly below, in order of name."""
        return [node for _, node in self.arrays()]

    def group_values(self) -> "list[Group]":
        """The groups directly below, in order of name."""
        return [node for _, node in self.groups()]

    def members(self, max_depth: int | None = 0) -> Members:
        """The nodes below with their paths relative to this group, in order of name.

        `max_depth`: 0 for those directly below, 1 also for those directly below these, and so on; `None` for all. A node that is
        not understood is left out with a warning that says why; `keys`, `walk` and `nmembers` have it.
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
        """The number of `members`."""
        depth = None if max_depth is None else _checks.count(max_depth, "max_depth", 0)
        if depth == 0:
            return len(self._children())
        return sum(depth is None or path.count("/") <= depth for path, _ in self.walk())

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
        """Async variant of `walk`."""
        nodes: list[tuple[str, str]] = await self._walk(awaitable=True)
        return nodes

    def tree(self, level: int | None = None) -> "Tree":
        """All nodes below with shapes and types, or those of as many levels, as text, which notebooks show as a list."""
        from zarr_py._tree import tree_of

        return tree_of(self, None if level is None else _checks.count(level, "level", 1))

    def _ipython_key_completions_(self) -> list[str]:
        return [path for path, _ in self.walk()]

    # What is created.

    def create_array(self, path: str, *, overwrite: bool = False, **array: Unpack[ArrayOptions]) -> Array:
        """Creates an array at a path below, and the groups in between, as `zarr_py.create_array`."""
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
        """The array at a path below, which is created where there is none.

        Raises `TypeError` where there is an array of another shape, or of a data type that does not hold what is asked for; with
        `exact` also where the data type is another; and for a group.
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
                # Somebody else was faster.
                found = self.open_array(path)
        check_same(found, array, exact)
        return found

    def require_group(self, path: str) -> "Group":
        """The group at a path below, which is created where there is none. Raises `NodeTypeError` for an array."""
        try:
            return self.open_group(path)
        except NotFoundError:
            try:
                return self.create_group(path)
            except AlreadyExistsError:
                return self.open_group(path)

    def require_groups(self, *paths: str) -> "tuple[Group, ...]":
        """`require_group` for several paths."""
        return tuple(self.require_group(path) for path in paths)

    def __setitem__(self, path: str, data: Any) -> None:
        """Stores data as an array at a path below, in place of an array that is there.

        Raises `NodeTypeError` where there is a group, which would go with all below it.
        """
        if isinstance(self.get(_checks.text(path, "path")), Group):
            raise NodeTypeError(f"{path!r} is a group; delete it first")
        if isinstance(data, Group):
            raise TypeError(f"{path!r}: data is expected, and this is a group; copy() copies one")
        self.create_array(path, data=data, overwrite=True)

    def create_group(
        self, path: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> "Group":
        """Creates a group at a path below, and the groups in between, as `zarr_py.create_group`."""
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

    # What is changed.

    def consolidate(self) -> None:
        """Copies the metadata of all nodes below into this group's, so that one request opens them all."""
        self._consolidate()

    async def consolidate_async(self) -> None:
        """Async variant of `consolidate`."""
        await self._consolidate(awaitable=True)

    def check_consolidated(self) -> dict[str, str]:
        """Compares the stored consolidated metadata with the documents that it copies: the nodes that differ, by their paths below,
        and whether each was `"added"`, `"removed"` or `"changed"` since.

        Empty where the copies are true, and where there are none; `is_consolidated` tells. `consolidate` mends them.
        """
        return dict(self._check_consolidated())

    async def check_consolidated_async(self) -> dict[str, str]:
        """Async variant of `check_consolidated`."""
        return dict(await self._check_consolidated(awaitable=True))

    def delete(self, path: str) -> None:
        """Deletes the node at a path below and everything below it; no error where there is none.

        Raises `ValueError` for the path of the group itself, which is deleted through the group above it.
        """
        self._delete(_below(path))

    async def delete_async(self, path: str) -> None:
        """Async variant of `delete`."""
        await self._delete(_below(path), awaitable=True)

    def copy(
        self, source: str, target: "str | Group", *, overwrite: bool = False, progress: "Progress | None" = None
    ) -> "Array | Group":
        """Copies a node below, with everything below it, to another path below, or into another group under its name.

        Its objects are copied as they are stored, and `progress` is called with the number of those that are done and that of
        all. Into a group of the other format, Zarr 2 or 3, arrays are created in that format and their elements are copied chunk
        by chunk; shards become their inner chunks. Raises `NotFoundError`, `AlreadyExistsError` where there is a node, and
        `UnsupportedError` for what Zarr 2 cannot say.
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
        """Moves a node below to another path below, or into another group: copies it, and deletes it when that is done."""
        moved = self.copy(source, target, overwrite=overwrite, progress=progress)
        self._delete(source)
        return moved

    def rename(self, source: str, name: str, *, progress: "Progress | None" = None) -> "Array | Group":
        """Gives a node below another name, in the group that it is in."""
        if not _checks.text(name, "name") or "/" in name:
            raise ValueError(f"name: expected the last part of a path, got {name!r}; move() moves to a path")
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
    """The nodes among `members`; a warning for each exception."""
    for name, node in members:
        if isinstance(node, Exception):
            warnings.warn(f"{name!r} is left out: {node}", stacklevel=3)
    return [(name, node) for name, node in members if not isinstance(node, Exception)]


def _below(path: str) -> str:
    """The path of a node below a group, without slashes around it. Raises `ValueError` for that of the group itself."""
    path = _checks.text(path, "path").strip("/")
    if not path:
        raise ValueError("path: expected the path of a node below the group, got an empty one")
    return path


def _new(path: str, overwrite: bool, array: Any) -> tuple[str, bool]:
    """Path and `overwrite` of a node to be created, checked, as are the names of what an array is like."""
    check_names(array, "create_array", ("path", "overwrite", *ArrayOptions.__annotations__), options=False)
    replace = _checks.flag(overwrite, "overwrite")
    return (_below(path) if replace else _checks.text(path, "path")), replace


# Checks of `isinstance` see the methods, not where they come from.
Mapping.register(Group)
