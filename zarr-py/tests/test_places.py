"""One client per location and process, and stores that cannot be opened after unpickling."""

import http.server
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import obstore.store
import pytest
import zarr
import zarr_py
from test_array_process import in_child
from zarr_py import _source, errors

AWAY = {"endpoint": "http://127.0.0.1:9", "region": "r", "retry_config": {"max_retries": 0}, "skip_signature": True}


class Server(http.server.ThreadingHTTPServer):
    """A directory served over HTTP, with a count of connections."""

    daemon_threads = True
    connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    zarr_py.create_array(tmp_path, "g/x", shape=(8,), chunks=(2,), dtype="i4")[...] = np.arange(8)

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def setup(self) -> None:
            made.connections += 1
            super().setup()

        def log_message(self, *_: Any) -> None:
            pass

    made = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


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
    with _source._lock:
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


ELSEWHERE = """
    import pickle, sys
    value = pickle.loads(bytes.fromhex(sys.argv[1]))
    again = pickle.loads(pickle.dumps(value))
    assert repr(value) and repr(again) and type(again) is type(value)
    try:
        {use}
    except Exception as error:
        print(type(error).__name__, error)
"""


def elsewhere(value: Any, use: str, **environment: str) -> str:
    """Unpickles a value in another process, which must succeed; returns the output of its use."""
    command = [sys.executable, "-c", textwrap.dedent(ELSEWHERE.format(use=use)), pickle.dumps(value).hex()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_memory_of_another_process_fails_where_it_is_used() -> None:
    store = zarr_py.Store.memory("test_places")
    array = zarr_py.create_array(store, "a", shape=4, dtype="i4")
    for value, use in [(store, "value.get_sync('a')"), (array, "again[0]"), (array, "value.attrs['x'] = 1"),
                       (zarr_py.open_group(store), "value['a']"), (zarr.open_array(store, path="a"), "value[0]")]:
        assert "only in its own process" in elsewhere(value, use), use


def test_a_url_that_is_wrong_elsewhere_fails_where_it_is_used() -> None:
    store = zarr_py.Store("s3://bucket/x", **AWAY)
    wrong = {"AWS_ENDPOINT_URL": "no url\n", "AWS_PROFILE": "not-there"}
    assert "Error" in elsewhere(store, "value.get_sync('a')", **wrong)


def test_a_document_that_cannot_be_bound_fails_where_it_is_used(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=4, dtype="i4")
    loader, (kind, source, read_only, path, text) = array.__reduce__()
    broken = loader(kind, source, read_only, path, text.replace('"zstd"', '"of.another.build"'))
    assert "cannot be opened here" in repr(broken) and broken.path == "" and pickle.loads(pickle.dumps(broken)).path == ""
    with pytest.raises(errors.UnsupportedError, match=r"of\.another\.build"):
        broken[0]


def test_a_worker_of_dask_lives_on(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent("""
        import logging, zarr_py, dask.array as da
        def main():
            from distributed import Client, LocalCluster
            logging.disable(logging.CRITICAL)
            with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=60) as cluster:
                with Client(cluster) as client:
                    array = zarr_py.create_array("memory://cluster", "a", shape=(8, 8), chunks=(4, 4), dtype="f8")
                    future = client.compute(da.from_array(array, chunks=(4, 4), name=False).sum())
                    try:
                        print("answer", future.result(timeout=30))
                    except TimeoutError:
                        print("hangs")
                    except Exception as error:
                        print("error", type(error).__name__)
                    print("alive", client.submit(lambda: 1).result(timeout=30))
        if __name__ == "__main__":
            main()
    """))
    pytest.importorskip("distributed")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100, check=False)
    assert "hangs" not in done.stdout and "alive 1" in done.stdout, done.stdout + done.stderr


class Provider:
    """A credential provider that is a new object after each unpickling."""

    def __call__(self) -> dict[str, Any]:
        return {"access_key_id": "a", "secret_access_key": "b", "expires_at": None}


class Reading:
    """A picklable Python store."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, path: str) -> bytes:
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]

    def put(self, path: str, value: bytes, **_: Any) -> None:
        self.objects[path] = bytes(value)

    def head(self, path: str) -> dict[str, Any]:
        return {"path": path, "size": len(self.get(path))}

    def delete(self, path: str) -> None:
        del self.objects[path]

    def list(self, prefix: str | None) -> Any:
        return iter([[self.head(path) for path in self.objects if path.startswith(prefix or "")]])

    def list_with_delimiter(self, prefix: str | None) -> dict[str, Any]:
        raise NotImplementedError


def test_objects_of_python_are_one_client_through_pickles() -> None:
    away = {"endpoint": "http://127.0.0.1:9", "region": "r", "retry_config": {"max_retries": 0}}
    store = zarr_py.Store("s3://bucket/objects", credential_provider=Provider(), **away)
    again = [pickle.loads(pickle.dumps(store))._native for _ in range(5)]
    assert {id(one) for one in again} == {id(store._native)}
    other = zarr_py.Store("s3://bucket/objects", credential_provider=Provider(), **away)
    assert other._native is not store._native
    text = pickle.dumps(zarr_py.Store(Reading(), pickle_secrets=True, single_writer=True))
    assert pickle.loads(text)._native is pickle.loads(text)._native
    code = "import pickle, sys; sys.path.insert(0, sys.argv[2]); load = lambda: pickle.loads(bytes.fromhex(sys.argv[1]))._native; a = load(); assert a is load()"
    command = [sys.executable, "-c", code, text.hex(), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


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
