"""Opens a data set of many variables on S3 with latency, and loads one variable, in several ways.

    xarray_s3.py [--variables 200] [--latency 0.02] [--repeats 5]

Installs and starts SeaweedFS below target/servers. Needs `zarr_py`, zarr, zarrs, s3fs and obstore.
Prints a table: the requests, and the least and the median time of each way. The elements of all ways are compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import xarray as xr
import zarr
import zarrs  # noqa: F401  the import registers the pipeline
from obstore.store import S3Store
from zarr.storage import ObjectStore

import zarr_py
import zarr_py.xarray
from zarr_py import _shared

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "zarr-py/tests"))

from counting_proxy import proxied  # noqa: E402


def data_set(variables: int) -> xr.Dataset:
    shape = (16, 32, 32)
    names = ("time", "y", "x")
    made = {f"v{number}": (names, np.full(shape, number, "f4")) for number in range(variables)}
    coordinates = {name: np.arange(length) for name, length in zip(names, shape, strict=True)}
    big = np.random.default_rng(0).integers(0, 1000, (64, 256, 256)).astype("f4")
    return xr.Dataset({**made, "big": (("t", "u", "v"), big)}, coordinates)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--variables", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    folder = os.environ.get("ZARR_SERVERS_FOLDER", ROOT / "target/servers")
    command = [sys.executable, ROOT / "tests/python/servers.py", folder, "seaweedfs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
        assert servers.stdout is not None
        server = json.loads(servers.stdout.readline())["servers"][0]
        with proxied(server["options"]["endpoint"]) as proxy:
            measure(proxy, server["url"], {**server["options"], "endpoint": proxy.url}, given)
        servers.stdin.close()


def measure(proxy, url, options, given) -> None:
    data = data_set(given.variables)
    places = {}
    for name, consolidated in (("consolidated", True), ("not consolidated", False)):
        places[name] = f"{url}/{uuid.uuid4()}"
        encoding = {"big": {"chunks": (8, 64, 64), "shards": (32, 256, 256)}}
        zarr_py.xarray.to_zarr(data, places[name], consolidated=consolidated, encoding=encoding, storage_options=options)

    def other(place):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        client = S3Store(
            bucket, prefix=prefix, endpoint=options["endpoint"], region="us-east-1", client_options={"allow_http": True},
            access_key_id=options["access_key_id"], secret_access_key=options["secret_access_key"], virtual_hosted_style_request=False)
        return ObjectStore(client, read_only=True)

    def ours(place, **more):
        # Each run gets a new client, as in a new process.
        _shared._recent.clear()
        _shared._stores.clear()
        return xr.open_dataset(place, engine="zarr_py", storage_options=options, **more)

    ways = {}
    for name, place in places.items():
        consolidated = name == "consolidated"
        ways[f"open, zarr_py, {name}"] = lambda place=place: ours(place)
        ways[f'open, engine="zarr", {name}'] = lambda place=place, consolidated=consolidated: xr.open_zarr(
            other(place), consolidated=consolidated, chunks=None)
    place = places["consolidated"]
    loading = {"load, zarr_py": lambda: ours(place)["big"].load()}
    pipelines = {
        "zarr-python": "zarr.core.codec_pipeline.BatchedCodecPipeline",
        "zarr-python, fused": "zarr.core.codec_pipeline.FusedCodecPipeline",
        "zarrs": "zarrs.ZarrsCodecPipeline",
        "zarr_py's pipeline": "zarr_py.CodecPipeline",
    }

    def loaded(path):
        with zarr.config.set({"codec_pipeline.path": path}):
            return xr.open_zarr(other(place), consolidated=True, chunks=None)["big"].load()

    for name, path in pipelines.items():
        loading[f"load, {name}"] = lambda path=path: loaded(path)
    proxy.latency = given.latency
    print(f"{given.variables} variables, {1000 * given.latency:.0f} ms latency, least and median of {given.repeats}")
    for name, run in {**ways, **loading}.items():
        times, counts = [], []
        try:
            for _ in range(given.repeats):
                before, started = len(proxy.requests), time.perf_counter()
                found = run()
                times.append(time.perf_counter() - started)
                counts.append(len(proxy.requests) - before)
        except Exception as error:  # noqa: BLE001
            print(f"{name:45} failed: {type(error).__name__}: {str(error)[:100]}")
            continue
        expected = data["big"] if name.startswith("load") else data
        if name.startswith("load"):
            np.testing.assert_array_equal(found.values, expected.values)
        else:
            assert set(found.variables) == set(expected.variables)
        print(f"{name:45} {min(counts):5} requests {1000 * min(times):8.0f} {1000 * statistics.median(times):8.0f} ms", flush=True)


if __name__ == "__main__":
    main()
