"""The native half of `zarr_py`."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Literal, Self, SupportsIndex, final, overload

from numpy import dtype, ndarray
from numpy.typing import NDArray
from typing_extensions import disjoint_base
from zarr.abc.codec import GetResult

from zarr_py._create import NewArray
from zarr_py._plan import Cost
from zarr_py._source import Place, Source

__all__ = [
    "Batches",
    "Buffer",
    "Memory",
    "NativeArray",
    "NativeGroup",
    "NativePipeline",
    "NativeStore",
    "NativeTasks",
    "Opened",
    "RequestCounter",
    "Version",
    "__version__",
    "bind_node",
    "bytes_in_flight",
    "check_zarr_2",
    "create_array",
    "create_group",
    "copy_node",
    "create_like",
    "is_path",
    "open_node",
    "overlap",
    "set_bytes_in_flight",
    "set_threads",
    "threads",
    "zarrctl",
]

__version__: str

@final
class Buffer:
    """Read-only bytes that Rust owns, exposed through the buffer protocol."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Batches:
    """Answers in batches, as they arrive."""

    def next(self) -> Any:
        """Returns the next batch, or an awaitable of the next batch; `None` at the end."""

    def next_sync(self) -> Any:
        """Returns the next batch, waiting detached from the interpreter; `None` at the end."""

    def close(self) -> None:
        """Ends the requests in flight."""

@final
class RequestCounter:
    """Counts all requests of this process for the objects of a node, from now on."""

    def counts(self) -> dict[str, int]:
        """Returns the requests and bytes so far, by kind."""

    def reset(self) -> None:
        """Resets the counts to zero."""

    def close(self) -> None:
        """Stops counting."""

@final
class Version:
    """One stored state of an object. Equal known versions have equal bytes."""

    @property
    def is_known(self) -> bool:
        """Whether the backend reported a version. An unknown version cannot be a condition."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class NativeStore:
    """The native half of `zarr_py.Store`.

    Methods without an awaitable result wait detached from the interpreter.
    """

    def __new__(
        cls,
        url: str,
        options: Sequence[tuple[str, str]] = ...,
        *,
        credential_provider: Any = None,
        settings: Source = ...,
    ) -> NativeStore: ...
    @staticmethod
    def called(
        calls: Any,
        name: str,
        *,
        missing_on_forbidden: bool = False,
        single_writer: bool = False,
        settings: Source = ...,
    ) -> NativeStore: ...
    @staticmethod
    def on_event_loop(calls: Any, name: str, *, max_concurrency: int | None = None) -> NativeStore: ...
    @staticmethod
    def memory(name: str | None = None, prefix: str = "", *, settings: Source = ...) -> NativeStore: ...
    @staticmethod
    def memory_again(name: str, identity: int, prefix: str = "", *, settings: Source = ...) -> NativeStore: ...
    def strict(self) -> NativeStore: ...
    @property
    def location(self) -> str: ...
    @property
    def is_file(self) -> bool: ...
    @property
    def is_remote(self) -> bool: ...
    @property
    def is_read_only(self) -> bool: ...
    @property
    def can_list(self) -> bool: ...
    @property
    def memory_name(self) -> tuple[str, int] | None: ...
    def requests(self) -> dict[str, int]: ...
    def count_requests(self, prefix: str) -> RequestCounter: ...
    def get(self, key: str, byte_range: Any = None) -> Buffer | Awaitable[Buffer | None] | None: ...
    def get_sync(self, key: str, byte_range: Any = None) -> Buffer | None: ...
    def get_many(
        self, key_ranges: list[tuple[str, Any]]
    ) -> list[Buffer | None] | Awaitable[list[Buffer | None]]: ...
    def get_ranges(
        self,
        key: str,
        byte_ranges: Iterable[Any],
        max_concurrency: int,
        max_gap_bytes: int,
        max_coalesced_bytes: int,
    ) -> Batches: ...
    def get_ranges_sync(
        self, key: str, byte_ranges: Iterable[Any], max_gap_bytes: int, max_coalesced_bytes: int
    ) -> list[tuple[int, Buffer]]: ...
    def set(self, key: str, value: Any) -> Awaitable[None] | None: ...
    def set_sync(self, key: str, value: Any) -> None: ...
    def set_if_absent(self, key: str, value: Any) -> bool | Awaitable[bool]: ...
    def delete(self, key: str) -> Awaitable[None] | None: ...
    def delete_sync(self, key: str) -> None: ...
    def delete_prefix(self, prefix: str) -> Awaitable[None] | None: ...
    def size(self, key: str) -> int | Awaitable[int | None] | None: ...
    def size_sync(self, key: str) -> int | None: ...
    def size_prefix(self, prefix: str) -> int | Awaitable[int]: ...
    def is_empty(self, prefix: str) -> bool | Awaitable[bool]: ...
    def entries_sync(self, prefix: str) -> list[tuple[str, int]]: ...
    def list_keys(self, prefix: str) -> Batches: ...
    def list_names(self, prefix: str) -> list[str] | Awaitable[list[str]]: ...
    def fetch(
        self, key: str, offset: int, suffix: int | None, version: Version | None, *, awaitable: bool = False
    ) -> Any: ...
    def fetch_ranges(
        self, key: str, ranges: Sequence[tuple[int, int]], version: Version | None, *, awaitable: bool = False
    ) -> Any: ...
    def put(
        self, key: str, value: Any, if_absent: bool, if_version: Version | None, *, awaitable: bool = False
    ) -> Any: ...
    def head(self, key: str, *, awaitable: bool = False) -> Any: ...
    def copy(self, source: str, target: str, moves: bool, if_absent: bool, *, awaitable: bool = False) -> Any: ...
    def delete_all(self, keys: Sequence[str], *, awaitable: bool = False) -> Any: ...
    def list_entries(self, prefix: str) -> Batches: ...
    def list_directory(self, prefix: str, *, awaitable: bool = False) -> Any: ...
    def sweep(self, prefix: str, older_than: float, *, awaitable: bool = False) -> Any: ...
    def sign(self, key: str, method: str, expires_in: int, *, awaitable: bool = False) -> Any: ...

@final
class NativePipeline:
    """The metadata of an array, bound to its store.

    Batches and axes are those of `zarr.abc.codec.CodecPipeline`. The result is `None` for a call
    that the engine does not support.
    """

    def __new__(cls, store: NativeStore, document: bytes, zarr_format: int) -> NativePipeline: ...
    def over(self, store: NativeStore) -> NativePipeline: ...
    @property
    def item_size(self) -> int | None: ...
    @property
    def variable_kind(self) -> str | None: ...
    def read(
        self, batch: list[Any], out: Any, drop_axes: tuple[int, ...]
    ) -> tuple[GetResult, ...] | Awaitable[tuple[GetResult, ...]] | None: ...
    def read_variable(
        self, batch: list[Any], out: Any, drop_axes: tuple[int, ...]
    ) -> tuple[GetResult, ...] | Awaitable[tuple[GetResult, ...]] | None: ...
    def write(
        self, batch: list[Any], value: Any, drop_axes: tuple[int, ...], store_fill: bool
    ) -> Awaitable[None] | None: ...
    def write_variable(
        self,
        batch: list[Any],
        elements: list[Any],
        shape: tuple[int, ...],
        drop_axes: tuple[int, ...],
        store_fill: bool,
    ) -> Awaitable[None] | None: ...
    def plan(
        self, batch: list[Any], shape: tuple[int, ...], drop_axes: tuple[int, ...]
    ) -> tuple[str, Cost] | None: ...
    def decode(self, encoded: Any) -> Buffer: ...
    def encode(self, elements: Any) -> Buffer: ...

@final
class Memory:
    """The memory of a result, which its NumPy array keeps alive."""

    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Opened:
    """An opened node, from which `zarr_py.Array` or `zarr_py.Group` is made."""

@disjoint_base
class NativeArray:
    """The base class of `zarr_py.Array`.

    A selection is an index as in NumPy, or a `Prepared` one.
    """

    def __new__(cls, opened: Any = None) -> Self: ...
    @property
    def shape(self) -> tuple[int, ...]:
        """The number of elements along each dimension."""

    @property
    def dtype(self) -> dtype[Any]:
        """The NumPy data type of the elements. Raises `UnsupportedError` if NumPy has none."""

    @property
    def ndim(self) -> int:
        """The number of dimensions."""

    @property
    def chunks(self) -> tuple[int, ...]:
        """The shape of the chunks; of the inner chunks if the array is sharded."""

    @property
    def shards(self) -> tuple[int, ...] | None:
        """The shape of the shards; `None` if the array is not sharded."""

    @property
    def fill_value(self) -> Any:
        """The value of elements that are not stored."""

    @property
    def order(self) -> str:
        """The order of elements in results: `"F"` for Zarr v2 arrays of this order, else `"C"`."""

    @property
    def dimension_names(self) -> tuple[str | None, ...] | None:
        """The names of the dimensions; `None` if the array has no dimension names."""

    @property
    def path(self) -> str:
        """The path in the store, without a leading slash."""

    @property
    def location(self) -> str:
        """The location of the store, without secrets."""

    @property
    def read_only(self) -> bool:
        """Whether the store was opened read-only."""

    @property
    def _origin(self) -> Source: ...
    @property
    def _store(self) -> NativeStore: ...
    @property
    def _grid_shape(self) -> tuple[int, ...]: ...
    def _extent(self, cell: Sequence[int]) -> list[tuple[int, int]]: ...
    def _cell_of_key(self, key: str) -> list[int] | None: ...
    def metadata_text(self) -> str:
        """Returns the metadata document."""

    def requests(self) -> dict[str, int]:
        """Returns the requests and bytes of the store so far in this process, by kind."""

    @overload
    def __getitem__(self, key: SupportsIndex | tuple[SupportsIndex, ...], /) -> Any: ...
    @overload
    def __getitem__(self, key: Any, /) -> NDArray[Any]: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def read(self, selection: Any = None, *, out: Any = None) -> Any:
        """Reads a selection, by default the whole array, into `out` if it is given.

        `out` must have the shape of the selection and the data type of the array.
        """

    def _read_later(self, selection: Any = None, *, out: ndarray[Any, Any] | None = None) -> Awaitable[Any]: ...

    def write(self, selection: Any, value: Any) -> None:
        """Writes a value to a selection."""

    def _write_later(self, selection: Any, value: Any) -> Awaitable[None]: ...

    def _plan(self, selection: Any = None) -> tuple[str, Cost]: ...
    def _tasks(self, selection: Any, workers: int | None, writes: bool) -> NativeTasks: ...
    def _digest(self) -> str: ...
    def _keys(self, selection: Any) -> list[str]: ...
    def _key_of_cell(self, cell: Sequence[int]) -> str: ...
    def _inner_grid(self, cell: Sequence[int]) -> list[int] | None: ...
    def _shard_indexes(self, cells: Sequence[Sequence[int]], *, awaitable: bool = False) -> Any: ...
    def _compact(self, percent: int, morton: bool | None, *, awaitable: bool = False) -> Any: ...
    def _refresh(self, *, awaitable: bool = False) -> Any: ...
    @overload
    def _resize(self, shape: Sequence[int], *, awaitable: Literal[False] = False) -> None: ...
    @overload
    def _resize(self, shape: Sequence[int], *, awaitable: Literal[True]) -> Awaitable[None]: ...
    @overload
    def _grow(self, axis: int, len: int, to: int | None = None, *, awaitable: Literal[False] = False) -> int: ...
    @overload
    def _grow(self, axis: int, len: int, to: int | None = None, *, awaitable: Literal[True]) -> Awaitable[int]: ...
    def _reserve_ahead(self, axis: int, len: int, *, awaitable: bool = False) -> Any: ...
    def _publish(self, axis: int, start: int, end: int, *, awaitable: bool = False) -> Any: ...
    def _open_end(self, axis: int) -> None: ...
    def _edges(self, axis: int) -> list[int]: ...
    def _layout_text(self) -> str: ...
    def _zarr_2(self) -> str | None: ...
    def _change_attributes(
        self, changes: str, removed: Sequence[str], replace: bool, *, awaitable: bool = False
    ) -> Any: ...

@final
class NativeTasks:
    """The tasks of a read or write, each made on request."""

    def __len__(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the selection."""

    @property
    def objects(self) -> int:
        """The number of objects of all tasks."""

    def lengths(self) -> tuple[tuple[int, ...], ...]: ...
    def replaced(self) -> int: ...
    def __getitem__(self, number: int, /) -> tuple[tuple[int | slice, ...], tuple[slice, ...], int, int, int]: ...

@disjoint_base
class NativeGroup:
    """The base class of `zarr_py.Group`.

    Each call waits, or returns an awaitable if `awaitable` is true.
    """

    def __new__(cls, opened: Any = None) -> Self: ...
    @property
    def path(self) -> str:
        """The path in the store, without a leading slash."""

    @property
    def location(self) -> str:
        """The location of the store, without secrets."""

    @property
    def read_only(self) -> bool:
        """Whether the store was opened read-only."""

    @property
    def is_consolidated(self) -> bool:
        """Whether nodes below are opened from consolidated metadata in the group's document."""

    @property
    def _origin(self) -> Source: ...
    @property
    def _store(self) -> NativeStore: ...
    def metadata_text(self) -> str:
        """Returns the metadata document."""

    def requests(self) -> dict[str, int]:
        """Returns the requests and bytes of the store so far in this process, by kind."""

    def _zarr_2(self) -> str | None: ...
    def _node(self, path: str, kind: str, *, awaitable: bool = False) -> Any: ...
    def _children(self, *, awaitable: bool = False) -> Any: ...
    def _walk(self, *, awaitable: bool = False) -> Any: ...
    def _members(self, *, awaitable: bool = False) -> Any: ...
    def _renew_copies(self, path: str, *, awaitable: bool = False) -> Any: ...
    def _consolidate(self, *, awaitable: bool = False) -> Any: ...
    def _check_consolidated(self, *, awaitable: bool = False) -> Any: ...
    def _refresh(self, *, awaitable: bool = False) -> Any: ...
    def _delete(self, path: str, *, awaitable: bool = False) -> Any: ...
    def _create_array(self, path: str, array: NewArray, overwrite: bool, *, awaitable: bool = False) -> Any: ...
    def _create_group(self, path: str, attributes: str, overwrite: bool, *, awaitable: bool = False) -> Any: ...
    def _change_attributes(
        self, changes: str, removed: Sequence[str], replace: bool, *, awaitable: bool = False
    ) -> Any: ...

def set_threads(count: int) -> None:
    """Sets the number of computing threads; 0 means one per core."""

def threads() -> int:
    """Returns the number of computing threads."""

def set_bytes_in_flight(size: int) -> None:
    """Sets the maximum of encoded bytes that wait for decoding.

    Applies to each store opened from now on.
    """

def bytes_in_flight() -> int:
    """Returns the maximum of encoded bytes that wait for decoding."""

def zarrctl(args: list[str]) -> int: ...
def is_path(url: str) -> bool:
    """Whether this is a local path, rather than a URL or a malformed URL."""

def open_node(place: Place, path: str, kind: str, *, use_consolidated: bool | None = None, awaitable: bool = False) -> Any:
    """Opens the node at a path: an `"array"`, a `"group"`, or a `"node"` of either kind."""

def bind_node(place: Place, kind: str, path: str, metadata: str) -> Any:
    """Returns the node of this kind from its metadata document, without a read.

    An error in the document raises when the node is used.
    """

def create_array(place: Place, path: str, array: NewArray, overwrite: bool, *, awaitable: bool = False) -> Any:
    """Creates an array."""

def create_group(place: Place, path: str, attributes: str, overwrite: bool, *, awaitable: bool = False) -> Any:
    """Creates a group."""

def copy_node(source: Place, path: str, target: Place, target_path: str, overwrite: bool) -> Batches: ...
def overlap(place: Place, path: str, other: Place, other_path: str) -> bool:
    """Whether one of two paths lies in the other, by whatever names their stores were opened."""

def create_like(place: Place, path: str, metadata: str) -> Any:
    """Creates a node from a metadata document read elsewhere.

    The node has the format of the nearest group above.
    """

def check_zarr_2(path: str, metadata: str) -> None:
    """Raises an error for metadata that Zarr v2 cannot express."""
