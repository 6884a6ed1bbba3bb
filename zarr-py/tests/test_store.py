"""`zarr_py.Store` in zarr-python's own store tests."""

import asyncio
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
import zarr_py
from real_servers import servers
from zarr.core.buffer import Buffer, cpu, default_buffer_prototype
from zarr.testing.store import StoreTests

__all__ = ["servers"]


class Common(StoreTests[zarr_py.Store, cpu.Buffer]):
    """Puts and gets values through a second handle on the location."""

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


class TestObstoreLocal(TestLocal):
    """An obstore store that is rebuilt natively."""

    @pytest.fixture
    def store_kwargs(self, tmp_path: Path) -> dict[str, Any]:
        return {"store": obstore.store.LocalStore(tmp_path / "store", mkdir=True)}


class Called(Common):
    """A called store, which refuses pickling without `pickle_secrets=True`."""

    async def test_serializable_store(self, store: zarr_py.Store) -> None:
        with pytest.raises(TypeError, match="pickle_secrets=True"):
            pickle.dumps(store)


class TestObstoreMemory(Called):
    @pytest.fixture
    def store_kwargs(self) -> dict[str, Any]:
        return {"store": obstore.store.MemoryStore()}


class Sync:
    """An object with exactly the methods of obspec, over an obstore store."""

    def __init__(self) -> None:
        self.inner = obstore.store.MemoryStore()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sync) and self.inner is other.inner

    __hash__ = None  # type: ignore[assignment]

    def get(self, path: str) -> Any:
        return self.inner.get(path)

    def get_range(self, path: str, *, start: int, end: int) -> Any:
        return self.inner.get_range(path, start=start, end=end)

    def put(self, path: str, file: Any, *, mode: Any = "overwrite") -> Any:
        assert type(file) is bytes
        return self.inner.put(path, file, mode=mode)

    def delete(self, paths: Any) -> None:
        self.inner.delete(paths)

    def head(self, path: str) -> Any:
        return self.inner.head(path)

    def list(self, prefix: str | None = None) -> Any:
        return self.inner.list(prefix, chunk_size=3)

    def list_with_delimiter(self, prefix: str | None = None) -> Any:
        return self.inner.list_with_delimiter(prefix)


class TestSyncObject(Called):
    @pytest.fixture
    def store_kwargs(self) -> dict[str, Any]:
        return {"store": Sync()}


class Async:
    """A store of coroutines that must all run on one event loop."""

    def __init__(self) -> None:
        self.inner = obstore.store.MemoryStore()
        self.loop: Any = None

    def on_one_loop(self) -> None:
        running = asyncio.get_running_loop()
        self.loop = self.loop or running
        assert self.loop is running

    async def get_async(self, path: str, *, options: Any = None) -> Any:
        self.on_one_loop()
        return await self.inner.get_async(path, options=options)

    async def put_async(self, path: str, file: Any, *, mode: Any = "overwrite") -> Any:
        self.on_one_loop()
        return await self.inner.put_async(path, file, mode=mode)

    async def delete_async(self, paths: Any) -> None:
        await self.inner.delete_async(paths)

    async def head_async(self, path: str) -> Any:
        return await self.inner.head_async(path)

    async def list_async(self, prefix: str | None = None) -> Any:
        self.on_one_loop()
        async for page in self.inner.list(prefix, chunk_size=3):
            yield page

    async def list_with_delimiter_async(self, prefix: str | None = None) -> Any:
        return await self.inner.list_with_delimiter_async(prefix)


class TestAsyncObject(Called):
    @pytest.fixture
    def store_kwargs(self) -> dict[str, Any]:
        return {"store": Async()}


class Server(Common):
    """A real server; `servers` skips the test if the server is unavailable."""

    name: str

    @pytest.fixture
    def store_kwargs(
        self, servers: Callable[[str], Any], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> dict[str, Any]:
        server = servers(self.name)
        config = dict(server["options"])
        # Pickles contain no secrets; unpickling reads them from the environment.
        for option in ("access_key_id", "secret_access_key"):
            if option in config:
                monkeypatch.setenv(f"AWS_{option.upper()}", config.pop(option))
        return {"store": f"{server['url']}/{uuid.uuid4()}", "config": config}


class TestSeaweedfs(Server):
    name = "seaweedfs"


class TestMoto(Server):
    name = "moto"
