"""The stores of the tests: memory, local files, and, with ZARR_SERVERS set, real servers."""

import signal
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from real_servers import servers  # noqa: F401  a fixture

# Fixed examples: only a code change changes the result of a run. `settings` in each test sets the
# number of examples.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A background job (`nohup ... &`, cron) starts with Ctrl-C ignored, and the children of these
    # tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVERS = ["seaweedfs", "moto"]


@dataclass
class Location:
    """An initially empty location, and how to open it."""

    name: str
    url: str
    options: dict[str, str] = field(default_factory=dict)

    def open(self, **arguments: Any):
        """Opens a `zarr_py.Store` at the location."""
        import zarr_py

        return zarr_py.Store(self.url, **self.options, **arguments)


def location_of(name, servers, folder):
    """Returns an empty location in a kind of store."""
    if name == "memory":
        return Location(name, f"memory://{uuid.uuid4()}")
    if name == "local":
        return Location(name, str(folder / "store"))
    server = servers(name)
    return Location(name, f"{server['url'].rstrip('/')}/{uuid.uuid4()}", dict(server["options"]))


@pytest.fixture(params=["memory", "local", *SERVERS])
def location(request, servers, tmp_path):  # noqa: F811
    """Yields an empty location in each kind of store."""
    return location_of(request.param, servers, tmp_path)
