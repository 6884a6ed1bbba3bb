"""`zarr_py.Store` in zarr-python's state machines, compared with a dictionary of bytes and an
in-memory hierarchy.
"""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zarr
import zarr_py
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from real_servers import servers
from zarr.testing.stateful import ZarrHierarchyStateMachine, ZarrStoreStateMachine
from zarr.testing.strategies import keys

__all__ = ["servers"]

PLACES = ["memory", "local", "seaweedfs", "moto"]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path, servers: Callable[[str], Any]) -> Callable[[], zarr_py.Store]:
    """Makes an empty store."""

    def make() -> zarr_py.Store:
        if request.param == "memory":
            return zarr_py.Store.memory()
        if request.param == "local":
            return zarr_py.Store(tmp_path / str(uuid.uuid4()))
        server = servers(request.param)
        return zarr_py.Store(f"{server['url']}/{uuid.uuid4()}", config=server["options"])

    make()
    return make


class LocalStoreStateMachine(ZarrStoreStateMachine):
    """Avoids keys below other keys: a name in local files is either an object or a directory."""

    @rule(key=keys(), data=st.binary(max_size=100))
    def set(self, key: str, data: bytes) -> None:
        assume(all(key == other or not crossing(key, other) for other in self.model))
        super().set(key, data)

    @rule(key=keys(), data=st.data())
    def get_invalid_zarr_keys(self, key: str, data: Any) -> None:
        assume(not any(crossing(key, other) for other in self.model))
        super().get_invalid_zarr_keys(key, data)


class SeaweedStateMachine(ZarrHierarchyStateMachine):
    """SeaweedFS keeps listing a directory for a while after its last object is deleted."""

    @precondition(lambda self: bool(self.all_groups))
    @rule(data=st.data())
    def check_list_dir(self, data: Any) -> None:
        path = self.draw_directory(data)
        expected = sorted(self._sync_iter(self.model.list_dir(path)))
        found = sorted(self._sync_iter(self.store.list_dir(path)))
        below = {name: f"{path}/{name}/".lstrip("/") for name in found}
        left = [name for name in found if name in expected or self._sync_iter(self.store.list_prefix(below[name]))]
        assert left == expected


def crossing(key: str, other: str) -> bool:
    return f"{key}/".startswith(f"{other}/") or f"{other}/".startswith(f"{key}/")


def patient(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=checks, derandomize=True
    )


@pytest.fixture(autouse=True)
def rectilinear_chunks() -> Any:
    with zarr.config.set({"array.rectilinear_chunks": True}):
        yield


def examples(store: zarr_py.Store) -> int:
    return 10 if store._native.is_remote else 60


def test_store(place: Callable[[], zarr_py.Store]) -> None:
    store = place()
    machine = LocalStoreStateMachine if store._native.location.startswith("/") else ZarrStoreStateMachine
    run_state_machine_as_test(lambda: machine(store), settings=patient(examples(store)))


@pytest.mark.filterwarnings("ignore::zarr.core.dtype.common.UnstableSpecificationWarning")
def test_hierarchy(place: Callable[[], zarr_py.Store], request: pytest.FixtureRequest) -> None:
    store = place()
    machine = SeaweedStateMachine if "seaweedfs" in request.node.name else ZarrHierarchyStateMachine
    run_state_machine_as_test(lambda: machine(store), settings=patient(examples(store) // 2))
