"""Groups as mappings of names to nodes."""

import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zarr_py import _checks
from zarr_py._native import NativeArray, NativeGroup
from zarr_py._steps import Steps, ask, blocking, later
from zarr_py.errors import InvalidError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
    from zarr_py._array import Array
    from zarr_py._group import Group

__all__ = ["Mapped"]

type Members = list[tuple[str, "Array | Group"]]


class Mapped(NativeGroup):
    """A group and its listings."""

    __slots__ = ()

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

    @blocking
    def keys(self) -> Steps[list[str]]:
        """Returns the names of the nodes directly below, in order."""
        children = yield from ask(self._children)
        return [name for name, _ in children]

    keys_async = later(keys)

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

    def array_values(self) -> "list[Array]":
        """Returns the arrays directly below, in order of name."""
        return [node for _, node in self.arrays()]

    def group_values(self) -> "list[Group]":
        """Returns the groups directly below, in order of name."""
        return [node for _, node in self.groups()]

    @blocking
    def members(self, max_depth: int | None = 0) -> Steps[Members]:
        """Returns the nodes below with their paths relative to this group, in order of name.

        `max_depth`: 0 for the nodes directly below, 1 to also include the level below them, and so
        on; `None` for all levels. A node with invalid or unsupported metadata is left out, with a
        warning that states the reason; `keys`, `walk` and `nmembers` include it.
        """
        depth = None if max_depth is None else _checks.count(max_depth, "max_depth", 0)
        members: Members = yield from _members(self, depth)
        return members

    members_async = later(members)

    def nmembers(self, max_depth: int | None = 0) -> int:
        """Returns the number of nodes below, with `max_depth` as for `members`."""
        depth = None if max_depth is None else _checks.count(max_depth, "max_depth", 0)
        if depth == 0:
            return len(self._children())
        return sum(depth is None or path.count("/") <= depth for path, _ in self.walk())

    def arrays(self) -> "list[tuple[str, Array]]":
        """Returns the arrays directly below with their names."""
        return [(name, node) for name, node in self.members() if isinstance(node, NativeArray)]

    def groups(self) -> "list[tuple[str, Group]]":
        """Returns the groups directly below with their names."""
        return [(name, node) for name, node in self.members() if isinstance(node, NativeGroup)]

    @blocking
    def walk(self) -> Steps[list[tuple[str, str]]]:
        """Returns the relative path and kind of each node below, in order of path.

        The kind is `"array"` or `"group"`.
        """
        nodes: list[tuple[str, str]] = yield from ask(self._walk)
        return nodes

    walk_async = later(walk)

    def _ipython_key_completions_(self) -> list[str]:
        return [path for path, _ in self.walk()]


def _members(group: NativeGroup, depth: int | None) -> Steps[Members]:
    found = yield from ask(group._members)
    members: Members = []
    for name, node in _understood(found):
        members.append((name, node))
        if isinstance(node, NativeGroup) and depth != 0:
            below = yield from _members(node, None if depth is None else depth - 1)
            members.extend((f"{name}/{path}", deeper) for path, deeper in below)
    return members


def _understood(members: "list[tuple[str, Array | Group | Exception]]") -> Members:
    """Returns the nodes among `members`, and warns for each exception."""
    for name, node in members:
        if isinstance(node, Exception):
            warnings.warn(f"{name!r} is left out: {node}", skip_file_prefixes=(os.path.dirname(__file__),))
    return [(name, node) for name, node in members if not isinstance(node, Exception)]
