"""Real servers for tests, started by `tests/python/servers.py`. With `ZARR_SERVERS=1` a missing
server is a failure; with `ZARR_SERVERS=available` tests skip servers that cannot be installed;
without the variable all tests on servers skip.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@functools.cache
def _running() -> dict[str, dict[str, Any]]:
    """Yields every server by name, until this process exits."""
    folder = Path(os.environ.get("ZARR_SERVERS_FOLDER", ROOT / "target/servers"))
    command = [sys.executable, ROOT / "tests/python/servers.py", folder, "seaweedfs", "moto"]
    script = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    globals()["_script"] = script
    assert script.stdout is not None
    return {server["name"]: server for server in json.loads(script.stdout.readline())["servers"]}


@pytest.fixture
def servers() -> Callable[[str], dict[str, Any]]:
    """Returns a function from the name of a server to its `url` and `options`."""

    def server(name: str) -> dict[str, Any]:
        wanted = os.environ.get("ZARR_SERVERS")
        if not wanted:
            pytest.skip("set ZARR_SERVERS=1 to install and run the test servers")
        found = _running()[name]
        if "error" in found and wanted == "available":
            pytest.skip(f"{name}: {found['error']}")
        assert "error" not in found, found["error"]
        return found

    return server
