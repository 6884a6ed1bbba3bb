"""A pytest plugin for zarr-python's own tests: replaces the memory store by an fsspec memory store,
or by one behind a `WrapperStore`.

Loaded with `-p upstream_foreign`; the environment variable `UPSTREAM_FOREIGN` selects `fsspec` or
`wrapper`. Every import of `MemoryStore` in zarr is rebound to a class with a matching constructor.
"""

import os
import sys
import uuid
from collections.abc import Iterator, MutableMapping
from typing import Any, Self

import zarr
import zarr.storage
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.memory import MemoryFileSystem
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import FsspecStore, WrapperStore

Original = zarr.storage.MemoryStore


class WrappedStore(WrapperStore[Original]):
    """zarr-python's `MemoryStore` behind a wrapper."""

    def __init__(self, store_dict: Any = None, *, read_only: bool = False) -> None:
        inner = store_dict if isinstance(store_dict, Original) else Original(store_dict, read_only=read_only)
        super().__init__(inner)

    @classmethod
    async def open(cls, *arguments: Any, **options: Any) -> Self:  # type: ignore[override]
        store = cls(*arguments, **options)
        await store._open()
        return store

    @property
    def _store_dict(self) -> Any:
        return self._store._store_dict


class FsspecMemoryStore(FsspecStore):
    """A `FsspecStore` with the constructor of zarr-python's `MemoryStore`; each instance has its
    own memory.
    """

    def __init__(self, store_dict: Any = None, *, read_only: bool = False, fs: Any = None, path: str = "") -> None:
        shared = isinstance(store_dict, Contents)
        path = path or (store_dict.path if shared else f"/{uuid.uuid4().hex}")
        fs = fs or AsyncFileSystemWrapper(MemoryFileSystem(), asynchronous=True)
        super().__init__(fs, read_only=read_only, path=path)
        self._store_dict = store_dict if shared else Contents(path)
        if not shared:
            self._store_dict.update(store_dict or {})

    def with_read_only(self, read_only: bool = False) -> Self:
        return type(self)(self._store_dict, read_only=read_only)


class Contents(MutableMapping[str, Buffer]):
    """The contents of an fsspec memory store, as the dictionary of zarr-python's `MemoryStore`."""

    def __init__(self, path: str) -> None:
        self.path, self._fs = path, MemoryFileSystem()

    def __getitem__(self, key: str) -> Buffer:
        try:
            return default_buffer_prototype().buffer.from_bytes(self._fs.cat_file(f"{self.path}/{key}"))
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._fs.pipe_file(f"{self.path}/{key}", value.to_bytes())

    def __delitem__(self, key: str) -> None:
        self[key]
        self._fs.rm_file(f"{self.path}/{key}")

    def __iter__(self) -> Iterator[str]:
        return iter([name.removeprefix(f"{self.path}/") for name in self._fs.find(self.path)])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _swap(new: type) -> None:
    for name, module in list(sys.modules.items()):
        if module is not None and (name == "zarr" or name.startswith("zarr.")):
            for attribute, value in list(vars(module).items()):
                if value is Original:
                    setattr(module, attribute, new)


_swap({"fsspec": FsspecMemoryStore, "wrapper": WrappedStore}[os.environ["UPSTREAM_FOREIGN"]])
