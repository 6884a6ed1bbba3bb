"""`zarr_py.CodecPipeline`: reads and writes chunks for zarr-python, by one call per selection.

An array with a codec or store that the engine does not support is left to zarr-python's own
pipeline. `zarr_py.explain` tells which arrays run in the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from zarr.abc import codec as abc
from zarr.core.codec_pipeline import BatchedCodecPipeline

from zarr_py._pipeline_bind import Binding, bind, zarrs_own
from zarr_py._explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zarr.abc.codec import Codec, GetResult
    from zarr.abc.store import Store
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer
    from zarr.core.dtype import TBaseDType, TBaseScalar, ZDType
    from zarr.core.metadata import ArrayMetadata
    from zarr.core.metadata.v3 import ChunkGridMetadata

    from zarr_py._pipeline_bind import Batch, BatchItem

__all__ = ["CodecPipeline", "explain"]


class CodecPipeline(abc.CodecPipeline):
    """A codec pipeline for zarr-python that reads and writes through the engine.

    Switched on by `zarr.config.set({"codec_pipeline.path": "zarr_py.CodecPipeline"})`.
    """

    __slots__ = ("_binding", "_metadata", "_own", "_reason", "_store")

    _own: BatchedCodecPipeline
    """zarr-python's own pipeline of the same codecs."""
    _binding: Binding | None
    """The array bound to the engine; `None` if the engine does not support it."""
    _reason: str
    """The reason why the array is not bound to the engine; empty if it is."""
    _metadata: ArrayMetadata | None
    _store: Store | None

    def __init__(
        self,
        own: BatchedCodecPipeline,
        metadata: ArrayMetadata | None = None,
        store: Store | None = None,
    ) -> None:
        self._own = own
        self._metadata = metadata
        self._store = store
        self._binding = None
        self._reason = "made of codecs only, like the pipelines inside shards"
        if metadata is not None and store is not None:
            bound = bind(metadata, store)
            if isinstance(bound, Binding):
                self._binding, self._reason = bound, ""
            else:
                self._reason = bound

    @classmethod
    def from_codecs(cls, codecs: Iterable[Codec]) -> Self:
        return cls(BatchedCodecPipeline.from_codecs(codecs))

    @classmethod
    def from_array_metadata_and_store(cls, array_metadata: ArrayMetadata, store: Store) -> Self:
        return cls(zarrs_own(array_metadata), array_metadata, store)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        own = self._own.evolve_from_array_spec(array_spec)
        return type(self)(own, self._metadata, self._store)

    @property
    def supports_partial_decode(self) -> bool:
        return self._own.supports_partial_decode

    @property
    def supports_partial_encode(self) -> bool:
        return self._own.supports_partial_encode

    def __iter__(self) -> Iterator[Codec]:
        return iter(self._own)

    def validate(
        self,
        *,
        shape: tuple[int, ...],
        dtype: ZDType[TBaseDType, TBaseScalar],
        chunk_grid: ChunkGridMetadata,
    ) -> None:
        self._own.validate(shape=shape, dtype=dtype, chunk_grid=chunk_grid)

    def compute_encoded_size(self, byte_length: int, array_spec: ArraySpec) -> int:
        return self._own.compute_encoded_size(byte_length, array_spec)

    async def decode(
        self, chunk_bytes_and_specs: Iterable[tuple[Buffer | None, ArraySpec]]
    ) -> Iterable[NDBuffer | None]:
        return await self._own.decode(chunk_bytes_and_specs)

    async def encode(
        self, chunk_arrays_and_specs: Iterable[tuple[NDBuffer | None, ArraySpec]]
    ) -> Iterable[Buffer | None]:
        return await self._own.encode(chunk_arrays_and_specs)

    async def read(
        self,
        batch_info: Iterable[BatchItem],
        out: NDBuffer,
        drop_axes: tuple[int, ...] = (),
    ) -> tuple[GetResult, ...]:
        batch: Batch = list(batch_info)
        if not batch:
            return ()
        if self._binding is not None:
            results = self._binding.read(batch, out, drop_axes)
            if results is not None:
                return results if isinstance(results, tuple) else await results
        return await self._own.read(batch, out, drop_axes)

    async def write(
        self,
        batch_info: Iterable[BatchItem],
        value: NDBuffer,
        drop_axes: tuple[int, ...] = (),
    ) -> None:
        batch: Batch = list(batch_info)
        if not batch:
            return None
        if self._binding is not None:
            written = self._binding.write(batch, value, drop_axes)
            if written is not None:
                return await written
        return await self._own.write(batch, value, drop_axes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CodecPipeline) and self._own == other._own

    def __hash__(self) -> int:
        return hash(self._own)

    def __repr__(self) -> str:
        where = "in the engine" if self._binding is not None else f"in zarr-python: {self._reason}"
        return f"<zarr_py.CodecPipeline {where}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._own, self._metadata, self._store)


CodecPipeline.__module__ = "zarr_py"
