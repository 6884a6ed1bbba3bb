"""Copies nodes through the engine: stored objects unchanged, and metadata documents last.

For a target group of the other format, `_convert` copies the elements instead.
"""

from collections.abc import Callable
from typing import Any

from zarr_py import _checks, _native
from zarr_py._source import Place
from zarr_py.errors import AlreadyExistsError, InvalidError, NotFoundError

__all__ = ["Progress", "copy_node", "format_above"]

Progress = Callable[[int, int], Any]
"""A callback that takes the number of objects copied so far and the total."""


def copy_node(
    source: Place, path: str, target: Place, target_path: str, *, overwrite: bool = False, progress: Progress | None = None
) -> Any:
    """Copies a node and everything below it to a free path, and opens the copy.

    Raises `NotFoundError` if there is no node, `AlreadyExistsError` if a node exists at the target,
    `ReadOnlyError`, and `InvalidError` for a copy of a node into itself.
    """
    _checks.writable(target.read_only, target_path)
    found = _native.open_node(source, path, "node")
    above = format_above(target, target_path)
    if above not in (None, found.zarr_format):
        return _converted(source, found, target, target_path, above, overwrite, progress)
    copying = _native.copy_node(source, path, target, target_path, overwrite)
    try:
        while (copied := copying.next_sync()) is not None:
            if progress is not None:
                progress(*copied)
    finally:
        copying.close()
    return _native.open_node(target, target_path, "node")


def check_apart(source: Place, path: str, target: Place, target_path: str) -> None:
    """Raises `InvalidError` if the source lies in the target or contains it."""
    if _native.overlap(source, path, target, target_path):
        raise InvalidError(f"/{path} cannot replace itself, a group that contains it, or a node in it (/{target_path})")


def _make_room(target: Place, path: str, overwrite: bool) -> None:
    """Makes the target path free: deletes an existing node if `overwrite` is true."""
    above, _, name = path.rpartition("/")
    try:
        _native.open_node(target, path, "node")
    except NotFoundError:
        pass
    else:
        if not overwrite:
            raise AlreadyExistsError(f"/{path}: a node exists at this path; overwrite=True replaces it")
        _native.open_node(target, above, "group").delete(name)


def _converted(
    source: Place, found: Any, target: Place, path: str, zarr_format: int, overwrite: bool, progress: Progress | None
) -> Any:
    """Copies a node in the format of the target group.

    Readers of that group would not find a node of the other format.
    """
    from zarr_py._convert import Conversion

    check_apart(source, found.path, target, path)
    conversion = Conversion(found, zarr_format)
    _make_room(target, path, overwrite)
    above, _, name = path.rpartition("/")
    try:
        for done, count in conversion.write(target, path):
            if progress is not None:
                progress(done, count)
    except BaseException:
        _native.open_node(target, above, "group").delete(name)
        raise
    _native.open_node(target, above, "group")._renew_copies(name)
    return _native.open_node(target, path, "node")


def format_above(target: Place, path: str) -> int | None:
    """Returns the format of the nearest existing group above a path."""
    while path:
        path = path.rpartition("/")[0]
        try:
            found: int = _native.open_node(target, path, "group").zarr_format
        except NotFoundError:
            continue
        return found
    return None
