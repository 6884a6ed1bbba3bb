"""A proxy before an HTTP server that counts requests, also those of processes that are killed, and
delays each response.

`with proxied("http://127.0.0.1:8333", latency=0.02) as proxy:` yields a proxy with `proxy.url` and
`proxy.requests`, a list of (method, path without query).
"""

import asyncio
import contextlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HEAD = re.compile(rb"^(GET|HEAD|PUT|POST|DELETE) ([^ ?]*)[^ ]* HTTP/1\.1\r\n(.*?)\r\n\r\n", re.DOTALL)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Proxy:
    """A running proxy."""

    port: int
    latency: float
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def count(self, method: str, within: str = "") -> Counter[str]:
        """Returns the number of requests of a method, by path."""
        return Counter(path for found, path in self.requests if found == method and within in path)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            above, below = await asyncio.open_connection("127.0.0.1", self.port)
            answers = asyncio.create_task(self.answer(above, writer))
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    found = _HEAD.match(head)
                    assert found is not None, head
                    length = _LENGTH.search(b"\r\n" + found[3])
                    below.write(head)
                    left = int(length[1]) if length else 0
                    while left:
                        data = await reader.read(min(left, 1 << 16))
                        if not data:
                            return
                        left -= len(data)
                        below.write(data)
                        await below.drain()
                    # A request counts once the server has all of it.
                    self.requests.append((found[1].decode(), found[2].decode()))
            finally:
                below.close()
                answers.cancel()

    async def answer(self, above: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on responses, each piece as late as the latency says."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def write() -> None:
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(max(due - loop.time(), 0))
                writer.write(data)
                await writer.drain()

        with contextlib.suppress(ConnectionError):
            writing = asyncio.create_task(write())
            try:
                while data := await above.read(1 << 16):
                    pieces.put_nowait((loop.time() + self.latency, data))
                while not pieces.empty():
                    await asyncio.sleep(0.001)
            finally:
                writing.cancel()
                writer.close()


@contextlib.contextmanager
def proxied(endpoint: str, latency: float = 0.0) -> Iterator[Proxy]:
    """Runs a proxy in a thread."""
    proxy = Proxy(urlsplit(endpoint).port or 80, latency)
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(proxy.converse, "127.0.0.1", 0)
        proxy.url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    def run() -> None:
        # The end of `Runner` cancels the connections that are left.
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
