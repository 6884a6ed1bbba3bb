"""Opening and creating arrays and groups, without zarr-python."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zarr_py import _native, _place
from zarr_py._attributes import to_json
from zarr_py._create import as_data, check_names, new_array
from zarr_py._place import StoreLike, Strictness

if TYPE_CHECKING:
    from zarr_py._array import Array
    from zarr_py._codecs import Codec, Codecs
    from zarr_py._group import Group

__all__ = [
    "create_array",
    "create_array_async",
    "create_group",
    "create_group_async",
    "open_array",
    "open_array_async",
    "open_group",
    "open_group_async",
]


def open_array(
    store: StoreLike, path: str = "", *, read_only: bool = False, strictness: Strictness = "tolerant", **options: Any
) -> "Array":
    """Opens the array at a path in a store: one request.

    Parameters
    ----------
    store
        A URL (`s3://bucket/prefix`, `https://...`, `file://...`), a local path, or a `zarr_py.Store`.
    path
        Where in the store the array is.
    read_only
        Refuse to write.
    strictness
        `"tolerant"` reads what other libraries are known to write beyond the specification (docs/tolerance.md), `"strict"` refuses
        it.
    options
        Options of the store, by the names of `zarr_py.Store`.

    Raises `NotFoundError` (a `FileNotFoundError`), and `NodeTypeError` (a `TypeError`) for a group.
    """
    array: Array = _native.open_node(_place.of(store, options, read_only, strictness), path, "array")
    return array


async def open_array_async(
    store: StoreLike, path: str = "", *, read_only: bool = False, strictness: Strictness = "tolerant", **options: Any
) -> "Array":
    """`open_array` for an event loop."""
    place = _place.of(store, options, read_only, strictness)
    array: Array = await _native.open_node(place, path, "array", awaitable=True)
    return array


def open_group(
    store: StoreLike,
    path: str = "",
    *,
    read_only: bool = False,
    use_consolidated: bool | None = None,
    strictness: Strictness = "tolerant",
    **options: Any,
) -> "Group":
    """Opens the group at a path in a store: one request.

    Parameters
    ----------
    store, path, read_only, strictness, options
        Those of `open_array`.
    use_consolidated
        Whether nodes below are listed and opened from the copies of their metadata in the group's document: if it has them by
        default; `False` never, because they may be out of date; `True` demands them.

    Raises `NotFoundError` (a `FileNotFoundError`), and `NodeTypeError` (a `TypeError`) for an array.
    """
    place = _place.of(store, options, read_only, strictness)
    group: Group = _native.open_node(place, path, "group", use_consolidated=use_consolidated)
    return group


async def open_group_async(
    store: StoreLike,
    path: str = "",
    *,
    read_only: bool = False,
    use_consolidated: bool | None = None,
    strictness: Strictness = "tolerant",
    **options: Any,
) -> "Group":
    """Async variant of `open_group`."""
    place = _place.of(store, options, read_only, strictness)
    opening = _native.open_node(place, path, "group", use_consolidated=use_consolidated, awaitable=True)
    group: Group = await opening
    return group


def create_array(
    store: StoreLike,
    path: str = "",
    *,
    shape: int | Sequence[int] | None = None,
    dtype: Any = None,
    data: Any = None,
    chunks: int | Sequence[int] | str | bool | None = None,
    shards: int | Sequence[int] | str | bool | None = None,
    filters: "Codecs | None" = None,
    serializer: "Codec" = "auto",
    compressors: "Codecs | None" = "auto",
    fill_value: Any = None,
    attributes: Mapping[str, Any] | None = None,
    dimension_names: Sequence[str | None] | None = None,
    chunk_key_encoding: "Codec | None" = None,
    overwrite: bool = False,
    **options: Any,
) -> "Array":
    """Creates an array, and the groups above it that are missing.

    Parameters
    ----------
    store, path, options
        Where, as for `open_array`.
    shape
        The number of elements along each dimension; that of `data` by default.
    dtype
        A data type of NumPy, `str`, `bytes`, or the name or the JSON object of one of Zarr's; that of `data` by default.
    data
        What the array is to hold: anything that `numpy.asanyarray` takes.
    chunks
        The shape of the chunks, in elements: of the inner chunks where there are shards. `None`, `True` and `"auto"` choose, at
        most 1 MiB each.
    shards
        The shape of the shards, a multiple of that of the chunks; `"auto"` chooses whole chunks, at most 16 MiB together. By
        default there are none.
    filters, serializer, compressors
        Codecs: their names, their objects in metadata, or codecs of zarr-python. `"auto"` is no filter, `bytes` in
        little-endian order (`vlen-utf8` or `vlen-bytes` for elements of any size) and `zstd`; `None` is no codec.
    fill_value
        The value of elements that are not stored; zero by default, and `NaT` for times.
    dimension_names
        A name, or `None`, for each dimension.
    overwrite
        Delete what is at the path, with everything below it, first.

    Raises `AlreadyExistsError` (a `FileExistsError`) where there is a node.
    """
    check_names(options, "create_array", options=True)
    elements = as_data(data)
    array = new_array(
        shape=shape,
        dtype=dtype,
        data=elements,
        chunks=chunks,
        shards=shards,
        filters=filters,
        serializer=serializer,
        compressors=compressors,
        fill_value=fill_value,
        attributes=attributes,
        dimension_names=dimension_names,
        chunk_key_encoding=chunk_key_encoding,
    )
    created: Array = _native.create_array(_place.of(store, options, False), path, array, overwrite)
    if elements is not None:
        created[...] = elements
    return created


async def create_array_async(
    store: StoreLike,
    path: str = "",
    *,
    shape: int | Sequence[int] | None = None,
    dtype: Any = None,
    data: Any = None,
    chunks: int | Sequence[int] | str | bool | None = None,
    shards: int | Sequence[int] | str | bool | None = None,
    filters: "Codecs | None" = None,
    serializer: "Codec" = "auto",
    compressors: "Codecs | None" = "auto",
    fill_value: Any = None,
    attributes: Mapping[str, Any] | None = None,
    dimension_names: Sequence[str | None] | None = None,
    chunk_key_encoding: "Codec | None" = None,
    overwrite: bool = False,
    **options: Any,
) -> "Array":
    """`create_array` for an event loop."""
    check_names(options, "create_array", options=True)
    elements = as_data(data)
    array = new_array(
        shape=shape,
        dtype=dtype,
        data=elements,
        chunks=chunks,
        shards=shards,
        filters=filters,
        serializer=serializer,
        compressors=compressors,
        fill_value=fill_value,
        attributes=attributes,
        dimension_names=dimension_names,
        chunk_key_encoding=chunk_key_encoding,
    )
    place = _place.of(store, options, False)
    created: Array = await _native.create_array(place, path, array, overwrite, awaitable=True)
    if elements is not None:
        await created.write_async(..., elements)
    return created


def create_group(
    store: StoreLike,
    path: str = "",
    *,
    attributes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    **options: Any,
) -> "Group":
    """Creates a group, and the groups above it that are missing.

    Raises `AlreadyExistsError` (a `FileExistsError`) where there is a node.
    """
    place = _place.of(store, options, False)
    group: Group = _native.create_group(place, path, to_json(attributes), overwrite)
    return group


async def create_group_async(
    store: StoreLike,
    path: str = "",
    *,
    attributes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    **options: Any,
) -> "Group":
    """`create_group` for an event loop."""
    place = _place.of(store, options, False)
    group: Group = await _native.create_group(place, path, to_json(attributes), overwrite, awaitable=True)
    return group
