"""Foreign stores that several tests use."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore, LoggingStore, MemoryStore, WrapperStore

A = np.arange(600, dtype="i4").reshape(20, 30)


SHARDED: dict[str, Any] = {"chunks": (5, 5), "shards": (10, 15)}


INDEX_SIZE = 6 * 16 + 4


class Recording(WrapperStore[Store]):
    """A store that records its calls."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls: list[tuple[str, str, Any]] = []

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        self.calls.append(("get", key, byte_range))
        return await super().get(key, prototype, byte_range)

    async def set(self, key: str, value: Any) -> None:
        self.calls.append(("set", key, None))
        await super().set(key, value)

    async def get_ranges(self, key: str, byte_ranges: Any, **options: Any) -> Any:
        self.calls.append(("get_ranges", key, tuple(byte_ranges)))
        async for group in super().get_ranges(key, byte_ranges, **options):
            yield group

    async def delete(self, key: str) -> None:
        self.calls.append(("delete", key, None))
        await super().delete(key)

    def taken(self) -> list[tuple[str, str, Any]]:
        """Returns the calls since the last time, in key order."""
        calls, self.calls = self.calls, []
        return sorted(calls, key=str)


class ItsOwnError(Exception):
    """An error class that only the store knows."""


class Failing(WrapperStore[Store]):
    """A store that fails on selected calls."""

    error: BaseException | None = None
    fails: Callable[[str, Any], bool] = staticmethod(lambda method, byte_range: False)
    failed = 0

    def _check(self, method: str, byte_range: Any = None) -> None:
        if self.error is not None and self.fails(method, byte_range):
            type(self).failed += 1
            raise self.error

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        self._check("get", byte_range)
        return await super().get(key, prototype, byte_range)

    async def set(self, key: str, value: Any) -> None:
        self._check("set")
        await super().set(key, value)

    async def delete(self, key: str) -> None:
        self._check("delete")
        await super().delete(key)


def fsspec_memory(_: Path) -> Store:
    return FsspecStore.from_url(f"memory://{uuid.uuid4()}")


def fsspec_local(folder: Path) -> Store:
    return FsspecStore.from_url(f"file://{folder}/array", storage_options={"auto_mkdir": True})


STORES: dict[str, Callable[[Path], Store]] = {
    "fsspec memory": fsspec_memory,
    "fsspec local": fsspec_local,
    "wrapper": lambda folder: WrapperStore(LocalStore(folder)),
    "wrapper of ours": lambda folder: WrapperStore(zarr_py.Store(str(folder))),
    "logging": lambda _: LoggingStore(MemoryStore(), log_level="ERROR"),
    "recording": lambda _: Recording(MemoryStore()),
    "memory": lambda _: MemoryStore(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)
