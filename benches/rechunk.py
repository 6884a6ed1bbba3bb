"""Rechunks an array from whole time series to sharded maps, in each way that runs here, and prints the
time, the peak memory and the bytes that were read and written.

    python benches/rechunk.py FOLDER [--gib 4] [--memory "512 MiB"] [--ways zarr_py dask ...]

Each way runs in a process of its own. FOLDER needs room for three copies of the data.
"""

import argparse
import json
import pathlib
import resource
import shutil
import subprocess
import sys
import time

SIDE, CHUNK = 512, 16
SHARDS, INNER = (64, SIDE, SIDE), (16, 64, 64)


def make(place, gib):
    """Writes float32 numbers that compress to about half, in chunks of whole series."""
    import numpy as np
    import zarr_py

    steps = gib * 2**30 // (4 * SIDE * SIDE)
    array = zarr_py.create_array(
        place, shape=(steps, SIDE, SIDE), dtype="f4", chunks=(steps, CHUNK, CHUNK), compressors="zstd", overwrite=True)
    random = np.random.default_rng(0)
    for row in range(0, SIDE, CHUNK):
        values = np.cumsum(random.integers(-50, 50, (steps, CHUNK, SIDE), "i4"), axis=0, dtype="i4")
        array[:, row : row + CHUNK] = values.astype("f4") / 10


def zarr_py_(source, target, memory):
    import zarr_py

    zarr_py.rechunk(zarr_py.open_array(source), target / "a", "x", chunks=INNER, shards=SHARDS, memory=memory)


def zarr_py_dask(source, target, memory):
    import zarr_py
    import zarr_py.dask

    lazy = zarr_py.dask.from_zarr(zarr_py.open_array(source))
    zarr_py.dask.to_zarr(lazy.rechunk(SHARDS), target / "a", "x", chunks=INNER, shards=SHARDS)


def dask_zarr(source, target, memory):
    import dask.array
    import zarr

    lazy = dask.array.from_zarr(str(source)).rechunk(SHARDS)
    lazy.store(zarr.create_array(
        str(target / "a" / "x"), shape=lazy.shape, dtype=lazy.dtype, chunks=INNER, shards=SHARDS), lock=False)


def zarrs(source, target, memory):
    subprocess.run(
        ["zarrs_reencode", "--chunk-shape", ",".join(map(str, INNER)), "--shard-shape", ",".join(map(str, SHARDS)),
         source, target / "a" / "x"], check=True, stdout=subprocess.DEVNULL)


WAYS = {"zarr_py": zarr_py_, "zarr_py.dask": zarr_py_dask, "dask": dask_zarr, "zarrs": zarrs}


def used():
    """Returns the peak memory in MiB, and the processor time in seconds, of this process and of finished children."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(one.ru_maxrss for one in found) / 1024, sum(one.ru_utime + one.ru_stime for one in found)


def bytes_moved():
    counts = dict(line.split(": ") for line in pathlib.Path("/proc/self/io").read_text().splitlines())
    return [int(counts[name]) / 1e9 for name in ("rchar", "wchar")]


def measure(way, source, target, memory):
    """Runs one way in this process."""
    started, before = time.monotonic(), bytes_moved()
    WAYS[way](source, target, memory)
    seconds = time.monotonic() - started
    read, written = (after - ahead for after, ahead in zip(bytes_moved(), before, strict=True))
    peak, cpu = used()
    return {"seconds": seconds, "cpu seconds": cpu, "peak MiB": peak, "read GB": read, "written GB": written}


def check(source, target):
    import zarr_py

    if zarr_py.open_array(source)._digest() != zarr_py.open_array(target / "a" / "x")._digest():
        sys.exit("the copy differs from the source")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--gib", type=int, default=4)
    parser.add_argument("--memory", default="512 MiB")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--one")
    arguments = parser.parse_args()
    source, target = arguments.folder / f"source-{arguments.gib}", arguments.folder / "target"
    if arguments.one:
        print(json.dumps(measure(arguments.one, source, target, arguments.memory)))
        return
    if not source.exists():
        make(source, arguments.gib)
    for way in arguments.ways:
        shutil.rmtree(target, ignore_errors=True)
        result = subprocess.run(
            [sys.executable, __file__, arguments.folder, "--gib", str(arguments.gib), "--memory", arguments.memory, "--one", way],
            check=True, stdout=subprocess.PIPE, text=True)
        check(source, target)
        print(way, {name: round(value, 2) for name, value in json.loads(result.stdout).items()}, flush=True)
    shutil.rmtree(target, ignore_errors=True)


if __name__ == "__main__":
    main()
