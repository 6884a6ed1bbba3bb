"""A server that several tests of places use."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py

AWAY = {"endpoint": "http://127.0.0.1:9", "region": "r", "retry_config": {"max_retries": 0}, "skip_signature": True}


class Server(http.server.ThreadingHTTPServer):
    """A directory served over HTTP, with a count of connections."""

    daemon_threads = True
    connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    zarr_py.create_array(tmp_path, "g/x", shape=(8,), chunks=(2,), dtype="i4")[...] = np.arange(8)

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def setup(self) -> None:
            made.connections += 1
            super().setup()

        def log_message(self, *_: Any) -> None:
            pass

    made = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()
