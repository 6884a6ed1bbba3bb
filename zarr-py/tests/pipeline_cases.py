"""Shared code of the pipeline tests: arrays that only the engine reads and writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zarr
import zarr.registry
import zarr_py
from zarr.core.codec_pipeline import BatchedCodecPipeline

# Registers the pipeline for runs without the package's entry point.
zarr.registry.register_pipeline(zarr_py.CodecPipeline)

OURS = {"codec_pipeline.path": "zarr_py.CodecPipeline"}
ZARRS = {"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}


class FellBackError(AssertionError):
    """Raised on a call of zarr-python's own pipeline."""


@contextmanager
def engine_only() -> Iterator[None]:
    """Fails on any read or write by zarr-python's own pipeline."""

    async def refuse(*_: Any) -> None:
        raise FellBackError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchedCodecPipeline, "read", refuse)
        patch.setattr(BatchedCodecPipeline, "write", refuse)
        yield


def opened(store: Any, pipeline: dict[str, str], **options: Any) -> zarr.Array[Any]:
    """Opens the array at the root of a store with a pipeline."""
    with zarr.config.set(pipeline):
        array = zarr.open_array(store, **options)
    if pipeline is OURS:
        explanation = zarr_py.explain(array)
        assert explanation.native, explanation.reason
    return array


def created(store: Any, **options: Any) -> zarr.Array[Any]:
    """Creates an array at the root of a store with our pipeline."""
    with zarr.config.set(OURS):
        array = zarr.create_array(store, overwrite=True, **options)
    explanation = zarr_py.explain(array)
    assert explanation.native, explanation.reason
    return array
