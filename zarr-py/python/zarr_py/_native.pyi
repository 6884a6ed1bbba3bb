"""The native half of `zarr_py`."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

from zarr.abc.codec import GetResult

__version__: str

class Buffer:
    """Bytes that Rust owns, for anything that takes the buffer protocol. Read-only."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

class Batches:
    """Many answers, batch by batch as they come."""

    def next(self) -> Any:
        """The next batch, or an awaitable of it; `None` at the end."""

    def close(self) -> None:
        """Ends the requests that are under way."""

class NativeStore:
    """The native half of `zarr_py.Store`. What is not said to be awaitable waits without the interpreter."""

    def __new__(
        cls,
        url: str,
        options: Sequence[tuple[str, str]] = ...,
        *,
        credential_provider: Any = None,
        max_concurrency: int | None = None,
        cache_bytes: int = 0,
    ) -> NativeStore: ...
    @staticmethod
    def called(
        calls: Any,
        name: str,
        *,
        missing_on_forbidden: bool = False,
        single_writer: bool = False,
        max_concurrency: int | None = None,
        cache_bytes: int = 0,
    ) -> NativeStore: ...
    @staticmethod
    def memory(name: str | None = None, prefix: str = "", *, cache_bytes: int = 0) -> NativeStore: ...
    @staticmethod
    def memory_again(name: str, identity: int, prefix: str = "", *, cache_bytes: int = 0) -> NativeStore: ...
    @property
    def location(self) -> str: ...
    @property
    def is_remote(self) -> bool: ...
    @property
    def memory_name(self) -> tuple[str, int] | None: ...
    def requests(self) -> dict[str, int]: ...
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
    def size(self, key: str) -> Awaitable[int | None]: ...
    def size_sync(self, key: str) -> int | None: ...
    def size_prefix(self, prefix: str) -> Awaitable[int]: ...
    def is_empty(self, prefix: str) -> Awaitable[bool]: ...
    def list_keys(self, prefix: str) -> Batches: ...
    def list_names(self, prefix: str) -> Awaitable[list[str]]: ...

class NativePipeline:
    """An array's metadata, bound to the store that the array is in. Batches and axes are those of
    `zarr.abc.codec.CodecPipeline`; what is not understood is `None`."""

    def __new__(cls, store: NativeStore, document: bytes, zarr_format: int) -> NativePipeline: ...
    @property
    def item_size(self) -> int | None: ...
    @property
    def variable_kind(self) -> str | None: ...
    def read(
        self, batch: list[Any], out: Any, drop_axes: tuple[int, ...]
    ) -> tuple[GetResult, ...] | Awaitable[tuple[GetResult, ...]] | None: ...
    def read_variable(
        self, batch: list[Any], shape: tuple[int, ...], drop_axes: tuple[int, ...]
    ) -> (
        tuple[list[Any], tuple[GetResult, ...]]
        | Awaitable[tuple[list[Any], tuple[GetResult, ...]]]
        | None
    ): ...
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
    ) -> str | None: ...
