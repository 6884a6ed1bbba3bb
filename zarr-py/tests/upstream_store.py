"""A pytest plugin for zarr-python's own tests: their local and memory stores become `zarr_py.Store`.

Loaded with `-p upstream_store`. Every name under which zarr has imported `LocalStore` or `MemoryStore` is bound to a class of ours
with the same constructor.
"""

import os
import pathlib
import sys
from typing import Any, Self

import zarr
import zarr.storage

import zarr_py


class LocalStore(zarr_py.Store):
    """Our store with the constructor of zarr's `LocalStore`."""

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
    """Our store with the constructor of zarr's `MemoryStore`, a memory of its own each."""

    def __init__(self, store_dict: Any = None, *, read_only: bool = False) -> None:
        super().__init__(f"memory://{id(self)}-{os.urandom(4).hex()}", read_only=read_only)
        for key, value in (store_dict or {}).items():
            zarr.core.sync.sync(self.set(key, value))

    def with_read_only(self, read_only: bool = False) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(zarr_py.Store.with_read_only(self, read_only).__dict__)
        return copy


def _swap() -> None:
    for old, new in [(zarr.storage.LocalStore, LocalStore), (zarr.storage.MemoryStore, MemoryStore)]:
        for name, module in list(sys.modules.items()):
            if module is not None and (name == "zarr" or name.startswith("zarr.")):
                for attribute, value in list(vars(module).items()):
                    if value is old:
                        setattr(module, attribute, new)


_swap()
