"""Where the tests store: memory, local files, and, with ZARR_SERVERS set, real servers."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "tests" / "python" / "servers.py"
TARGET = pathlib.Path(__file__).parents[2] / "target" / "servers"
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


@pytest.fixture(scope="session")
def servers():
    """The servers that run, by name; without ZARR_SERVERS none."""
    if "ZARR_SERVERS" not in os.environ:
        yield {}
        return
    command = [sys.executable, str(SCRIPT), str(TARGET), *SERVERS]
    script = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        found = json.loads(script.stdout.readline())["servers"]
        yield {server["name"]: server for server in found}
    finally:
        script.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            script.wait(20)


def location_of(name, servers, folder):
    """An empty place in a kind of store."""
    if name == "memory":
        return Location(name, f"memory://{uuid.uuid4()}")
    if name == "local":
        return Location(name, str(folder / "store"))
    server = servers.get(name)
    if server is None:
        pytest.skip(f"{name}: set ZARR_SERVERS=1 to install and run the test servers")
    if "error" in server:
        message = f"{name} cannot be started: {server['error']}"
        pytest.fail(message) if os.environ["ZARR_SERVERS"] == "1" else pytest.skip(message)
    return Location(name, f"{server['url'].rstrip('/')}/{uuid.uuid4()}", dict(server["options"]))


@pytest.fixture(params=["memory", "local", *SERVERS])
def location(request, servers, tmp_path):
    """An empty place in each kind of store."""
    return location_of(request.param, servers, tmp_path)
