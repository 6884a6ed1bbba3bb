"""Where the tests store: memory, local files, and, with ZARR_SERVERS set, real servers."""

import signal
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from real_servers import servers  # noqa: F401  a fixture

# The same examples each time: a run says whether the code has changed for the worse. More of them: `settings` in each test.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A job in the background (`nohup ... &`, cron) ignores Ctrl-C from the start, and so would each child of these tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVERS = ["seaweedfs", "moto"]


@dataclass
class Location:
    """A place that is empty at first, and how to open it."""

    name: str
    url: str
    options: dict[str, str] = field(default_factory=dict)

    def open(self, **arguments: Any):
        """A `zarr_py.Store` there."""
        import zarr_py

        return zarr_py.Store(self.url, **self.options, **arguments)


def location_of(name, servers, folder):
    """An empty place in a kind of store."""
    if name == "memory":
        return Location(name, f"memory://{uuid.uuid4()}")
    if name == "local":
        return Location(name, str(folder / "store"))
    server = servers(name)
    return Location(name, f"{server['url'].rstrip('/')}/{uuid.uuid4()}", dict(server["options"]))


@pytest.fixture(params=["memory", "local", *SERVERS])
def location(request, servers, tmp_path):  # noqa: F811
    """An empty place in each kind of store."""
    return location_of(request.param, servers, tmp_path)
