"""`zarr_py.Store` by the tests that zarr-python has for stores."""

from pathlib import Path
from typing import Any

import pytest
import zarr_py
from zarr.core.buffer import Buffer, cpu, default_buffer_prototype
from zarr.testing.store import StoreTests


class Common(StoreTests[zarr_py.Store, cpu.Buffer]):
    """Values go in and out by another handle on the same place."""

    store_cls = zarr_py.Store
    buffer_cls = cpu.Buffer

    async def set(self, store: zarr_py.Store, key: str, value: Buffer) -> None:
        store._native.set_sync(key, value.to_bytes())

    async def get(self, store: zarr_py.Store, key: str) -> Buffer:
        found = store._native.get_sync(key)
        assert found is not None
        return self.buffer_cls.from_bytes(bytes(found))

    def test_store_supports_writes(self, store: zarr_py.Store) -> None:
        assert store.supports_writes

    def test_store_supports_listing(self, store: zarr_py.Store) -> None:
        assert store.supports_listing

    def test_store_repr(self, store: zarr_py.Store) -> None:
        assert repr(store) == f"zarr_py.Store({store.url!r})"
        assert str(store) == store.url


class TestMemory(Common):
    @pytest.fixture
    def store_kwargs(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return {"store": f"memory://{request.node.name}"}

    @pytest.fixture(autouse=True)
    def alive(self, store_kwargs: dict[str, Any]) -> Any:
        return zarr_py.Store(**store_kwargs)


class TestLocal(Common):
    @pytest.fixture
    def store_kwargs(self, tmp_path: Path) -> dict[str, Any]:
        return {"store": str(tmp_path / "store")}

    async def set(self, store: zarr_py.Store, key: str, value: Buffer) -> None:
        path = Path(store._native.location, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value.to_bytes())

    async def get(self, store: zarr_py.Store, key: str) -> Buffer:
        return self.buffer_cls.from_bytes(Path(store._native.location, key).read_bytes())
