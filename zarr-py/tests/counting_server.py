"""A web server for a directory that counts requests and delays each response, for tests and
benchmarks.

`with serve(folder, latency=0.1) as server:` yields a server with `server.url` and
`server.requests`, a list of (method, path, range header or None).
"""

import asyncio
import contextlib
import email.utils
import hashlib
import pathlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass
class Server:
    """A running server."""

    root: pathlib.Path
    latency: float
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""

    def take(self) -> list[tuple[str, str, str | None]]:
        """Returns the requests since the last call."""
        taken = self.requests[:]
        del self.requests[: len(taken)]
        return taken

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, _ = head.split("\r\n", 1)[0].split(" ", 2)
                lines = [line.split(":", 1) for line in head.split("\r\n")[1:] if ":" in line]
                headers = {name.strip().lower(): value.strip() for name, value in lines}
                self.requests.append((method, target, headers.get("range")))
                await asyncio.sleep(self.latency)
                writer.write(self.answer(method, target, headers))
                await writer.drain()
        writer.close()

    def answer(self, method: str, target: str, headers: dict[str, str]) -> bytes:
        """One response, head and body."""
        path = self.root / unquote(target.split("?")[0]).lstrip("/")
        if method not in ("GET", "HEAD"):
            return reply("405 Method Not Allowed", {}, b"")
        if not path.is_file():
            return reply("404 Not Found", {}, b"")
        body = path.read_bytes()
        tag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        about = {
            "ETag": tag,
            "Last-Modified": email.utils.formatdate(path.stat().st_mtime, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        if headers.get("if-match", tag) != tag:
            return reply("412 Precondition Failed", {}, b"")
        asked = headers.get("range")
        if asked is None:
            return reply("200 OK", about, body, method == "HEAD")
        first, last = asked.removeprefix("bytes=").split("-")
        size = len(body)
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last) + 1, size) if first and last else size
        if start >= size:
            return reply("416 Range Not Satisfiable", {"Content-Range": f"bytes */{size}"}, b"")
        about["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return reply("206 Partial Content", about, body[start:end], method == "HEAD")


def reply(status: str, headers: dict[str, str], body: bytes, head_only: bool = False) -> bytes:
    """Encodes a response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if head_only else body)


@contextlib.contextmanager
def serve(root: str | pathlib.Path, latency: float = 0.0) -> Iterator[Server]:
    """Serves a directory on a free loopback port from a new thread; each response takes `latency`
    seconds.
    """
    server = Server(pathlib.Path(root), latency)
    event_loop = asyncio.new_event_loop()
    listening = event_loop.run_until_complete(asyncio.start_server(server.converse, "127.0.0.1", 0))
    server.url = "http://127.0.0.1:%d" % listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=event_loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        event_loop.call_soon_threadsafe(event_loop.stop)
        thread.join()
        listening.close()
        for task in asyncio.all_tasks(event_loop):
            task.cancel()
        event_loop.run_until_complete(asyncio.sleep(0.01))
        event_loop.close()
