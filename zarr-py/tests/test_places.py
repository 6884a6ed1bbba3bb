"""One client per location and process, and stores that cannot be opened after unpickling."""

import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import obstore.store
import pytest
import zarr
import zarr_py
from places_cases import AWAY, Server, server
from test_array_process import in_child
from zarr_py import _shared, _source, errors

__all__ = ["server"]


def ways(server: Server) -> dict[str, Callable[[], Any]]:
    """Returns calls that read the first element, each of which might create a client."""
    options = {"allow_http": True}
    array = zarr_py.open_array(server.url, "g/x", **options)
    group = zarr_py.open_group(server.url, **options)
    store = zarr_py.Store(server.url, **options)
    pickles = {name: pickle.dumps(value) for name, value in {"array": array, "group": group, "store": store}.items()}
    return {
        "open_array": lambda: zarr_py.open_array(server.url, "g/x", **options)[0],
        "a slash behind": lambda: zarr_py.open_array(server.url + "/", "g/x", client_options={"allow_http": "true"})[0],
        "open_group": lambda: zarr_py.open_group(server.url, config=options)["g/x"][0],
        "open": lambda: zarr_py.open(server.url, "g/x", **options)[0],
        "Store": lambda: zarr_py.open_array(zarr_py.Store(server.url, **options), "g/x")[0],
        "array unpickled": lambda: pickle.loads(pickles["array"])[0],
        "group unpickled": lambda: pickle.loads(pickles["group"])["g/x"][0],
        "store unpickled": lambda: zarr_py.open_array(pickle.loads(pickles["store"]), "g/x")[0],
        "zarr-python": lambda: zarr.open_array(zarr_py.Store(server.url, **options), path="g/x", mode="r", zarr_format=3)[0],
    }


def test_each_way_to_a_place_is_one_client(server: Server) -> None:
    found = ways(server)
    found["open_array"]()
    for name, way in found.items():
        before = server.connections
        assert [way() for _ in range(12)] == [0] * 12, name
        assert server.connections - before <= 3, name


def test_equal_directories_are_one_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = zarr_py.create_array(tmp_path / "d", "a", data=[1, 2])
    monkeypatch.chdir(tmp_path)
    for same in (tmp_path / "d", str(tmp_path / "d"), "d", "d/", tmp_path / "x" / ".." / "d"):
        assert zarr_py.open_array(same, "a")._store is array._store
        assert zarr_py.Store(same)._native is array._store
    assert zarr_py.open_array(tmp_path / "d" / "a")._store is not array._store
    assert zarr_py.open_array(tmp_path / "d", "a", max_concurrency=2)._store is not array._store
    before = zarr_py.config.get().bytes_in_flight
    with zarr_py.config.set(bytes_in_flight=2 * before):
        assert zarr_py.open_array(tmp_path / "d", "a")._store is not array._store
    assert zarr_py.open_array(tmp_path / "d", "a", strictness="strict")._store is not array._store


def test_a_client_outlives_its_user_and_counts_for_all(server: Server) -> None:
    for _ in range(30):
        zarr_py.open_array(server.url, "g/x", allow_http=True)
    # Connections are reused; a request may start before the previous connection is idle again.
    assert server.connections <= 5
    assert zarr_py.open_array(server.url, "g/x", allow_http=True).requests()["gets"] >= 30


def test_other_options_are_another_client() -> None:
    def native(**options: Any) -> Any:
        return zarr_py.Store("s3://bucket/x", **{**AWAY, **options})._native

    def provider() -> dict[str, str]:
        return {"access_key_id": "a", "secret_access_key": "b"}

    assert native() is native() and native(max_concurrency=4) is native(max_concurrency=4)
    others = [native(), native(max_concurrency=4), native(cache_bytes=1 << 20), native(region="q"),
              native(optimize_for="requests"),
              native(credential_provider=provider), native(single_writer=True)]
    assert len({id(one) for one in others}) == len(others)
    assert zarr_py.Store("s3://bucket/y", **AWAY)._native is not native()
    assert native(credential_provider=provider) is native(credential_provider=provider)


def test_credentials_are_not_found_where_they_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"endpoint": "http://127.0.0.1:9", "region": "r", "access_key_id": "A", "secret_access_key": "S"}
    store = zarr_py.Store("s3://bucket/x", **secret)
    lost, kept = pickle.loads(pickle.dumps(store)), zarr_py.Store("s3://bucket/x", **secret, pickle_secrets=True)
    assert lost._native is not store._native and lost._native is pickle.loads(pickle.dumps(store))._native
    assert pickle.loads(pickle.dumps(kept))._native is kept._native is store._native
    before = zarr_py.Store("s3://bucket/x", **AWAY)._native
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    assert zarr_py.Store("s3://bucket/x", **AWAY)._native is not before
    monkeypatch.undo()
    assert zarr_py.Store("s3://bucket/x", **AWAY)._native is before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_makes_its_own(server: Server) -> None:
    array = zarr_py.open_array(server.url, "g/x", allow_http=True)
    assert array[3] == 3
    with _shared._lock:
        assert in_child(lambda: zarr_py.open_array(server.url, "g/x", allow_http=True)[4] == 4 and array[5] == 5) == 0
    assert array[6] == 6


def test_no_source_shows_secrets() -> None:
    secret = {"access_key_id": "HUSH", "secret_access_key": "HUSH", "region": "r"}
    for store in (zarr_py.Store("s3://bucket/x", **secret), zarr_py.Store("https://me:HUSH@host/x?sig=HUSH"),
                  zarr_py.Store("s3://bucket/x", **secret, pickle_secrets=True)):
        assert "HUSH" not in f"{store!r} {store._origin!r} {store._origin} {vars(store)!r}"
        assert b"HUSH" not in pickle.dumps(store) or store._origin.pickle_secrets


def test_threads_get_one_client() -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(zarr_py.Store("s3://threads/x", **AWAY)._native)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1


@pytest.mark.parametrize("kind", ["path", "text", "url", "LocalStore", "obstore", "ObjectStore", "memory of obstore", "Store"])
def test_whatever_store_takes_the_functions_take(tmp_path: Path, kind: str) -> None:
    place: Any = {
        "path": lambda: tmp_path,
        "text": lambda: str(tmp_path),
        "url": tmp_path.as_uri,
        "LocalStore": lambda: zarr.storage.LocalStore(tmp_path),
        "obstore": lambda: obstore.store.LocalStore(tmp_path),
        "ObjectStore": lambda: zarr.storage.ObjectStore(obstore.store.LocalStore(tmp_path)),
        "memory of obstore": obstore.store.MemoryStore,
        "Store": lambda: zarr_py.Store(tmp_path),
    }[kind]()
    zarr_py.create_group(place, attributes={"k": 1})
    zarr_py.create_array(place, "a", data=np.arange(4))
    assert zarr_py.open_array(place, "a")[...].tolist() == [0, 1, 2, 3]
    assert dict(zarr_py.open_group(place).attrs) == {"k": 1} and zarr_py.open(place, "a").shape == (4,)
    assert zarr_py.load(place, "a").sum() == 6


def test_what_is_no_store_is_refused_with_advice(tmp_path: Path) -> None:
    for wrong in (None, 3, b"path", object(), {}):
        with pytest.raises(TypeError, match="expected a URL"):
            zarr_py.open_array(wrong)
    with pytest.raises(TypeError, match="MemoryStore"):
        zarr_py.open_group(zarr.storage.MemoryStore())
    with pytest.raises(TypeError, match="its path as the second"):
        zarr_py.open_group(zarr.storage.StorePath(zarr.storage.LocalStore(tmp_path), "a"))
    frozen = zarr.storage.LocalStore(tmp_path, read_only=True)
    zarr_py.create_group(tmp_path)
    with pytest.raises(PermissionError):
        zarr_py.open_group(frozen).create_group("a")


def test_an_archive_that_is_opened_again_is_read_again(server: Server, tmp_path: Path) -> None:
    def pack(value: int) -> None:
        with zarr.storage.ZipStore(tmp_path / "a.zip", mode="w") as store:
            zarr.create_array(store, data=np.full(4, value), chunks=(4,))

    def opened() -> zarr_py.Array:
        return zarr_py.open_array(f"{server.url}/a.zip|zip:", allow_http=True)

    pack(1)
    first = opened()
    assert first[0] == 1 and pickle.loads(pickle.dumps(first))._store is first._store
    pack(2)
    assert opened()[0] == 2 and opened()._store is not first._store


READ_ONLY: dict[str, Callable[[Path], Any]] = {
    "LocalStore": lambda f: zarr.storage.LocalStore(f, read_only=True),
    "ObjectStore": lambda f: zarr.storage.ObjectStore(obstore.store.LocalStore(f), read_only=True),
    "ObjectStore of memory": lambda f: zarr.storage.ObjectStore(obstore.store.MemoryStore(), read_only=True),
    "with_read_only": lambda f: zarr.storage.LocalStore(f).with_read_only(True),
    "Store": lambda f: zarr_py.Store(f, read_only=True),
    "Store of a Store": lambda f: zarr_py.Store(zarr_py.Store(f, read_only=True)),
}


@pytest.mark.parametrize("kind", READ_ONLY)
def test_what_is_read_only_stays_read_only(tmp_path: Path, kind: str) -> None:
    given = READ_ONLY[kind](tmp_path)
    for store in (zarr_py.Store(given), zarr_py.Store(given, read_only=True), zarr_py.Store.from_obstore(given),
                  zarr_py.Store(zarr_py.Store(given))):
        assert store.read_only and "read_only=True" in repr(store)
        with pytest.raises(ValueError, match="read-only"):
            zarr.create_group(store)
        with pytest.raises(PermissionError):
            zarr_py.create_group(store)
        if "memory" not in kind:
            assert pickle.loads(pickle.dumps(store)).read_only
    with pytest.raises(PermissionError):
        zarr_py.save(given, [1])
    with pytest.raises(errors.ReadOnlyError, match="read_only=False"):
        zarr_py.Store(given, read_only=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [name for name in READ_ONLY if "memory" not in name])
def test_what_is_read_only_is_read(tmp_path: Path, kind: str) -> None:
    zarr_py.save(tmp_path, {"a": [1, 2, 3]})
    given = READ_ONLY[kind](tmp_path)
    array, group = zarr_py.open_array(given, "a"), zarr_py.open_group(given, mode="a")
    assert array.read_only and group.read_only and group["a"].read_only and zarr_py.load(given, "a").tolist() == [1, 2, 3]
    assert zarr_py.open_array(given, "a", mode="r").read_only and zarr_py.open(given, "a")[0] == 1
    changes: list[Callable[[], Any]] = [
        lambda: array.__setitem__(0, 5), lambda: array.attrs.update(x=1), lambda: array.resize(4), lambda: group.create_group("b"),
        lambda: group.delete("a"), lambda: zarr_py.open_group(given, "b", mode="a"), lambda: zarr_py.open_group(given, mode="w"),
        lambda: zarr_py.create_array(given, "b", data=[1]), lambda: zarr_py.create_group(given, overwrite=True),
        lambda: zarr_py.copy(array, given, "b"), lambda: zarr_py.save(given, {"b": [1]})]
    for change in changes:
        with pytest.raises(PermissionError):
            change()
    with zarr.config.set({"codec_pipeline.path": "zarr_py.CodecPipeline"}), pytest.raises(ValueError, match="read-only"):
        zarr.open_array(given, path="a", mode="r")[0] = 5
    assert zarr_py.load(tmp_path)["a"].tolist() == [1, 2, 3] and sorted(os.listdir(tmp_path)) == ["a", "zarr.json"]


def test_what_is_not_read_only_is_as_it_was(tmp_path: Path) -> None:
    for given in (zarr.storage.LocalStore(tmp_path), obstore.store.LocalStore(tmp_path), tmp_path, zarr_py.Store(tmp_path)):
        assert not zarr_py.Store(given).read_only and not zarr_py.Store(given, read_only=False).read_only
        assert zarr_py.Store(given, read_only=True).read_only


def turned(data: Any) -> bytes:
    return bytes(255 - byte for byte in bytes(data))


class Rot(obstore.store.LocalStore):
    """A store that transforms objects: it must not be bypassed."""

    def get(self, path: str) -> Any:  # type: ignore[override]
        return turned(super().get(path).bytes())

    def put(self, path: str, file: Any, **options: Any) -> Any:  # type: ignore[override]
        return super().put(path, turned(file), **options)


class AsyncRot(obstore.store.LocalStore):
    async def get_async(self, path: str) -> Any:  # type: ignore[override]
        return turned((await super().get_async(path)).bytes())

    async def put_async(self, path: str, file: Any, **options: Any) -> Any:  # type: ignore[override]
        return await super().put_async(path, turned(file), **options)


class Below(Rot):
    """A subclass of a subclass, without members of its own."""


@pytest.mark.parametrize("kind", [Rot, AsyncRot, Below])
@pytest.mark.parametrize("wrap", [lambda store: store, lambda store: zarr_py.Store(store, single_writer=True)])
def test_subclasses_of_stores_are_called(tmp_path: Path, kind: Any, wrap: Any) -> None:
    store = wrap(kind(tmp_path))
    array = zarr_py.create_array(store, "a", shape=(16,), chunks=(4,), shards=(8,), dtype="u1", compressors=None)
    array[...] = np.arange(16)
    stored = (tmp_path / "a/zarr.json").read_bytes()
    assert b"zarr_format" not in stored and b"zarr_format" in turned(stored)
    again = zarr_py.open_array(store, "a")
    assert again[...].tolist() == list(range(16)) and again[5:7].tolist() == [5, 6]
    with pytest.raises(FileNotFoundError):
        zarr_py.open_array(tmp_path, "b")


def test_subclasses_of_bucket_stores_are_called() -> None:
    asked = []

    class Mine(obstore.store.S3Store):
        def get(self, path: str, *, options: Any = None) -> Any:
            asked.append(path)
            raise FileNotFoundError(path)

    store = zarr_py.Store(Mine("bucket", region="r", access_key_id="HUSH", secret_access_key="HUSH"))
    assert store.get_sync("k") is None and asked == ["k"] and not store._origin.url
    with pytest.raises(TypeError, match="pickle_secrets"):
        pickle.dumps(store)


def test_subclasses_of_our_store_are_not_passed_over(tmp_path: Path) -> None:
    class Mine(zarr_py.Store):
        asked: list[str] = []

        async def get(self, key: str, *arguments: Any, **named: Any) -> Any:
            self.asked.append(key)
            return await super().get(key, *arguments, **named)

    class Named(zarr_py.Store):
        title = "x"

    zarr_py.save(tmp_path, [1, 2], "a")
    with pytest.raises(TypeError, match="Mine is a subclass"):
        zarr_py.open_array(Mine(tmp_path), "a")
    assert zarr_py.open_array(Named(tmp_path), "a")[1] == 2
    with zarr.config.set({"codec_pipeline.path": "zarr_py.CodecPipeline"}):
        assert zarr.open_array(Mine(tmp_path), path="a")[1] == 2
    assert "a/c/0" in Mine.asked


@pytest.mark.parametrize("order", [1, -1])
def test_a_url_that_is_refused_changes_no_other(order: int) -> None:
    urls = ["s3://poison{}/data.zarr", "s3://poison{}/data.zarr//", "s3://poison{}//data.zarr", "s3://poison{}/data.zarr///"]
    for _ in range(2):
        for url in urls[::order]:
            url = url.format(order + 1)
            if url.count("//") == 1:
                assert zarr_py.Store(url, **AWAY).url == url
                continue
            with pytest.raises(errors.InvalidError, match="//"):
                zarr_py.Store(url, **AWAY)


def test_names_of_web_servers_with_slashes_are_places_of_their_own() -> None:
    stores = {tail: zarr_py.Store(f"http://127.0.0.1:9/p{tail}") for tail in ("//", "", "///", "/")}
    assert stores[""] == stores["/"] and stores[""]._native is stores["/"]._native
    assert len({id(stores[tail]._native) for tail in ("", "//", "///")}) == 3
    assert len({stores[tail].url for tail in ("", "//", "///")}) == 3
    assert stores[""] != stores["//"] and stores["//"] != stores["///"]


def test_equal_places_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ways = [tmp_path / "q", str(tmp_path / "q"), (tmp_path / "q").as_uri(), "q", "./q", "q/", zarr_py.Store("q").url,
            zarr.storage.LocalStore("q"), zarr_py.Store("q")]
    for way in ways:
        assert zarr_py.Store(way) == zarr_py.Store(ways[0]), way
        assert zarr_py.Store(way) != zarr_py.Store(tmp_path / "r")
        assert pickle.loads(pickle.dumps(zarr_py.Store(way))) == zarr_py.Store(way)
    assert zarr_py.Store("s3a://b/x", **AWAY) == zarr_py.Store("s3://b/x", **AWAY) == zarr_py.Store("s3://b/x/", **AWAY)
    assert zarr_py.Store("s3://b/x", **AWAY) != zarr_py.Store("s3://b/y", **AWAY)
    assert zarr_py.Store("s3://b/x", **AWAY) != zarr_py.Store("s3://b/x", **{**AWAY, "region": "q"})


def test_a_store_of_a_store_is_the_same(tmp_path: Path) -> None:
    for store in (zarr_py.Store(tmp_path), zarr_py.Store("s3://bucket/x", **AWAY), zarr_py.Store.memory(),
                  zarr_py.Store(tmp_path, strictness="strict")):
        again = zarr_py.Store(store)
        assert again == store and again._native is store._native and again._origin == store._origin
        assert zarr_py.Store(store, strictness="strict")._origin.strictness == "strict"
    for wrong in ({"region": "r"}, {"config": {"region": "r"}}, {"cache_bytes": 4}):
        with pytest.raises(TypeError, match="is already open"):
            zarr_py.Store(zarr_py.Store(tmp_path), **wrong)
    with pytest.raises(TypeError, match="unknown keyword"):
        zarr_py.Store(zarr_py.Store(tmp_path), regoin=3)


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    place = tmp_path / "f"
    for way in (place, str(place), place.as_uri(), zarr.storage.LocalStore(place)):
        for call in (zarr_py.Store, zarr_py.open_group, zarr_py.create_group, lambda f: zarr_py.save(f, [1])):
            with pytest.raises(errors.ObstructedError, match=r"is a file.*\|zip:"):
                call(way)
    assert place.read_bytes() == b"x"
