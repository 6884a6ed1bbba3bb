"""Any selection of any array through the pipeline agrees with NumPy and with zarr-python's own
pipeline.
"""

import tempfile
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_cases import OURS, ZARRS, created, engine_only, opened
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning", "ignore::UserWarning")

DTYPES = [
    np.dtype(name)
    for name in ["bool", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8", "c16", "M8[ms]", "m8[s]", "S3", "U2", "V5"]
] + [np.dtype([("a", "i2"), ("b", "f8")]), np.dtypes.StringDType()]
COMPRESSORS = [None, ZstdCodec(level=1), GzipCodec(level=1), (ZstdCodec(), Crc32cCodec()), BloscCodec(typesize=4)]
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    count = int(np.prod(shape))
    if dtype.kind == "T":
        return np.array(["é" * int(n) for n in rng.integers(0, 5, count)], dtype=dtype).reshape(shape)
    if dtype.kind == "U":
        return rng.integers(0, 90, count).astype(dtype).reshape(shape)
    if dtype.kind in "bSV" or dtype.fields:
        numbers = rng.integers(0, 2 if dtype.kind == "b" else 256, count * dtype.itemsize)
        return numbers.astype("u1").view(dtype).reshape(shape)
    return rng.integers(0, 100, count).astype("i8").astype(dtype).reshape(shape)


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, Any]:
    rank = draw(st.integers(0, 3))
    shape = tuple(draw(st.integers(1, 11)) for _ in range(rank))
    inner = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    options: dict[str, Any] = {
        "shape": shape,
        "chunks": inner,
        "dtype": draw(st.sampled_from(DTYPES)),
        "config": {"order": draw(st.sampled_from("CF"))},
    }
    if draw(st.booleans()):
        options["zarr_format"] = 2
        options["compressors"] = None
        options["order"] = options.pop("config")["order"]
        if draw(st.booleans()) and options["dtype"].kind not in "bSVT" and options["dtype"].itemsize > 1:
            options["dtype"] = options["dtype"].newbyteorder(">")
        return options
    options["compressors"] = draw(st.sampled_from(COMPRESSORS))
    if draw(st.booleans()) and rank > 0:
        options["shards"] = tuple(length * draw(st.integers(1, 4)) for length in inner)
    if draw(st.booleans()) and rank > 0:
        options["filters"] = TransposeCodec(order=draw(st.permutations(range(rank))))
    if draw(st.booleans()) and options["dtype"].kind in "iufcmMU" and options["dtype"].itemsize > 1:
        options["serializer"] = BytesCodec(endian="big")
    return options


@st.composite
def slices(draw: st.DrawFn, length: int) -> slice:
    start, stop = draw(st.integers(0, length)), draw(st.integers(0, length))
    return slice(min(start, stop), max(start, stop), draw(st.integers(1, 4)))


def basic(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(draw(st.integers(-length, length - 1) | slices(length)) for length in shape)


def orthogonal(draw: st.DrawFn, shape: tuple[int, ...], repeats: bool) -> tuple[Any, ...]:
    def axis(length: int) -> Any:
        lists = st.lists(st.integers(-length, length - 1), min_size=1, max_size=6)
        if not repeats:
            lists = lists.map(lambda indices: list({index % length: index for index in indices}.values()))
        masks = st.lists(st.booleans(), min_size=length, max_size=length)
        return draw(
            st.integers(0, length - 1) | slices(length) | lists.map(np.array) | masks.map(lambda mask: np.array(mask))
        )

    return tuple(axis(length) for length in shape)


def as_ix(selection: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    """Returns NumPy's form of an orthogonal selection, and the dimensions to drop."""
    lists = [
        np.arange(length)[part] if isinstance(part, slice) else np.atleast_1d(part)
        for part, length in zip(selection, shape, strict=True)
    ]
    dropped = tuple(axis for axis, part in enumerate(selection) if isinstance(part, int))
    return np.ix_(*lists), dropped


@QUIET
@given(options=arrays(), data=st.data())
def test_what_is_written_is_read(options: dict[str, Any], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_writes(folder, options, data)


def check_writes(store: Any, options: dict[str, Any], data: st.DataObject) -> None:
    """Applies random writes to a new array at the root of a store and to a NumPy array."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shape, draw = options["shape"], data.draw
    ours = created(store, **options)
    dtype = ours.dtype
    expected = np.full(shape, ours.fill_value, dtype=dtype)
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["basic", "oindex", "vindex", "mask"] if shape else ["basic"]))
        with engine_only():
            if how == "basic":
                selection = basic(draw, shape)
                new = values(rng, np.shape(expected[selection]), dtype)
                new = draw(st.sampled_from([new, np.asfortranarray(new)])) if new.ndim else new[()]
                ours[selection] = new
                expected[selection] = new
            elif how == "oindex":
                selection = orthogonal(draw, shape, repeats=False)
                at, dropped = as_ix(selection, shape)
                new = values(rng, expected[at].shape, dtype)
                ours.oindex[selection] = new.squeeze(axis=dropped)
                expected[at] = new
            elif how == "vindex":
                count = draw(st.integers(1, 6))
                flat = rng.choice(expected.size, min(count, expected.size), replace=False)
                at = np.unravel_index(flat, shape)
                new = values(rng, flat.shape, dtype)
                ours.vindex[at] = new
                expected[at] = new
            else:
                mask = rng.random(shape) < 0.3
                new = values(rng, (int(mask.sum()),), dtype)
                if new.size:
                    ours.vindex[mask] = new
                    expected[mask] = new
        with engine_only():
            assert_same(ours[...], expected)
        assert_same(opened(store, ZARRS)[...], expected)


@QUIET
@given(options=arrays(), data=st.data())
def test_what_others_wrote_is_read(options: dict[str, Any], data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shape, draw = options["shape"], data.draw
    with tempfile.TemporaryDirectory() as folder:
        dtype = created(folder, **options).dtype
        expected = values(rng, shape, dtype)
        theirs = opened(folder, ZARRS)
        theirs[...] = expected
        config = {"order": draw(st.sampled_from("CF"))}
        config = {} if options.get("zarr_format") == 2 else {"config": config}
        ours, whole_of_theirs = opened(folder, OURS, **config), opened(folder, ZARRS, **config)[...]
        with engine_only():
            whole = ours[...]
            assert_same(whole, expected)
            assert type(whole) is type(whole_of_theirs)
            assert np.asarray(whole).strides == np.asarray(whole_of_theirs).strides
            for _ in range(5):
                selection = basic(draw, shape)
                assert_same(ours[selection], expected[selection])
                if not shape:
                    continue
                selection = orthogonal(draw, shape, repeats=True)
                at, dropped = as_ix(selection, shape)
                assert_same(ours.oindex[selection], expected[at].squeeze(axis=dropped))
                at = tuple(rng.integers(-length, length, 7) for length in shape)
                assert_same(ours.vindex[at], expected[at])
                at = tuple(rng.integers(0, length, (2, 3)) for length in shape)
                assert_same(ours.vindex[at], expected[at])
                mask = rng.random(shape) < 0.4
                assert_same(ours.vindex[mask], expected[mask])
                block = tuple(int(rng.integers(0, count)) for count in ours._shard_grid_shape)
                assert_same(ours.blocks[block], theirs_block(expected, block, ours))


def theirs_block(expected: np.ndarray[Any, Any], block: tuple[int, ...], array: Any) -> np.ndarray[Any, Any]:
    lengths = array.shards or array.chunks
    return expected[tuple(slice(b * n, (b + 1) * n) for b, n in zip(block, lengths, strict=True))]


def assert_same(found: Any, expected: Any) -> None:
    """Whether elements are equal. NumPy treats NaNs inside structs as unequal, so structs compare
    by their bytes.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if expected.dtype.names is not None:
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()
    else:
        np.testing.assert_array_equal(found, expected)
