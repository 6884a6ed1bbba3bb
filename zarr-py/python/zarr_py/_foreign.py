"""Adapts foreign stores of zarr-python to the engine, for one call of a pipeline at a time.

Requests go through the store's own `get`, `set` and `delete`, on the event loop of the call. No
thread waits for a request, and engine threads need not enter the interpreter for each request.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest

from zarr_py._native import NativeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from zarr.abc.store import ByteRequest, Store
    from zarr.core.buffer import BufferPrototype

__all__ = ["Calls"]

type Meta = tuple[str, int, str | None, str | None]

_UNKNOWN = 2**64 - 1
"""Stands for the unknown size of an object that was read only in part."""


class Calls:
    """A foreign store, for one call of a pipeline."""

    def __init__(self, store: Store, prototype: BufferPrototype) -> None:
        self._store = store
        self._prototype = prototype
        self._event_loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_cancelled = False
        self._error: BaseException | None = None

    def native(self) -> NativeStore:
        """Returns a native store that makes these calls."""
        kind, most = type(self._store), zarr.config.get("async.concurrency")
        return NativeStore.on_event_loop(self, f"{kind.__module__}.{kind.__qualname__}", max_concurrency=most)

    async def finish[T](self, running: Awaitable[T]) -> T:
        """Awaits the result of the engine; raises an error of the store as the store raised it."""
        failed: BaseException
        try:
            return await running
        except asyncio.CancelledError:
            self._is_cancelled = True
            for task in tuple(self._tasks):
                task.cancel()
            raise
        except Exception as error:
            failed = self._error or error
        raise failed

    def wake(self, jobs: Callable[[], None]) -> None:
        """Schedules jobs that start calls on the event loop. Engine threads call this."""
        self._event_loop.call_soon_threadsafe(jobs)

    def start(self, method: str, arguments: tuple[Any, ...], done: Callable[[asyncio.Task[Any]], None]) -> None:
        """Starts a call, on the event loop."""
        if self._is_cancelled:
            raise asyncio.CancelledError
        call = getattr(self, method)(*arguments)
        task = asyncio.Task(self._run(call), loop=self._event_loop, context=self._context.copy(), eager_start=True)
        if task.done():
            done(task)
        else:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(done)

    async def _run[T](self, call: Awaitable[T]) -> T:
        try:
            return await call
        except (_AbsentError, asyncio.CancelledError):
            raise
        except BaseException as error:
            self._error = self._error or error
            # Hides the class of the error, by which the engine could mistake it for an absent
            # object.
            raise RuntimeError("the store failed") from None

    async def get(self, path: str, asked: dict[str, Any]) -> tuple[Any, int, int, Meta]:
        """Returns bytes, their start and end in the object, and the metadata of the object."""
        request = _request(asked)
        found = await self._store.get(path, self._prototype, request)
        if found is None:
            raise _AbsentError(path)
        start, size = _place(request, len(found))
        return found.as_buffer_like(), start, start + len(found), (path, size, None, None)

    async def put(self, path: str, value: bytes, mode: dict[str, Any]) -> tuple[None, None]:
        """Stores an object; `mode` is ignored."""
        await self._store.set(path, self._prototype.buffer.from_bytes(value))
        return None, None

    async def delete(self, path: str) -> None:
        """Deletes an object."""
        await self._store.delete(path)


class _AbsentError(FileNotFoundError):
    """The store has no such object."""


def _request(asked: dict[str, Any]) -> ByteRequest | None:
    if "range" in asked:
        return RangeByteRequest(*asked["range"])
    if "offset" in asked:
        return OffsetByteRequest(asked["offset"])
    return SuffixByteRequest(asked["suffix"]) if "suffix" in asked else None


def _place(request: ByteRequest | None, length: int) -> tuple[int, int]:
    """Returns the start of the bytes, and the object size as far as the answer tells it."""
    match request:
        case RangeByteRequest(start, end):
            return start, start + length if length < end - start else _UNKNOWN
        case OffsetByteRequest(start):
            return start, start + length
        case SuffixByteRequest(suffix):
            size = length if length < suffix else _UNKNOWN
            return size - length, size
    return 0, length
