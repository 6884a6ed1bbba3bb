"""A pytest plugin for zarr-python's own tests: replaces the local and memory stores by
`zarr_py.Store`.

Loaded with `-p upstream_store`. Every import of `LocalStore` or `MemoryStore` in zarr is rebound to
a class of ours with a matching constructor.
"""

import asyncio
import os
import pathlib
import sys
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import zarr
import zarr.storage
from zarr.core.buffer import Buffer

import zarr_py
import zarr_py._pipeline_bind

# `set` below has another signature but the same effect.
zarr_py._pipeline_bind.BYTES = ("get", "delete", "get_ranges")


class LocalStore(zarr_py.Store):
    """Our store with the constructor of zarr-python's `LocalStore`."""

    def __init__(self, root: pathlib.Path | str, *, read_only: bool = False) -> None:
        if not isinstance(root, (str, pathlib.Path)):
            raise TypeError(f"'root' must be a string or Path instance. Got an instance of {type(root)} instead.")
        super().__init__(os.fspath(root), read_only=read_only)
        self.root = pathlib.Path(root)

    def with_read_only(self, read_only: bool = False) -> Self:
        return type(self)(self.root, read_only=read_only)

    @classmethod
    async def open(cls, root: pathlib.Path | str, *, read_only: bool = False, mode: str | None = None) -> Self:
        if mode is not None:
            read_only = mode == "r"
        store = cls(root, read_only=read_only)
        await store._open()
        return store


class MemoryStore(zarr_py.Store):
    """Our store with the constructor of zarr-python's `MemoryStore`; each instance has its own
    memory.
    """

    def __init__(self, store_dict: Any = None, *, read_only: bool = False) -> None:
        shared = isinstance(store_dict, Contents)
        name = store_dict.store.url if shared else f"memory://{os.urandom(8).hex()}"
        super().__init__(name, read_only=read_only)
        self._store_dict = store_dict if shared else Contents(zarr_py.Store(name))
        if not shared:
            self._store_dict.update(store_dict or {})

    def with_read_only(self, read_only: bool = False) -> Self:
        return type(self)(self._store_dict, read_only=read_only)

    async def set(self, key: str, value: Buffer, byte_range: Any = None) -> None:
        await super().set(key, value)


class Contents(MutableMapping[str, Buffer]):
    """The contents of a store, as the dictionary of zarr-python's `MemoryStore`."""

    def __init__(self, store: zarr_py.Store) -> None:
        self.store = store

    def __getitem__(self, key: str) -> Buffer:
        value = self.store.get_sync(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: Buffer) -> None:
        self.store.set_sync(key, value)

    def __delitem__(self, key: str) -> None:
        self[key]
        self.store.delete_sync(key)

    def __iter__(self) -> Iterator[str]:
        async def keys() -> list[str]:
            return [key async for key in self.store.list()]

        # Lists on a loop in another thread, because this thread may already run a loop.
        with ThreadPoolExecutor(1) as pool:
            return iter(pool.submit(asyncio.run, keys()).result())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.store.get_sync(key) is not None


def _swap() -> None:
    for old, new in [(zarr.storage.LocalStore, LocalStore), (zarr.storage.MemoryStore, MemoryStore)]:
        for name, module in list(sys.modules.items()):
            if module is not None and (name == "zarr" or name.startswith("zarr.")):
                for attribute, value in list(vars(module).items()):
                    if value is old:
                        setattr(module, attribute, new)


_swap()
