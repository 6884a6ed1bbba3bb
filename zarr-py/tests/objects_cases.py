"""Stores and servers that several tests of `zarr_py.objects` use."""

import http.server
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zarr_py

KEYS = {"access_key_id": "me", "secret_access_key": "hidden", "region": "eu-west-1"}
BYTES = bytes(range(256)) * 40


@pytest.fixture
def store(location: Any) -> zarr_py.Objects:
    return zarr_py.objects(location.url, **location.options)


@pytest.fixture
def memory() -> zarr_py.Objects:
    return zarr_py.objects(f"memory://{uuid.uuid4()}")


@pytest.fixture
def bare_server(tmp_path: Path) -> Iterator[str]:
    """A web server without entity tags and ranges that accepts PUT."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_PUT(self) -> None:
            value = self.rfile.read(int(self.headers["Content-Length"]))
            Path(self.translate_path(self.path)).write_bytes(value)
            self.answer(201)

        def do_DELETE(self) -> None:
            Path(self.translate_path(self.path)).unlink()
            self.answer(204)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
