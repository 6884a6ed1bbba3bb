"""Compares zarr_py with other ways to access Zarr from Python, interleaved, on the same data.

    python benches/python.py [--rounds 7] [--only TEXT] [--folder DIR] [--part arrays|store|foreign|open]

Needs numpy, zarr, zarrs, zarrista, tensorstore, obstore, and zarr_py installed from a release
wheel. Prints tables of the least wall and CPU milliseconds of each. Checks that all results are
equal. The page cache is warm.

Geometry A is 512^3 uint16 in shards of 256^3 and inner chunks of 64^3. Geometry B is 4096^2 int32
in shards of 1024^2 and inner chunks of 64^2. Both use zstd at level 1.
"""

import argparse
import asyncio
import contextlib
import pathlib
import resource
import shutil
import sys
import tempfile
import time
import warnings

import numpy as np
import obstore
import tensorstore as ts
import zarr
import zarrista
import zarrs  # noqa: F401  the import registers the pipeline

import zarr_py

PIPELINES = {
    "zarr": "zarr.core.codec_pipeline.BatchedCodecPipeline",
    "zarr fused": "zarr.core.codec_pipeline.FusedCodecPipeline",
    "zarrs": "zarrs.ZarrsCodecPipeline",
    "ours": "zarr_py.CodecPipeline",
}


def geometry_a():
    n = 512
    x = np.linspace(0, 6, n, dtype="f4")
    wave = np.sin(x)[:, None, None] * np.cos(x)[None, :, None] + np.sin(2 * x)[None, None, :]
    return (1000 + 300 * wave).astype("u2"), (256,) * 3, (64,) * 3


def geometry_b():
    n = 4096
    x = np.linspace(0, 60, n, dtype="f4")
    field = 1000 * np.sin(x)[:, None] * np.cos(x)[None, :]
    noise = np.random.default_rng(0).integers(0, 16, (n, n), dtype="i4")
    return field.astype("i4") + noise, (1024,) * 2, (64,) * 2


def create(path, data, shards, chunks):
    array = zarr.create_array(
        path, shape=data.shape, dtype=data.dtype, shards=shards, chunks=chunks,
        compressors=zarr.codecs.ZstdCodec(level=1), overwrite=True,
    )
    array[...] = data


class Way:
    """A way to access an array: `read(selection)` and, if supported, `write(selection, data)`."""

    def __init__(self, path):
        self.path = path

    def read(self, selection):
        raise NotImplementedError

    write = None


class Zarr(Way):
    def __init__(self, path, pipeline, store=None):
        super().__init__(path)
        self.config = {"codec_pipeline.path": PIPELINES[pipeline]}
        with zarr.config.set(self.config):
            self.array = zarr.open_array(store or path)

    def read(self, selection):
        with zarr.config.set(self.config):
            return self.array[selection]

    def write(self, selection, data):
        with zarr.config.set(self.config):
            self.array[selection] = data


class Tensorstore(Way):
    def __init__(self, path):
        super().__init__(path)
        kvstore = {"driver": "file", "path": str(path), "file_io_sync": False}
        self.array = ts.open({"driver": "zarr3", "kvstore": kvstore}).result()

    def read(self, selection):
        return self.array[selection].read().result()

    def write(self, selection, data):
        self.array[selection].write(data).result()


class Zarrista(Way):
    def __init__(self, path):
        super().__init__(path)
        self.array = zarrista.Array.open(zarrista.store.FilesystemStore(str(path)), "/")

    def read(self, selection):
        return np.asarray(self.array[selection])


class Native(Way):
    def __init__(self, path):
        super().__init__(path)
        self.array = zarr_py.open_array(str(path))

    def read(self, selection):
        return self.array[selection]

    def write(self, selection, data):
        self.array[selection] = data


def ways(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "zarr": Zarr(path, "zarr"),
            "zarr, fused": Zarr(path, "zarr fused"),
            "zarr, zarrs": Zarr(path, "zarrs"),
            "zarr, ours": Zarr(path, "ours"),
            "zarr, ours, our Store": Zarr(path, "ours", zarr_py.Store(str(path))),
            "tensorstore": Tensorstore(path),
            "zarrista": Zarrista(path),
            "zarr_py.Array": Native(path),
        }


def measure(work, repeats):
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for _ in range(repeats):
        result = work()
    wall = (time.perf_counter() - start) / repeats
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / repeats
    return wall * 1e3, cpu * 1e3, result


def cases(data, shards, chunks):
    """Yields name, selection, repeats per measurement, and whether the case writes."""
    whole = tuple(slice(0, n) for n in data.shape)
    inner = tuple(slice(2 * c, 3 * c) for c in chunks)
    row = (inner[0],) * (data.ndim - 1) + (slice(None),)
    yield "read all", whole, 1, False
    yield "read one inner chunk", inner, 50, False
    yield "read a row of inner chunks", row, 10, False
    yield "write all", whole, 1, True
    yield "write one inner chunk", inner, 5, True


def arrays(folder, rounds, only):
    for geometry, make in [("A", geometry_a), ("B", geometry_b)]:
        data, shards, chunks = make()
        read_path = folder / geometry
        create(read_path, data, shards, chunks)
        readers = ways(read_path)
        writers = {}
        for name in readers:
            path = folder / f"{geometry}-{name.replace(' ', '').replace(',', '-')}"
            create(path, data, shards, chunks)
            writers[name] = ways(path)[name]
        table(geometry, data, shards, chunks, readers, writers, rounds, only)
        shutil.rmtree(read_path)
        for way in writers.values():
            shutil.rmtree(way.path)


def foreign(rounds, only):
    """Measures reads and writes of arrays in an fsspec memory store."""
    for geometry, make in [("A", geometry_a), ("B", geometry_b)]:
        data, shards, chunks = make()
        place = zarr.storage.FsspecStore.from_url(f"memory://{geometry}")
        create(place, data, shards, chunks)
        pipelines = {"zarr": "zarr", "zarr, fused": "zarr fused", "zarr, ours": "ours"}
        found = {name: Zarr(None, pipeline, place) for name, pipeline in pipelines.items()}
        table(f"{geometry}, fsspec", data, shards, chunks, found, found, rounds, only)


def table(geometry, data, shards, chunks, readers, writers, rounds, only):
    """Measures each case in every way, one after the other in each round."""
    print(f"\n| {geometry}: wall / CPU ms | " + " | ".join(readers) + " |\n|" + "---|" * (1 + len(readers)))
    for name, selection, repeats, written in cases(data, shards, chunks):
        if only not in name:
            continue
        best = {}
        for _ in range(rounds):
            for way_name, way in (writers if written else readers).items():
                if written and way.write is None:
                    continue
                if written:
                    part = data[selection] ^ 1
                    wall, cpu, _ = measure(lambda: way.write(selection, part), repeats)
                    assert np.array_equal(way.read(selection), part), f"{way_name} wrote something else"
                    way.write(selection, data[selection])
                else:
                    wall, cpu, found = measure(lambda: way.read(selection), repeats)
                    assert np.array_equal(found, data[selection]), f"{way_name} read something else"
                least = best.get(way_name, (wall, cpu))
                best[way_name] = (min(least[0], wall), min(least[1], cpu))
        cells = [f"{best[n][0]:.3g} / {best[n][1]:.3g}" if n in best else "-" for n in readers]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def store(folder, rounds):
    """Measures single gets and listings of the stores alone."""
    from zarr.core.buffer import default_buffer_prototype
    from zarr.storage import LocalStore, ObjectStore

    prototype = default_buffer_prototype()
    root = folder / "store"
    (root / "many").mkdir(parents=True)
    value = np.random.default_rng(0).bytes(64 << 10)
    (root / "chunk").write_bytes(value)
    for number in range(100_000):
        directory = root / "many" / f"{number // 1000:03}"
        if number % 1000 == 0:
            directory.mkdir()
        (directory / str(number)).touch()
    stores = {
        "LocalStore": LocalStore(root),
        "ObjectStore(obstore)": ObjectStore(obstore.store.LocalStore(str(root))),
        "zarr_py.Store": zarr_py.Store(str(root)),
    }

    async def gets(one, count):
        for _ in range(count):
            found = await one.get("chunk", prototype)
        return found

    async def keys(one):
        return [key async for key in one.list_prefix("many/")]

    async def obstore_keys():
        return [m["path"] async for batch in obstore.list(obstore.store.LocalStore(str(root)), "many") for m in batch]

    def timed_async(work):
        async def inside():
            start = time.perf_counter()
            result = await work()
            return time.perf_counter() - start, result

        return asyncio.run(inside())

    best = {}
    for _ in range(rounds):
        for name, one in stores.items():
            seconds, found = timed_async(lambda: gets(one, 1000))
            assert found.to_bytes() == value
            best[name, "get"] = min(seconds / 1000, best.get((name, "get"), 1e9))
            if hasattr(one, "get_sync"):
                start = time.perf_counter()
                for _ in range(1000):
                    found = one.get_sync("chunk", prototype=prototype)
                seconds = time.perf_counter() - start
                assert found.to_bytes() == value
                best[name, "get_sync"] = min(seconds / 1000, best.get((name, "get_sync"), 1e9))
            seconds, found = timed_async(lambda: keys(one))
            assert len(found) == 100_000
            best[name, "list"] = min(seconds, best.get((name, "list"), 1e9))
        seconds, found = timed_async(obstore_keys)
        assert len(found) == 100_000
        best["obstore itself", "list"] = min(seconds, best.get(("obstore itself", "list"), 1e9))
    print("\n| store | get 64 KiB, us | get_sync 64 KiB, us | list 100,000 keys, ms |\n|---|---|---|---|")
    for name in [*stores, "obstore itself"]:
        row = [best.get((name, what)) for what in ("get", "get_sync", "list")]
        scale = [1e6, 1e6, 1e3]
        cells = [f"{value * by:.3g}" if value else "-" for value, by in zip(row, scale)]
        print(f"| {name} | " + " | ".join(cells) + " |")
    shutil.rmtree(root)


def opening(folder, rounds):
    """CPU milliseconds to open 1,000 small arrays, each by its own path or as a child of a group."""
    root = folder / "many"
    group = zarr_py.create_group(root)
    names = [f"a{number}" for number in range(1000)]
    for name in names:
        group.create_array(name, shape=(100, 100), dtype="f4", chunks=(10, 10))
    paths = [str(root / name) for name in names]
    theirs = zarr.open_group(root, mode="r")
    files = zarrista.store.FilesystemStore
    at_root = files(str(root))
    ways = {
        "zarr": (lambda: [zarr.open_array(path, mode="r") for path in paths], lambda: [theirs[name] for name in names]),
        "zarrista": (
            lambda: [zarrista.Array.open(files(path), "/") for path in paths],
            lambda: [zarrista.Array.open(at_root, f"/{name}") for name in names]),
        "ours": (lambda: [zarr_py.open_array(path) for path in paths], lambda: [group[name] for name in names]),
    }
    best = {}
    for _ in range(rounds):
        for name, both in ways.items():
            for at, work in enumerate(both):
                start = time.process_time()
                kept = work()
                best[name, at] = min(best.get((name, at), 1e9), time.process_time() - start)
                del kept
    print("\n| 1,000 arrays opened, CPU ms | " + " | ".join(ways) + " |\n|" + "---|" * (1 + len(ways)))
    for at, what in enumerate(("`open_array(path)`", "`group[name]`")):
        print(f"| {what} | " + " | ".join(f"{best[name, at] * 1000:.1f}" for name in ways) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument("--folder")
    parser.add_argument("--part", choices=["arrays", "store", "foreign", "open"])
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        if arguments.part in (None, "arrays"):
            arrays(folder, arguments.rounds, arguments.only)
        if arguments.part in (None, "foreign"):
            foreign(arguments.rounds, arguments.only)
        if arguments.part in (None, "store"):
            store(folder, arguments.rounds)
        if arguments.part in (None, "open"):
            opening(folder, arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
