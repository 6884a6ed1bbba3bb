"""Our codecs in zarr-python: found by name, in both pipelines, with identical bytes; and
`zarr_py.use`.
"""

import subprocess
import sys

import numpy as np
import pytest
import zarr
import zarr.registry
import zarr_py
from zarr.core.codec_pipeline import BatchedCodecPipeline

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
CHAINS = {
    "packbits": ([{"name": "packbits"}], "bool"),
    "packbits-uint4": ([{"name": "packbits", "configuration": {"first_bit": 0, "last_bit": 11}}], "uint16"),
    "zfp": ([{"name": "zfp", "configuration": {"mode": "reversible"}}], "float32"),
    "bitround": ([{"name": "bitround", "configuration": {"keepbits": 4}}, LITTLE, {"name": "zstd", "configuration": {"level": 1, "checksum": False}}], "float64"),
    "reshape": ([{"name": "reshape", "configuration": {"shape": [[0, 1]]}}, LITTLE], "int32"),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("pipeline", ["zarr_py.CodecPipeline", "zarr.core.codec_pipeline.BatchedCodecPipeline"])
def test_codecs_that_zarr_python_lacks(name, pipeline, tmp_path) -> None:
    codecs, dtype = CHAINS[name]
    ours = zarr_py.create_array(
        str(tmp_path), "ours", shape=(10, 9), dtype=dtype, chunks=(4, 4), filters=[codec for codec in codecs[:-1] if codec["name"] in ("bitround", "reshape")],
        serializer=next(codec for codec in codecs if codec["name"] not in ("bitround", "reshape", "zstd")),
        compressors=[codec for codec in codecs if codec["name"] == "zstd"])
    data = (np.random.default_rng(1).random((10, 9)) * 200).astype(dtype)
    ours[...] = data
    with zarr.config.set({"codec_pipeline.path": pipeline}):
        theirs = zarr.open_array(str(tmp_path), path="ours", mode="r+")
        assert np.array_equal(theirs[...], ours[...]) and np.array_equal(theirs[3:7, ::2], ours[3:7, ::2])
        assert zarr_py.explain(theirs).native == (pipeline == "zarr_py.CodecPipeline")
        before = {block: bytes(ours.read_encoded(block)) for block in np.ndindex(3, 3)}
        theirs[...] = data
        assert {block: bytes(ours.read_encoded(block)) for block in np.ndindex(3, 3)} == before
        theirs[0, 0] = data[1, 1]
        assert ours[0, 0] == theirs[0, 0]


def test_each_codec_is_found_by_an_entry_point_and_by_use() -> None:
    from importlib.metadata import entry_points

    from zarr_py._zarr_codecs import CODECS

    named = {point.name: point.load() for point in entry_points(group="zarr.codecs") if point.value.startswith("zarr_py")}
    assert named == {codec.name: codec for codec in CODECS}
    for codec in CODECS:
        found = zarr.registry.get_codec_class(codec.name).from_dict({"name": codec.name, "configuration": {"a": 1}})
        assert found.to_dict() == {"name": codec.name, "configuration": {"a": 1}} and hash(found) == hash(type(found)({"a": 1}))


def test_use_is_for_a_time_or_for_good() -> None:
    before = zarr.config.get("codec_pipeline.path")
    with zarr_py.use(async__concurrency=7):
        assert zarr.config.get("codec_pipeline.path") == "zarr_py.CodecPipeline" and zarr.config.get("async.concurrency") == 7
        assert zarr_py.explain(zarr.zeros((4,), store={})).native
    assert zarr.config.get("codec_pipeline.path") == before and zarr.config.get("async.concurrency") != 7
    assert zarr.registry.get_pipeline_class() is BatchedCodecPipeline


def test_use_keeps_codecs_of_others() -> None:
    text = """
import zarr.registry
from zarr.codecs import BytesCodec
class Mine(BytesCodec): pass
zarr.registry.register_codec("zfp", Mine)
import zarr_py
zarr_py.use()
registry = zarr.registry._codec_registries["zfp"]
assert list(registry.values()) == [Mine], registry
"""
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


@pytest.mark.parametrize("name", ["Store()", "CodecPipeline", "use()"])
def test_without_zarr_python_it_is_said_what_to_install(name) -> None:
    text = f"""
import sys
sys.modules["zarr"] = None
import zarr_py
array = zarr_py.create_array("memory:", data=[1, 2])
assert array[1] == 2
try:
    zarr_py.{name}
except ModuleNotFoundError as error:
    assert "pip install 'zarr_py[zarr]'" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)
