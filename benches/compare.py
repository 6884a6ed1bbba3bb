"""Compares this engine with zarrs and tensorstore in one run, interleaved, on the same data.

    python benches/compare.py [--n 512] [--rounds 5] [--folder DIR]

Needs numpy, tensorstore, and a previous `cargo build --release` in this folder. Prints a table of
the least CPU and wall milliseconds of each implementation, and our ratio to the better peer in CPU
time. Checks that all results are equal. The page cache is warm.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorstore as ts

HERE = pathlib.Path(__file__).parent
WORKERS = ["ours", "zarrs", "tensorstore"]


def source(n, noisy):
    """Returns a smooth n^3 field of uint16, with added noise if `noisy`."""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 6, n, dtype="f4")
    wave = np.sin(x)[:, None, None] * np.cos(x)[None, :, None] + np.sin(2 * x)[None, None, :]
    data = (1000 + 300 * wave).astype("u2")
    if noisy:
        data += rng.integers(0, 256, size=data.shape, dtype="u2")
    return data


def codecs(kind):
    chain = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if kind == "zstd":
        chain.append({"name": "zstd", "configuration": {"level": 1, "checksum": False}})
    if kind == "blosc":
        blosc = {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 2, "blocksize": 0}
        chain.append({"name": "blosc", "configuration": blosc})
    return chain


def metadata(n, kind, sharded):
    chunk, inner = n // 2, n // 8
    chain = codecs(kind)
    if sharded:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        sharding = {"chunk_shape": [inner] * 3, "codecs": chain, "index_codecs": index, "index_location": "end"}
        chain = [{"name": "sharding_indexed", "configuration": sharding}]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [n] * 3,
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [chunk] * 3}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": chain,
        "attributes": {},
    }


def open_ts(path):
    return ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}).result()


def create(path, n, kind, sharded):
    path.mkdir(parents=True)
    (path / "zarr.json").write_text(json.dumps(metadata(n, kind, sharded)))


class Tensorstore:
    """A worker for tensorstore in its own process, with the protocol of the Rust workers."""

    def __init__(self):
        self.data = None

    def answer(self, request):
        path, case = request["path"], request["case"]
        if case == "write_all" and self.data is None:
            self.data = open_ts(request["source"]).read().result()
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        checksum = 0
        if case == "read_all":
            data = open_ts(path).read().result()
        elif case == "read_boxes":
            array = open_ts(path)
            for low, high in request["boxes"]:
                box = array[tuple(slice(a, b) for a, b in zip(low, high))].read().result()
                checksum += int(box.flat[0]) + box.size
        else:
            # Durability is off, since the other implementations do not sync either.
            spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": path, "file_io_sync": False}}
            ts.open(spec).result()[...].write(self.data).result()
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if case == "read_all":
            part = data.reshape(-1)[::7].astype("u8")
            position = np.arange(part.size, dtype="u8") % np.uint64(65521)
            checksum = int((position * part).sum(dtype="u8"))
        return {"wall_ms": wall * 1e3, "cpu_ms": cpu * 1e3, "checksum": str(checksum)}

    def serve(self):
        for line in sys.stdin:
            print(json.dumps(self.answer(json.loads(line))), flush=True)


def start(worker):
    binary = HERE / "target" / "release" / "zarr-benches"
    command = [sys.executable, __file__, "--worker"] if worker == "tensorstore" else [binary, worker]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process, request):
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        sys.exit(f"a worker died on {request['case']}")
    return json.loads(line)


def boxes(n, count, size, aligned):
    rng = np.random.default_rng(2)
    if aligned:
        starts = rng.integers(0, n // size, size=(count, 3)) * size
    else:
        starts = rng.integers(0, n - size, size=(count, 3))
    return [[s.tolist(), (s + size).tolist()] for s in starts]


def every_inner(n):
    inner = n // 8
    grid = np.indices((8, 8, 8)).reshape(3, -1).T * inner
    return [[s.tolist(), (s + inner).tolist()] for s in grid]


def cases(n, folder):
    stored = {}
    for noisy in [False, True]:
        data = source(n, noisy)
        for kind in ["raw", "zstd", "blosc"]:
            for sharded in [False, True]:
                if (noisy and not (kind == "zstd" and sharded)) or (kind == "blosc" and not sharded):
                    continue
                path = folder / f"{kind}-{'sharded' if sharded else 'chunks'}{'-noisy' if noisy else ''}"
                create(path, n, kind, sharded)
                open_ts(path)[...].write(data).result()
                stored[path.name] = str(path)
    for name, path in stored.items():
        yield f"read all, {name}", lambda worker, path=path: {"case": "read_all", "path": path}
    for name in ["raw-sharded", "zstd-sharded", "blosc-sharded"]:
        path = stored[name]
        yield f"every inner chunk, {name}", lambda worker, path=path: {
            "case": "read_boxes", "path": path, "boxes": every_inner(n)}
        yield f"300 random aligned boxes, {name}", lambda worker, path=path: {
            "case": "read_boxes", "path": path, "boxes": boxes(n, 300, n // 8, True)}
        yield f"300 random unaligned boxes, {name}", lambda worker, path=path: {
            "case": "read_boxes", "path": path, "boxes": boxes(n, 300, 50 * n // 512, False)}
    for kind, sharded in [("raw", False), ("zstd", False), ("raw", True), ("zstd", True), ("blosc", True)]:
        name = f"{kind}-{'sharded' if sharded else 'chunks'}"

        def request(worker, kind=kind, sharded=sharded, name=name):
            path = folder / "written" / f"{name}-{worker}"
            shutil.rmtree(path, ignore_errors=True)
            create(path, n, kind, sharded)
            return {"case": "write_all", "path": str(path), "source": stored["raw-chunks"]}

        yield f"write all, {name}", request


def check_written(folder):
    expected = None
    for path in sorted((folder / "written").iterdir()):
        data = open_ts(path).read().result()
        expected = data if expected is None else expected
        assert np.array_equal(data, expected), f"{path.name} differs"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    if arguments.worker:
        return Tensorstore().serve()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        folder = pathlib.Path(folder)
        workers = {worker: start(worker) for worker in WORKERS}
        print(f"| n = {arguments.n} | ours cpu / wall | zarrs | tensorstore | ours : better peer, cpu |\n|---|---|---|---|---|")
        for name, request in cases(arguments.n, folder):
            if arguments.only not in name:
                continue
            best = {worker: (float("inf"), float("inf")) for worker in WORKERS}
            for _ in range(arguments.rounds):
                answers = {worker: ask(process, request(worker)) for worker, process in workers.items()}
                assert len({answer["checksum"] for answer in answers.values()}) == 1, f"{name}: results differ"
                for worker, answer in answers.items():
                    cpu, wall = best[worker]
                    best[worker] = (min(cpu, answer["cpu_ms"]), min(wall, answer["wall_ms"]))
            times = " | ".join(f"{cpu:.0f} / {wall:.0f}" for cpu, wall in best.values())
            peer = min(best[worker][0] for worker in WORKERS[1:])
            print(f"| {name} | {times} | {best['ours'][0] / peer:.2f} |", flush=True)
        if (folder / "written").exists():
            check_written(folder)
        for process in workers.values():
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    main()
