"""Stores and servers that several tests of `zarr_py.Store` use."""

import threading
from pathlib import Path
from typing import Any

import obstore
import pytest
import zarr_py
from zarr.core.buffer import cpu, default_buffer_prototype

PROTOTYPE = default_buffer_prototype()
DATA = bytes(range(256)) * 64


def buffer(data: bytes) -> cpu.Buffer:
    return cpu.Buffer.from_bytes(data)


@pytest.fixture(params=["memory", "local", "called"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> zarr_py.Store:
    if request.param == "memory":
        return zarr_py.Store.memory()
    if request.param == "local":
        return zarr_py.Store(tmp_path / "store")
    return zarr_py.Store(obstore.store.MemoryStore())


async def listed(names: Any) -> list[str]:
    return sorted([name async for name in names])


# Options.


@pytest.fixture
def closed_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Silent:
    """A server that accepts requests and never responds, or responds with `answer(head)`."""

    def __init__(self, answer: Any = None) -> None:
        import socket

        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heads: list[str] = []
        self.answer = answer
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        kept = []
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            kept.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: Any) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            if not more:
                return
            data += more
        self.heads.append(data.decode())
        if self.answer is not None:
            connection.sendall(self.answer(data.decode()))
            connection.close()
