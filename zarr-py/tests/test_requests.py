"""The number of requests to read an array of 4 shards of 256 inner chunks from a web server."""

import numpy as np
import pytest
import zarr
from counting_server import serve

import zarr_py

SHAPE, SHARD, INNER = (1024, 1024), (512, 512), (32, 32)

# Name, selection, requests with a cold cache, requests with cached indexes.
READS = [
    ("a window over four shards", (slice(362, 662), slice(362, 662)), 8, 4),
    ("one inner chunk", (slice(0, 32), slice(0, 32)), 2, 1),
    ("one column", (slice(None), 5), 4, 2),
    ("all", (slice(None), slice(None)), 4, 4),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    array = zarr.create_array(
        root / "a", shape=SHAPE, shards=SHARD, chunks=INNER, dtype="int32", compressors=zarr.codecs.ZstdCodec(level=1)
    )
    array[:] = data()
    return root


def data():
    return np.random.default_rng(0).integers(0, 1000, SHAPE, dtype="int32")


def readers(url):
    """Yields ways to read the array, each with a fresh cache."""
    with zarr.config.set({"codec_pipeline.path": "zarr_py.CodecPipeline"}):
        yield "pipeline", zarr.open_array(zarr_py.Store(url, allow_http=True, read_only=True), path="a", zarr_format=3)
    yield "array", zarr_py.open_array(url, "a", allow_http=True)


@pytest.mark.parametrize(("name", "selection", "cold", "warm"), READS)
@pytest.mark.parametrize("way", ["pipeline", "array"])
def test_requests(folder, way, name, selection, cold, warm):
    with serve(folder, latency=0.02) as server:
        array = dict(readers(server.url))[way]
        server.take()
        for budget in [cold, warm]:
            read = np.asarray(array[selection])
            requests = server.take()
            assert np.array_equal(read, data()[selection])
            assert len(requests) <= budget, f"{name}: {requests}"
            assert not [request for request in requests if request[0] == "HEAD"]


def test_store_alone_sends_what_zarr_asks_for_and_no_more(folder):
    """Runs zarr-python's own pipeline over our store: an index and one merged range per shard."""
    with serve(folder, latency=0.02) as server:
        array = zarr.open_array(zarr_py.Store(server.url, allow_http=True, read_only=True), path="a", zarr_format=3)
        server.take()
        window = READS[0][1]
        assert np.array_equal(array[window], data()[window])
        assert len(server.take()) <= 8
