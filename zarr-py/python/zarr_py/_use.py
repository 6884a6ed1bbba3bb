"""`zarr_py.use`: zarr-python with the codec pipeline and the additional codecs of this package."""

from typing import Any

__all__ = ["use"]


def use(**options: Any) -> Any:
    """Switches zarr-python to `zarr_py.CodecPipeline`, and registers codecs that zarr-python lacks.

    As a context manager, restores the previous configuration at the end. `options` are further
    settings of `zarr.config`, with `__` for a dot in a name: `async__concurrency=32`. Raises
    `ModuleNotFoundError` if zarr-python is not installed.
    """
    from zarr_py import CodecPipeline  # which says what to install

    import zarr
    from zarr_py._zarr_codecs import register

    register()
    path = f"{CodecPipeline.__module__}.{CodecPipeline.__qualname__}"
    return zarr.config.set({"codec_pipeline.path": path, **{name.replace("__", "."): value for name, value in options.items()}})
