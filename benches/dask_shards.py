"""Measures the load of graphs of many shards on dask's scheduler, beside graphs of trivial tasks.

    python benches/dask_shards.py FOLDER [--shards 100000] [--ways ...]

Each way runs in a process of its own, which is client and scheduler, with two workers. Prints seconds
to build the graph, its size, the time, and the processor time and memory of client and scheduler.
"""

import argparse
import json
import pathlib
import resource
import shutil
import subprocess
import sys
import time

SHARD = 4


def trivial(block):
    return block[:1, :1]


def build(way, folder, count):
    """Returns the dask collection that does the work, one task for each shard after fusion."""
    import dask.array as da
    import numpy as np
    import zarr_py
    import zarr_py.dask as zd

    shape = (count // 100 * SHARD, 100 * SHARD)
    layout = {"shape": shape, "dtype": "i4", "chunks": (SHARD // 2, SHARD // 2), "shards": (SHARD, SHARD), "overwrite": True}
    blocks = da.ones(shape, chunks=SHARD, dtype="i4")
    if way == "dask: trivial":
        return blocks.map_blocks(trivial, chunks=(1, 1), meta=np.empty((0, 0), "i4"))
    if way == "zarr_py: from_zarr":
        array = zarr_py.create_array(folder / "source", **layout)
        return zd.from_zarr(array).map_blocks(trivial, chunks=(1, 1), meta=np.empty((0, 0), "i4"))
    if way == "zarr_py: store":
        return zd.store(blocks, zarr_py.create_array(folder / "target", **layout), compute=False)
    if way == "zarr_py: store, 1.5 shards":
        blocks = da.ones(shape, chunks=SHARD * 3 // 2, dtype="i4")
        return zd.store(blocks, zarr_py.create_array(folder / "target", **layout), compute=False)
    if way == "dask: 1.5 shards, trivial":
        blocks = da.ones(shape, chunks=SHARD * 3 // 2, dtype="i4")
        return blocks.rechunk(SHARD).map_blocks(trivial, chunks=(1, 1), meta=np.empty((0, 0), "i4"))
    import zarr

    target = zarr.create_array(str(folder / "target"), **layout)
    return da.store(blocks, target, lock=False, compute=False)


WAYS = ["dask: trivial", "zarr_py: from_zarr", "zarr_py: store", "dask: store", "dask: 1.5 shards, trivial", "zarr_py: store, 1.5 shards"]


def cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime + resource.getrusage(resource.RUSAGE_SELF).ru_stime


def measure(way, folder, count):
    import cloudpickle
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        distributed.Client(cluster) as client,
    ):
        before, busy = time.monotonic(), cpu()
        work = build(way, folder, count)
        built = time.monotonic() - before
        size = len(cloudpickle.dumps(work.__dask_graph__()))
        before, busy = time.monotonic(), cpu()
        if hasattr(work, "persist") and not hasattr(work, "key"):
            work = work.persist()
            distributed.wait(work)
        else:
            client.compute(work).result()
        return {
            "tasks": count, "build s": built, "graph MB": size / 1e6, "run s": time.monotonic() - before, "client and scheduler cpu s": cpu() - busy,
            "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shards", type=int, nargs="*", default=[20_000, 100_000])
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=WAYS)
    parser.add_argument("--one")
    arguments = parser.parse_args()
    folder = arguments.folder / "many"
    if arguments.one:
        print(json.dumps(measure(arguments.one, folder, arguments.shards[0])))
        return
    for count in arguments.shards:
        for way in arguments.ways:
            shutil.rmtree(folder, ignore_errors=True)
            result = subprocess.run(
                [sys.executable, __file__, arguments.folder, "--shards", str(count), "--one", way], check=True,
                stdout=subprocess.PIPE, text=True)
            found = json.loads(result.stdout.splitlines()[-1])
            print(f"{way:30}", {name: round(value, 2) for name, value in found.items()}, flush=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
