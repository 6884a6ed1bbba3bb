"""`zarr_py.use`: zarr-python with the codec pipeline and the additional codecs of this package."""

import sys
from typing import Any

__all__ = ["use"]


def use(*, client: Any = None, **options: Any) -> Any:
    """Switches zarr-python to `zarr_py.CodecPipeline`, and registers codecs that zarr-python lacks.

    The switch also applies to the workers of a client of `dask.distributed`, including workers that
    start later: those of `client`, or by default of the current client of this process.

    As a context manager, restores the previous configuration at the end. `options` are further
    settings of `zarr.config`, with `__` for a dot in a name: `async__concurrency=32`. Raises
    `ModuleNotFoundError` if zarr-python is not installed.
    """
    used = Used(options)
    used.client = _current_client() if client is None else client
    if used.client is not None:
        from zarr_py._worker_plugin import PipelinePlugin

        used.client.register_plugin(PipelinePlugin(options))
    return used


class Used:
    """The configuration that `use` made, which ends with a `with` block."""

    client: Any = None

    def __init__(self, options: dict[str, Any]) -> None:
        from zarr_py import CodecPipeline  # which says what to install

        import zarr
        from zarr_py._zarr_codecs import register

        register()
        path = f"{CodecPipeline.__module__}.{CodecPipeline.__qualname__}"
        named = {name.replace("__", "."): value for name, value in options.items()}
        self._set = zarr.config.set({"codec_pipeline.path": path, **named})

    def __enter__(self) -> Any:
        return self._set.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._set.__exit__(*error)
        if self.client is not None and self.client.status == "running":
            self.client.unregister_worker_plugin("zarr_py")


def _current_client() -> Any:
    """Returns the current client of `dask.distributed`; `None` if this process has none."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None
