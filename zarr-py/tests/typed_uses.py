"""Uses of the package for type checkers, run by `test_types.py`: valid calls, and calls that must
be errors. Never imported.
"""

import asyncio
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import zarr_py
from zarr_py import codecs

group = zarr_py.open_group("s3://b/x", region="eu-west-1", max_concurrency=4, config={"region": "x"})
array = group.create_array("a", shape=(4, 4), dtype="i4", compressors=codecs.Zstd(3), attributes={"k": 1})
part: np.ndarray[tuple[int, ...], np.dtype[np.int32]] = array[0]
names: list[str] = [name for name, _ in group.items()]
node = group.get("x")
other = group.get("x", 5)
asyncio.create_task(array.read_async())
zarr_py.open_array("p", mode="a", shape=4, dtype="i4")
zarr_py.open_array("p", regoin="x")  # type: ignore[call-arg]
zarr_py.create_array("p", shap=3)  # type: ignore[call-arg]
zarr_py.Store("s3://b", regoin="x")  # type: ignore[call-arg]
zarr_py.config.set(thread=3)  # type: ignore[call-arg]
group.create_array("x", shap=3)  # type: ignore[call-arg]
codecs.Blosc(cname="lz5")  # type: ignore[arg-type]
store = zarr_py.objects("s3://b", region="x")
got = store.get("k", suffix=5)
data: bytes = bytes(got) + bytes(store.get_range("k", start=0, length=4, version=got.version))
np.frombuffer(memoryview(got), "u1")
store.put("k", data, if_version=got.version)
sizes: dict[str, int] = {entry.key: entry.size for entry in store.list("a")}
asyncio.create_task(store.head_async("k"))
store.put("k", "text")  # type: ignore[arg-type]
store.sign("k", method="PATCH")  # type: ignore[arg-type]
zarr_py.objects("s3://b", regoin="x")  # type: ignore[call-arg]
with zarr_py.open("p") as opened:
    print(opened.path, zarr_py.explain(opened, indexing="oindex"))
assert_type(array[:3], npt.NDArray[Any])
assert_type(array[[1, 2], ::2], npt.NDArray[Any])
assert_type(array.read(), npt.NDArray[Any])
assert_type(array.oindex[[1], [2]], npt.NDArray[Any])
assert_type(array.read((..., 3)), npt.NDArray[Any])
element: float = array[0, 0]
memory = bytearray(16)
array.read_into(0, memoryview(memory).cast("i"))
assert_type(array.lazy[1:][2].astype("f4").read(), npt.NDArray[Any])
assert_type(array.astype("f4")[:3], npt.NDArray[Any])
assert_type(array.plan().requests, int)
assert_type(array.shard_map().dead_space, int)
encoded = array.read_encoded((0, 0))
if encoded is not None:
    array.write_encoded((0, 1), encoded)
with array.count_requests() as counted, zarr_py.use():
    assert_type(counted.counts(), dict[str, int])
assert_type(group.check_consolidated(), dict[str, str])
assert_type(array.refresh().shape, tuple[int, ...])
group.create_array("r", shape=(4, 4), dtype="i4", chunks=[[1, 3], 2])
zarr_py.open_array("p", mode="rw")  # type: ignore[arg-type]
zarr_py.open_group("s3://b", region=True)  # type: ignore[arg-type]
zarr_py.objects("s3://b", timeout=[3])  # type: ignore[arg-type]
zarr_py.create_array("p", shape="x", dtype="i4", fill_valu=3)  # type: ignore[call-arg,arg-type]
array.read_encode((0, 0))  # type: ignore[attr-defined]
array.plan().request  # type: ignore[attr-defined]
zarr_py.open_array("p", cache_bytes=1 << 20, cache_form="decoded", dead_space=50)
zarr_py.open_array("p", cache_form="raw")  # type: ignore[arg-type]
zarr_py.open_array("s3://b/x", optimize_for="time")
zarr_py.open_array("s3://b/x", optimize_for="speed")  # type: ignore[arg-type]
zarr_py.Store("p", dead_space="many")  # type: ignore[arg-type]
assert_type(zarr_py.config.set(dead_space=10, cache_form="encoded").dead_space, int)
kinds: list[str] = [leftover.kind for leftover in array.sweep(3600)] + [key for _, key in store.sweep("a", older_than=1.5)]
group.sweep("1 day")  # type: ignore[arg-type]
asyncio.create_task(group.sweep_async())
