"""The plugin by which workers of `dask.distributed` use `zarr_py.CodecPipeline`."""

from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

from zarr_py._use import Used

__all__ = ["PipelinePlugin"]


class PipelinePlugin(WorkerPlugin):
    """Applies `zarr_py.use` in each worker, and undoes it when the plugin is removed."""

    name = "zarr_py"

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._used: Used | None = None

    def setup(self, worker: Any) -> None:
        """Switches zarr-python in a worker to the pipeline."""
        self._used = Used(self._options)

    def teardown(self, worker: Any) -> None:
        """Restores the configuration of zarr-python."""
        if self._used is not None:
            self._used.__exit__(None, None, None)
