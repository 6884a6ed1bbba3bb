"""Copies nodes: stored objects unchanged, and metadata documents last.

Readers therefore find either the whole copy or no node.

For a target group of the other format, `_convert` copies the elements instead.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

from zarr_py import _native
from zarr_py._source import Place
from zarr_py.errors import AlreadyExistsError, InvalidError, NotFoundError, ReadOnlyError

if TYPE_CHECKING:
    from zarr_py._native import NativeStore

__all__ = ["Progress", "copy_node"]

Progress = Callable[[int, int], Any]
"""A callback that takes the number of objects copied so far and the total."""

_AT_ONCE = 8
_DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


def copy_node(
    source: Place, path: str, target: Place, target_path: str, *, overwrite: bool = False, progress: Progress | None = None
) -> Any:
    """Copies a node and everything below it to a free path, and opens the copy.

    Raises `NotFoundError` if there is no node, `AlreadyExistsError` if a node exists at the target,
    and `InvalidError` for a copy of a node into itself.
    """
    if target.read_only:
        raise ReadOnlyError(f"/{target_path}: store was opened in read-only mode and does not support writing")
    found = _native.open_node(source, path, "node")
    same = source.native is target.native
    if same and _is_within(target_path, path):
        raise InvalidError(f"/{path} cannot be copied to /{target_path}, which is the node itself or a node below it")
    if same and _is_within(path, target_path):
        raise InvalidError(f"/{path} cannot be copied to /{target_path}, which contains it")
    missing, nearest = _missing_groups(target, target_path)
    if nearest not in (None, found.zarr_format):
        return _converted(found, target, target_path, nearest, overwrite, progress)
    _make_room(target, target_path, overwrite)
    if found.zarr_format == 2 and "" in missing:
        # The groups below are created in the format of the root.
        target.native.set_sync(".zgroup", b'{"zarr_format": 2}')
        missing.remove("")
    if missing:
        _native.create_group(target, missing[0], "{}", False)
    entries = sorted(key for key, _ in source.native.entries_sync(path))
    prefix = f"{path}/" if path else ""
    keys = [(key, _joined(target_path, key.removeprefix(prefix))) for key in entries]
    # Writes the documents of the deepest nodes first, and that of a group after those within it.
    documents = sorted(filter(_is_document, keys), key=lambda pair: (-pair[0].count("/"), pair[0]))
    data = [pair for pair in keys if not _is_document(pair)]
    for done, _ in enumerate(_copied(source.native, target.native, data, documents), start=1):
        if progress is not None:
            progress(done, len(keys))
    if target_path:
        above, _, name = target_path.rpartition("/")
        _native.open_node(target, above, "group")._renew_copies(name)
    return _native.open_node(target, target_path, "node")


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
        if not path:
            # The root becomes an empty group, whose document the copy replaces.
            _native.create_group(target, "", "{}", True)
            return
        _native.open_node(target, above, "group").delete(name)


def _converted(
    found: Any, target: Place, path: str, zarr_format: int, overwrite: bool, progress: Progress | None
) -> Any:
    """Copies a node in the format of the target group.

    Readers of that group would not find a node of the other format.
    """
    from zarr_py._convert import Conversion

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


def _missing_groups(target: Place, path: str) -> tuple[list[str], int | None]:
    """Returns the missing groups above a path, and the format of the nearest existing group.

    The nearest missing group comes first.
    """
    missing: list[str] = []
    while path:
        path = path.rpartition("/")[0]
        try:
            group = _native.open_node(target, path, "group")
        except NotFoundError:
            missing.append(path)
            continue
        return missing, group.zarr_format
    return missing, None


def _copied(
    source: "NativeStore", target: "NativeStore", data: list[tuple[str, str]], documents: list[tuple[str, str]]
) -> Iterator[None]:
    def copy(pair: tuple[str, str]) -> None:
        found = source.get_sync(pair[0])
        if found is None:
            raise NotFoundError(f"{pair[0]}: deleted during the copy")
        target.set_sync(pair[1], found)

    pending = iter(data)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(pending, 4 * _AT_ONCE)):
            yield from pool.map(copy, some)
    yield from map(copy, documents)


def _is_document(pair: tuple[str, str]) -> bool:
    return pair[0].rpartition("/")[2] in _DOCUMENTS


def _is_within(path: str, other: str) -> bool:
    return not other or path == other or path.startswith(f"{other}/")


def _joined(path: str, key: str) -> str:
    return f"{path}/{key}" if path else key
