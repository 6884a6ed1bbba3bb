"""`zarr_py.use`: zarr-python with our pipeline, and with codecs that it lacks."""

from typing import Any

__all__ = ["use"]


def use(**options: Any) -> Any:
    """Switches zarr-python to `zarr_py.CodecPipeline`, and gives it the codecs that it has none of the name of.

    As a context manager, until its end. `options` are further ones of `zarr.config`, by their names with `__` for a dot:
    `async__concurrency=32`. Raises `ModuleNotFoundError` where zarr-python is not installed.
    """
    from zarr_py import CodecPipeline  # which says what to install

    import zarr
    from zarr_py._zarr_codecs import register

    register()
    path = f"{CodecPipeline.__module__}.{CodecPipeline.__qualname__}"
    return zarr.config.set({"codec_pipeline.path": path, **{name.replace("__", "."): value for name, value in options.items()}})
