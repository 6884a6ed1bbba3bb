"""The pipeline over foreign stores: event loops, threads, pickles and plans."""

import asyncio
import pickle
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr_py
from foreign_cases import A, SHARDED, fsspec_memory, store
from numpy.testing import assert_array_equal
from pipeline_cases import OURS, created, engine_only
from zarr.abc.store import Store
from zarr.storage import LocalStore, MemoryStore, WrapperStore

__all__ = ["store"]


class OnItsLoop(WrapperStore[Store]):
    """A store bound to one event loop, like stores with sessions; records call contexts."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.loops: set[Any] = set()
        self.seen: set[str] = set()

    async def get(self, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        self.seen.add(CALLER.get())
        return await super().get(*arguments, **options)


CALLER = ContextVar("CALLER", default="nobody")


@pytest.mark.parametrize("options", [{"chunks": (5, 5)}, SHARDED], ids=["plain", "sharded"])
def test_calls_are_made_on_the_loop_and_in_the_context_of_the_reader(options: dict[str, Any]) -> None:
    store = OnItsLoop(MemoryStore())
    created(store, data=A, **options)

    async def main() -> None:
        with zarr.config.set(OURS):
            array = await zarr.api.asynchronous.open_array(store=store)
        store.loops.clear()
        store.seen.clear()
        CALLER.set("me")
        with engine_only():
            rows = await asyncio.gather(*(array.getitem((row,)) for row in range(20)))
            await array.setitem((3, 4), -1)
        assert_array_equal(np.stack(rows), A)
        assert store.loops == {asyncio.get_running_loop()}
        assert store.seen == {"me"}

    for _ in range(2):
        created(store, data=A, **options)
        asyncio.run(main())


class Hanging(WrapperStore[Store]):
    """A store that does not respond while `hangs` is set."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.hangs = False
        self.started = self.cancelled = 0

    async def get(self, *arguments: Any, **options: Any) -> Any:
        if not self.hangs:
            return await super().get(*arguments, **options)
        self.started += 1
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def test_a_read_that_is_cancelled_cancels_its_calls() -> None:
    store = Hanging(MemoryStore())
    created(store, data=A, chunks=(5, 5))

    async def main() -> None:
        with zarr.config.set(OURS):
            array = await zarr.api.asynchronous.open_array(store=store)
        store.hangs = True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(array.getitem((...,)), 0.3)
        started = store.started
        assert 0 < started <= zarr.config.get("async.concurrency")
        await asyncio.sleep(0.3)
        assert store.cancelled == store.started == started

    asyncio.run(main())


def test_a_loop_may_end_while_it_reads() -> None:
    store = Hanging(MemoryStore())
    array = created(store, data=A, chunks=(5, 5))
    store.hangs = True
    complaints: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        reading = asyncio.create_task(array.async_array.getitem((...,)))
        await asyncio.sleep(0.3)
        assert not reading.done()

    asyncio.run(main())
    assert not complaints
    assert store.cancelled == store.started > 0
    store.hangs = False
    with engine_only():
        assert_array_equal(array[...], A)


def test_threads_read_at_once() -> None:
    array = created(fsspec_memory(Path()), data=A, **SHARDED)
    found: dict[int, Any] = {}
    with engine_only():
        threads = [threading.Thread(target=lambda row=row: found.update({row: array[row]})) for row in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert_array_equal(np.stack([found[row] for row in range(20)]), A)


def test_a_pickled_array(tmp_path: Path) -> None:
    array = created(WrapperStore(LocalStore(tmp_path)), data=A, **SHARDED)
    again = pickle.loads(pickle.dumps(array))
    assert again == array
    with engine_only():
        assert_array_equal(again[3:9], A[3:9])


def test_a_plan_is_explained() -> None:
    explanation = zarr_py.explain(created(MemoryStore(), data=A, **SHARDED), np.s_[3:8, 2])
    assert "1 objects, 2 requests" in explanation.plan
