"""The native store behind a store of zarr-python, where there is one."""

from functools import lru_cache
from os.path import abspath

from zarr.abc.store import Store
from zarr.storage import LocalStore

from zarr_py._native import NativeStore


def native_of(store: Store) -> NativeStore | None:
    """The native store over the same objects as exactly a `zarr.storage.LocalStore`; `None` for others. Stores of one place share
    one, with its caches."""
    if type(store) is LocalStore:
        return _native_at(abspath(store.root))
    return None


@lru_cache(maxsize=64)
def _native_at(path: str) -> NativeStore:
    return NativeStore(path)
