"""Stores in many loops, threads and processes."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zarr_py
from real_servers import servers
from store_cases import PROTOTYPE, Silent, buffer, closed_port, listed, store
from zarr.abc.store import RangeByteRequest
from zarr_py import errors

__all__ = ["closed_port", "servers", "store"]

# Loops, threads, processes.


def test_many_loops_and_threads(store: zarr_py.Store) -> None:
    failed: list[BaseException] = []

    def work(at: int) -> None:
        async def calls() -> None:
            await asyncio.gather(*(store.set(f"{at}/{n}", buffer(f"{at} {n}".encode())) for n in range(20)))
            for n in range(20):
                found = await store.get(f"{at}/{n}", PROTOTYPE)
                assert found is not None and found.to_bytes() == f"{at} {n}".encode()
            assert len(await listed(store.list_dir(str(at)))) == 20

        try:
            for _ in range(3):
                asyncio.run(calls())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed and not any(thread.is_alive() for thread in threads)


async def test_a_cancelled_read_ends() -> None:
    server = Silent()
    store = zarr_py.Store(server.url)
    task = asyncio.create_task(store.get("a", PROTOTYPE))  # type: ignore[arg-type]
    while not server.heads:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.get("b", PROTOTYPE), 0.2)


def test_ctrl_c_ends_a_blocking_read() -> None:
    store = zarr_py.Store(Silent().url)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        store.get_sync("a")
    assert time.monotonic() - start < 10


def in_child(work: Any, seconds: float = 20) -> None:
    """Runs work in a forked child."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(code) == 0
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: close\r\n\r\nabcd"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("kind", ["memory", "local", "http", "moto"])
def test_a_forked_child_goes_on(kind: str, tmp_path: Path, servers: Callable[[str], Any]) -> None:
    if kind == "moto":
        server = servers(kind)
        store = zarr_py.Store(f"{server['url']}/{uuid.uuid4()}", config=server["options"])
    else:
        places = {"memory": "memory:", "local": str(tmp_path), "http": Silent(lambda head: OK).url}
        store = zarr_py.Store(places[kind])
    if kind != "http":
        store.set_sync("k/a", buffer(b"abcd"))

    async def calls() -> None:
        found = await store.get("k/a", PROTOTYPE)
        assert found is not None and found.to_bytes() == b"abcd"
        if kind != "http":
            await store.set("k/b", buffer(bytes(2 << 20)))
            assert await listed(store.list_dir("k")) == ["a", "b"]
            async for _ in store.get_ranges("k/b", [RangeByteRequest(0, 1 << 20), None], prototype=PROTOTYPE):
                pass
        again = store.get_sync("k/a")
        assert again is not None and again.to_bytes() == b"abcd"

    asyncio.run(calls())
    for _ in range(3):
        in_child(lambda: asyncio.run(calls()))
    asyncio.run(calls())


def test_a_spawned_process_opens_the_same_store(tmp_path: Path) -> None:
    store = zarr_py.Store(tmp_path)
    store.set_sync("a", buffer(b"x"))
    code = f"import pickle; assert pickle.loads({pickle.dumps(store)!r}).get_sync('a').to_bytes() == b'x'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_failing_reads_leak_nothing(tmp_path: Path, closed_port: int) -> None:
    remote = zarr_py.Store(
        f"http://127.0.0.1:{closed_port}", retry_config={"max_retries": 0}, client_options={"timeout": "5s"})
    local = zarr_py.Store(tmp_path)
    os.mkfifo(tmp_path / "d")

    async def fail() -> None:
        for _ in range(100):
            with pytest.raises(errors.StoreError):
                await remote.get("a", PROTOTYPE)
            with pytest.raises(errors.ObstructedError):
                await local.get("d", PROTOTYPE)

    asyncio.run(fail())
    files, threads = open_files(), threading.active_count()
    asyncio.run(fail())
    assert abs(open_files() - files) <= 2 and threading.active_count() == threads


def test_the_interpreter_ends_after_a_timeout() -> None:
    code = textwrap.dedent("""
        import asyncio, time, zarr_py
        from zarr.core.buffer import default_buffer_prototype
        store = zarr_py.Store(URL, client_options={"timeout": "300ms"}, retry_config={"max_retries": 0})
        pending = zarr_py.Store(URL)
        async def calls():
            task = asyncio.create_task(pending.get("b", default_buffer_prototype()))
            try:
                await store.get("a", default_buffer_prototype())
            except TimeoutError:
                print(time.time())
        asyncio.run(calls())
    """).replace("URL", repr(Silent().url))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert time.time() - float(done.stdout) < 10


@pytest.mark.parametrize(("key", "call"), [
    ("a", "zarr_py.Store(folder).set_sync('a', cpu.Buffer.from_bytes(b'new'))"), ("c/0", "array[:2] = 7")])
def test_other_threads_run_while_a_call_waits(tmp_path: Path, key: str, call: str) -> None:
    """The call waits for a file lock of another thread, which must be able to release it."""
    script = """
        import fcntl, sys, threading, time
        import zarr_py
        from zarr.core.buffer import cpu

        folder, key, call = sys.argv[1:]
        array = zarr_py.create_array(folder, data=[1, 2, 3, 4])
        held = open(f"{folder}/{key}#0", "w")
        fcntl.flock(held, fcntl.LOCK_EX)

        def let_go():
            time.sleep(0.3)
            print("let go", flush=True)
            held.close()

        threading.Thread(target=let_go).start()
        exec(call)
        print("stored", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path), key, call]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout.split("\n"), done.stderr) == (["let go", "stored", ""], "")
    assert (tmp_path / "a").read_bytes() == b"new" if key == "a" else zarr_py.open_array(tmp_path)[...].tolist() == [7, 7, 3, 4]
