"""Opens and creates arrays and groups without zarr-python.

`_steps` makes each function and its async variant from one definition.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

from zarr_py import _checks, _native, _source
from zarr_py._attributes import to_json
from zarr_py._create import ArrayOptions, NewArray, as_data, check_names, new_array
from zarr_py._given import Given, covered
from zarr_py._option_names import StoreOptions
from zarr_py._source import Place, StoreLike
from zarr_py._steps import Steps, ask, blocking, later
from zarr_py.errors import AlreadyExistsError, ArgumentError, InvalidError, NotFoundError, ObstructedError

if TYPE_CHECKING:
    from zarr_py._array import Array
    from zarr_py._codecs import Codec, Codecs
    from zarr_py._group import Group

__all__ = [
    "CreateOptions",
    "create_array",
    "create_array_async",
    "create_group",
    "create_group_async",
    "open",
    "open_array",
    "open_array_async",
    "open_async",
    "open_group",
    "open_group_async",
]


class CreateOptions(ArrayOptions, StoreOptions, total=False):
    """The properties of an array to create, and the options of its store."""


Mode = Literal["r", "r+", "a", "w", "w-"]
"""The access mode of a function that opens or creates a node."""

_MODES = ("r", "r+", "a", "w", "w-")
_OPENING = ("store", "path", "mode", "read_only")


def _mode(mode: Any, read_only: Any, function: str) -> Mode:
    mode = "w-" if mode == "x" else mode
    if mode not in _MODES:
        raise InvalidError(
            f"{function}: mode: expected 'r' (read), 'r+' (read and write), 'a' (create the node if it is missing), "
            f"'w' (replace the node) or 'w-' (fail if the node exists), got {mode!r}")
    if not _checks.flag(read_only, "read_only"):
        return mode  # type: ignore[no-any-return]
    if mode not in ("r", "r+"):
        raise InvalidError(f"{function}: mode {mode!r} writes, which contradicts read_only=True")
    return "r"


def _split(keywords: Mapping[str, Any], mode: str, function: str, known: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits keywords into array properties, which need a mode that creates, and store options."""
    if not keywords:
        return {}, Given()
    known = (*known, *ArrayOptions.__annotations__)
    check_names(keywords, function, known, options=True)
    array = {name: value for name, value in keywords.items() if name in ArrayOptions.__annotations__}
    if array and mode in ("r", "r+"):
        raise ArgumentError(f"{function}: {next(iter(array))!r} needs mode 'a', 'w' or 'w-', which create nodes")
    return array, Given((name, value) for name, value in keywords.items() if name not in array)


def _opened(
    kind: str, store: Any, path: Any, mode: Any, read_only: Any, keywords: Mapping[str, Any], use_consolidated: Any = None
) -> Steps[Any]:
    """Implements `open`, `open_array` and `open_group`."""
    function = "open" if kind == "node" else f"open_{kind}"
    mode = _mode(mode, read_only, function)
    array, options = _split(keywords, mode, function, (*_OPENING, "use_consolidated"))
    path = _checks.text(path, "path")
    use = None if use_consolidated is None else _checks.flag(use_consolidated, "use_consolidated")
    opens = mode not in ("w", "w-")
    place = _source.of(store, options, mode == "r" or None, function, _OPENING, opens=opens)
    if opens:
        try:
            return (yield from ask(_native.open_node, place, path, kind, use_consolidated=use))
        except (InvalidError, NotFoundError, ObstructedError) as error:
            _source.check(place)
            if mode != "a" or not isinstance(error, NotFoundError):
                if path not in _MODES or not isinstance(error, NotFoundError):
                    raise
                # In zarr-python, the mode is the second argument.
                raise NotFoundError(f"{error}; if a mode was meant, write mode={path!r}") from None
    try:
        return (yield from _made(kind, place, path, array, mode == "w"))
    except AlreadyExistsError:
        if mode != "a":
            raise
        # Another writer created the node first.
        return (yield from ask(_native.open_node, place, path, kind, use_consolidated=use))


def _made(kind: str, place: Place, path: str, array: Mapping[str, Any], overwrite: bool) -> Steps[Any]:
    if kind == "array" or (kind == "node" and not array.keys().isdisjoint({"shape", "data"})):
        return (yield from _created(place, path, array, overwrite))
    rest = [name for name in array if name != "attributes"]
    if rest:
        raise ArgumentError(f"{rest[0]!r} is for arrays only, and an array needs shape or data")
    attributes = to_json(array.get("attributes"))
    return (yield from ask(_native.create_group, place, path, attributes, overwrite))


def _created(place: Place, path: str, array: Mapping[str, Any], overwrite: bool) -> Steps[Any]:
    described, elements = described_array(array)
    created = yield from ask(_native.create_array, place, path, described, overwrite)
    if elements is not None:
        yield from ask(created._write, ..., elements)
    return created


def described_array(array: Mapping[str, Any]) -> tuple[NewArray, Any]:
    """Returns the description of the array to create, and its elements if they are given."""
    elements = as_data(array.get("data"))
    return new_array(**{**array, "data": elements}), elements


@blocking
def open_array(
    store: StoreLike, path: str = "", *, mode: Mode = "r+", read_only: bool = False, **keywords: Unpack[CreateOptions]
) -> "Steps[Array]":
    """Opens the array at a path in a store: one request.

    Parameters
    ----------
    store
        A URL (`s3://bucket/prefix`, `https://...`, `file://...`), a local path, a `zarr_py.Store`,
        or anything else that `zarr_py.Store` accepts.
    path
        The path of the array in the store.
    mode
        `"r"` reads, `"r+"` reads and writes, `"a"` also creates a missing array, `"w"` replaces an
        existing node, `"w-"` creates and refuses an existing node.
    read_only
        Equivalent to mode `"r"`.
    keywords
        Options of the store, named as in `zarr_py.Store`, including `strictness`. With a mode that
        creates, also the parameters of `create_array`.

    Raises `NotFoundError` (a `FileNotFoundError`), and `NodeTypeError` (a `TypeError`) for a group.
    """
    store, keywords = covered(store), Given(keywords)  # type: ignore[assignment]
    array: Array = yield from _opened("array", store, path, mode, read_only, keywords)
    return array


open_array_async = later(open_array)


class _GroupOptions(StoreOptions, total=False):
    attributes: Mapping[str, Any] | None


@blocking
def open_group(
    store: StoreLike,
    path: str = "",
    *,
    mode: Mode = "r+",
    read_only: bool = False,
    use_consolidated: bool | None = None,
    **keywords: Unpack[_GroupOptions],
) -> "Steps[Group]":
    """Opens the group at a path in a store: one request.

    Parameters
    ----------
    store, path, mode, read_only, keywords
        As for `open_array`. With a mode that creates, also `attributes`.
    use_consolidated
        Whether nodes below are listed and opened from the consolidated metadata in the group's
        document. By default, they are if the group has consolidated metadata. `False` ignores
        consolidated metadata, which may be out of date; `True` requires it.

    Raises `NotFoundError` (a `FileNotFoundError`).
    Raises `NodeTypeError` (a `TypeError`) for an array.
    """
    store, keywords = covered(store), Given(keywords)  # type: ignore[assignment]
    group: Group = yield from _opened("group", store, path, mode, read_only, keywords, use_consolidated)
    return group


open_group_async = later(open_group)


@blocking
def open(
    store: StoreLike,
    path: str = "",
    *,
    mode: Mode = "r+",
    read_only: bool = False,
    use_consolidated: bool | None = None,
    **keywords: Unpack[CreateOptions],
) -> "Steps[Array | Group]":
    """Opens the array or group at a path in a store.

    A mode that creates makes an array if `shape` or `data` is given, otherwise a group. The
    parameters are those of `open_array` and `open_group`. Raises `NotFoundError` (a
    `FileNotFoundError`).
    """
    store, keywords = covered(store), Given(keywords)  # type: ignore[assignment]
    node: Array | Group = yield from _opened("node", store, path, mode, read_only, keywords, use_consolidated)
    return node


open_async = later(open)


@blocking
def create_array(
    store: StoreLike,
    path: str = "",
    *,
    shape: int | Sequence[int] | None = None,
    dtype: Any = None,
    data: Any = None,
    chunks: int | Sequence[int | Sequence[int]] | str | bool | None = None,
    shards: int | Sequence[int] | str | bool | None = None,
    filters: "Codecs | None" = None,
    serializer: "Codec" = "auto",
    compressors: "Codecs | None" = "auto",
    fill_value: Any = None,
    attributes: Mapping[str, Any] | None = None,
    dimension_names: Sequence[str | None] | None = None,
    chunk_key_encoding: "Codec | None" = None,
    overwrite: bool = False,
    **options: Unpack[StoreOptions],
) -> "Steps[Array]":
    """Creates an array and any missing groups above it.

    Parameters
    ----------
    store, path, options
        As for `open_array`.
    shape
        The number of elements along each dimension; by default, the shape of `data`.
    dtype
        A NumPy data type, `str`, `bytes`, or the name or JSON object of a Zarr data type; by
        default, the data type of `data`.
    data
        The elements of the array: anything that `numpy.asanyarray` accepts.
    chunks
        The shape of the chunks, in elements; of the inner chunks if the array is sharded. `None`,
        `True` and `"auto"` choose chunks of at most 1 MiB each. `[[3, 3, 4], 8]` lists the lengths
        of all chunks along a dimension.
    shards
        The shape of the shards, a multiple of the chunk shape. `"auto"` combines whole chunks into
        shards of at most 16 MiB. By default, the array is not sharded.
    filters, serializer, compressors
        Codecs: names, JSON objects as in metadata, codecs of `zarr_py.codecs`, or codecs of
        zarr-python. `"auto"` means no filter, the serializer `bytes` in little-endian order
        (`vlen-utf8` or `vlen-bytes` for variable-size elements) and the compressor `zstd`. `None`
        means no codec.
    fill_value
        The value of elements that are not stored; by default zero, and `NaT` for times.
    dimension_names
        A name or `None` for each dimension.
    overwrite
        First deletes the node at the path and everything below it.

    Raises `AlreadyExistsError` (a `FileExistsError`) if a node exists.
    """
    store, options = covered(store), Given(options)  # type: ignore[assignment]
    keywords: dict[str, Any] = {
        "shape": shape,
        "dtype": dtype,
        "data": data,
        "chunks": chunks,
        "shards": shards,
        "filters": filters,
        "serializer": serializer,
        "compressors": compressors,
        "fill_value": fill_value,
        "attributes": attributes,
        "dimension_names": dimension_names,
        "chunk_key_encoding": chunk_key_encoding,
    }
    keywords = Given(options, **keywords)
    known = ("store", "path", "overwrite")
    array, options = _split(keywords, "w", "create_array", known)  # type: ignore[assignment]
    replace, path = _checks.flag(overwrite, "overwrite"), _checks.text(path, "path")
    place = _source.of(store, options, None, "create_array", known)
    created: Array = yield from _created(place, path, array, replace)
    return created


create_array_async = later(create_array)


@blocking
def create_group(
    store: StoreLike,
    path: str = "",
    *,
    attributes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    **options: Unpack[StoreOptions],
) -> "Steps[Group]":
    """Creates a group and any missing groups above it.

    Raises `AlreadyExistsError` (a `FileExistsError`) if a node exists.
    """
    store, options = covered(store), Given(options)  # type: ignore[assignment]
    known = ("store", "path", "attributes", "overwrite")
    check_names(options, "create_group", known, options=True)
    replace, path = _checks.flag(overwrite, "overwrite"), _checks.text(path, "path")
    text = to_json(attributes)
    place = _source.of(store, options, None, "create_group", known)
    group: Group = yield from ask(_native.create_group, place, path, text, replace)
    return group


create_group_async = later(create_group)
