"""`save`, `load` and `copy`: operations on whole nodes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from zarr_py import _checks, _nodes, _source
from zarr_py._given import Given, covered
from zarr_py._kept import check_kept
from zarr_py._native import NativeArray, NativeGroup
from zarr_py._option_names import StoreOptions
from zarr_py._source import StoreLike

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarr_py._array import Array
    from zarr_py._copy import Progress
    from zarr_py._group import Group

__all__ = ["copy", "load", "save"]


def save(
    store: StoreLike,
    data: "npt.ArrayLike | Mapping[str, npt.ArrayLike]",
    path: str = "",
    *,
    overwrite: bool = True,
    **options: Unpack[StoreOptions],
) -> "Array | Group":
    """Stores data as an array, or a mapping of names to data as a group of arrays.

    Replaces an existing node by default.

    Parameters
    ----------
    store, path, options
        As for `open_array`.
    data
        Anything that `numpy.asanyarray` accepts, or a mapping of names to such data.
    overwrite
        First deletes the node at the path; `False` refuses an existing node.

    Raises `InvalidError` if that would delete arrays that a mapping reads.
    """
    store, options = covered(store), Given(options)  # type: ignore[assignment]
    if not isinstance(data, Mapping):
        return _nodes.create_array(store, path, data=data, overwrite=overwrite, **options)
    if overwrite:
        check_kept(dict(data), _source.of(store, options, None, "save"), path)
    group = _nodes.create_group(store, path, overwrite=overwrite, **options)
    for name, elements in data.items():
        group.create_array(_checks.text(name, "data"), data=elements)
    return group


def load(store: StoreLike, path: str = "", **options: Unpack[StoreOptions]) -> Any:
    """Returns all elements of an array, or a dictionary with the elements of each array of a group.

    A group within a group is a dictionary within the dictionary. Raises `NotFoundError` (a
    `FileNotFoundError`).
    """
    store, options = covered(store), Given(options)  # type: ignore[assignment]
    return _loaded(_nodes.open(store, path, mode="r", **options))


def _loaded(node: Any) -> Any:
    if isinstance(node, NativeArray):
        return node.read()
    return {name: _loaded(member) for name, member in node.members()}


def copy(
    source: "Array | Group",
    store: StoreLike,
    path: str = "",
    *,
    overwrite: bool = False,
    progress: "Progress | None" = None,
    **options: Unpack[StoreOptions],
) -> "Array | Group":
    """Copies a node, with everything below it, to a path in the same store or in another store.

    Stored objects are copied unchanged, metadata documents last. `progress` is called with the
    number of objects copied so far and the total. Raises `AlreadyExistsError` (a `FileExistsError`)
    if a node exists at the target.
    """
    store, options = covered(store), Given(options)  # type: ignore[assignment]
    from zarr_py._copy import copy_node

    if not isinstance(source, NativeArray | NativeGroup):
        raise TypeError(f"source: expected an array or a group of zarr_py, got {type(source).__name__}")
    known = ("source", "store", "path", "overwrite", "progress")
    target = _source.of(store, options, None, "copy", known)
    path, replace = _checks.text(path, "path").strip("/"), _checks.flag(overwrite, "overwrite")
    node: Array | Group = copy_node(source._place(), source.path, target, path, overwrite=replace, progress=progress)
    return node
