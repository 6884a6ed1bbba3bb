"""Web servers with unusual answers."""

import gzip
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from zarr.core.buffer import default_buffer_prototype

PROTOTYPE = default_buffer_prototype()
KEYS = {"access_key_id": "AKIDHIDDEN", "secret_access_key": "HUSHHUSH", "token": "HUSHTOKEN"}
FEW = {"max_retries": 0, "retry_timeout": 5}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Callable[["Handler", bytes | None], None]
    root: Path
    seen: list[dict[str, str]]

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        path = self.root / self.path.split("?")[0].lstrip("/")
        type(self).answer(self, path.read_bytes() if path.is_file() else None)

    do_HEAD = do_GET

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def plain(handler: Handler, body: bytes | None) -> None:
    handler.send(404 if body is None else 200, body or b"")


def encoded(handler: Handler, body: bytes | None) -> None:
    if body is None:
        return handler.send(404, b"")
    handler.send(200, gzip.compress(body), Content_Encoding="gzip")


def of_unknown_size(handler: Handler, body: bytes | None) -> None:
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.headers.get("Range") or "")
    if body is None or wanted is None or handler.command == "HEAD":
        return plain(handler, body)
    low = int(wanted[1]) if wanted[1] else max(0, len(body) - int(wanted[2]))
    high = min(len(body), int(wanted[2]) + 1) if wanted[1] and wanted[2] else len(body)
    handler.send(206, body[low:high], Content_Range=f"bytes {low}-{high - 1}/*")


def refused(handler: Handler, _: bytes | None) -> None:
    handler.send(403, b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., tuple[str, type[Handler]]]]:
    """Returns a function that serves `tmp_path` with a given kind of response."""
    servers = []

    def start(answer: Callable[[Handler, bytes | None], None]) -> tuple[str, type[Handler]]:
        kind = type("Serving", (Handler,), {"answer": staticmethod(answer), "root": tmp_path, "seen": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", kind

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
