"""The native half of `zarr_py`."""

from collections.abc import Awaitable
from typing import Any

from zarr.abc.codec import GetResult

__version__: str

class NativeStore:
    def __new__(cls, url: str, options: list[tuple[str, str]] = ...) -> NativeStore: ...
    @property
    def location(self) -> str: ...

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
