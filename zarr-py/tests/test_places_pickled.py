"""Stores, arrays and groups in other processes, by pickles."""

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import zarr
import zarr_py
from places_cases import AWAY
from zarr_py import errors

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
