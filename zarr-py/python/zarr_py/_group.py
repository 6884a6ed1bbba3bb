"""`zarr_py.Group`: a group and access by path to the nodes below it."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Self, Unpack

from zarr_py import _checks
from zarr_py._array import Array, _unpickle
from zarr_py._attributes import to_json
from zarr_py._create import ArrayOptions, check_names
from zarr_py._mapped import Mapped
from zarr_py._native import NativeGroup, Opened
from zarr_py._node import Node
from zarr_py._nodes import described_array
from zarr_py._steps import Steps, ask, blocking, later
from zarr_py.errors import AlreadyExistsError, NodeTypeError, NotFoundError

if TYPE_CHECKING:
    from zarr_py._copy import Progress
    from zarr_py._tree import Tree

__all__ = ["Group"]


class Group(Node, Mapped):
    """A group: a mapping of names to the nodes directly below.

    `group["a/b"]` opens the node at a path below, and iteration yields the names of the nodes
    directly below.

    If the group has consolidated metadata, nodes are listed and opened from it without a request.
    """

    __module__ = "zarr_py"
    __slots__ = ("__weakref__",)

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

    @blocking
    def open_array(self, path: str) -> Steps[Array]:
        """Opens the array at a path below.

        Raises `NotFoundError`, or `NodeTypeError` for a group.
        """
        array: Array = yield from ask(self._node, _checks.text(path, "path"), "array")
        return array

    open_array_async = later(open_array)

    @blocking
    def open_group(self, path: str) -> "Steps[Group]":
        """Opens the group at a path below.

        Raises `NotFoundError`, or `NodeTypeError` for an array.
        """
        group: Group = yield from ask(self._node, _checks.text(path, "path"), "group")
        return group

    open_group_async = later(open_group)

    @blocking
    def open(self, path: str) -> "Steps[Array | Group]":
        """Opens the node at a path below. Raises `NotFoundError`."""
        node: Array | Group = yield from ask(self._node, _checks.text(path, "path"), "node")
        return node

    open_async = later(open)

    def __delitem__(self, path: str) -> None:
        if path not in self:
            raise KeyError(path)
        self._delete(_below(path))

    def tree(self, level: int | None = None) -> "Tree":
        """Returns the nodes below, down to `level` levels, as text with shapes and data types.

        By default, all levels are included. Notebooks show the tree as a list.
        """
        from zarr_py._tree import tree_of

        return tree_of(self, None if level is None else _checks.count(level, "level", 1))

    # Creating nodes.

    @blocking
    def create_array(self, path: str, *, overwrite: bool = False, **array: Unpack[ArrayOptions]) -> Steps[Array]:
        """Creates an array at a path below and any missing groups between.

        The properties of the array are given as for `zarr_py.create_array`.
        """
        path, replace = _new(path, overwrite, array)
        return (yield from _created(self, path, array, replace))

    create_array_async = later(create_array)

    @blocking
    def require_array(self, path: str, *, exact: bool = False, **array: Unpack[ArrayOptions]) -> Steps[Array]:
        """Returns the array at a path below, and creates it if it is missing.

        Raises `TypeError` if an existing array has another shape or a data type that cannot hold
        the requested one; with `exact`, also if the data type differs. Raises `NodeTypeError` (a
        `TypeError`) for a group.
        """
        from zarr_py._require import check_same

        path, exact = _checks.text(path, "path"), _checks.flag(exact, "exact")
        check_names(array, "require_array", ("path", "exact", *ArrayOptions.__annotations__), options=False)
        try:
            found: Array = yield from ask(self._node, path, "array")
        except NotFoundError:
            try:
                created = yield from _created(self, path, array, False)
            except AlreadyExistsError:
                # Another writer created the array first.
                found = yield from ask(self._node, path, "array")
            else:
                return created
        check_same(found, array, exact)
        return found

    require_array_async = later(require_array)

    @blocking
    def require_group(self, path: str) -> "Steps[Group]":
        """Returns the group at a path below, and creates it if it is missing.

        Raises `NodeTypeError` for an array.
        """
        path = _checks.text(path, "path")
        try:
            group: Group = yield from ask(self._node, path, "group")
        except NotFoundError:
            try:
                group = yield from ask(self._create_group, path, "{}", False)
            except AlreadyExistsError:
                # Another writer created the group first.
                group = yield from ask(self._node, path, "group")
        return group

    require_group_async = later(require_group)

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

    @blocking
    def create_group(
        self, path: str, *, attributes: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> "Steps[Group]":
        """Creates a group at a path below and any missing groups between.

        `attributes` and `overwrite` are given as for `zarr_py.create_group`.
        """
        path, replace = _new(path, overwrite, {})
        text = to_json(attributes)
        created: Group = yield from ask(self._create_group, path, text, replace)
        return created

    create_group_async = later(create_group)

    # Changing nodes.

    @blocking
    def consolidate(self) -> Steps[None]:
        """Copies the metadata of all nodes below into this group's document: consolidated metadata.

        One request then opens all nodes below.
        """
        yield from ask(self._consolidate)

    consolidate_async = later(consolidate)

    @blocking
    def check_consolidated(self) -> Steps[dict[str, str]]:
        """Compares the stored consolidated metadata with the metadata documents of the nodes below.

        Returns the nodes that differ: their relative paths, each with `"added"`, `"removed"` or
        `"changed"`. The result is empty if the consolidated metadata is up to date, and also if the
        group has none (see `is_consolidated`). `consolidate` updates the consolidated metadata.
        """
        found: list[tuple[str, str]] = yield from ask(self._check_consolidated)
        return dict(found)

    check_consolidated_async = later(check_consolidated)

    @blocking
    def delete(self, path: str) -> Steps[None]:
        """Deletes the node at a path below and everything below it; a missing node is not an error.

        Raises `ValueError` for the path of the group itself, which must be deleted through its
        parent group.
        """
        yield from ask(self._delete, _below(path))

    delete_async = later(delete)

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
        _checks.writable(self.read_only, self._below(source))
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


def _created(group: Group, path: str, array: ArrayOptions, overwrite: bool) -> Steps[Array]:
    described, elements = described_array(array)
    created: Array = yield from ask(group._create_array, path, described, overwrite)
    if elements is not None:
        yield from ask(created._write, ..., elements)
    return created


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
