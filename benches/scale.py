"""Compares ours, zarrs, tensorstore and zarr-python at sizes where some fall off a cliff.

One run measures all of them on the same data.

    python benches/scale.py [--rounds 3] [--only NAME[,NAME...]] [--peers zarrs,tensorstore,zarr] [--folder DIR]

Needs numpy, tensorstore, zarr, and a previous `cargo build --release` in this folder. Each
measurement runs in its own process, so that its peak memory can be measured; rounds interleave the
implementations. Prints the least wall and CPU milliseconds and the peak memory of each. Checks that
all results are equal. The page cache is warm, and cases that read part of the shard know its index.
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
from numcodecs.checksum32 import CRC32C

HERE = pathlib.Path(__file__).parent
INNER, INNER_CHUNKS = 64, 1 << 20
ALL = INNER * INNER_CHUNKS
LARGE, LARGE_COUNT = 32 << 20, 8

# Each case, with the arrays that it writes, which are created anew for each measurement.
CASES = {
    "one_inner": [],
    "random_inner": [],
    "points": [],
    "read_shard": [],
    "write_shard": ["empty_shard"],
    "write_objects": ["small_chunks"],
    "shrink": ["sparse"],
    "list_consolidated": [],
    "open_many": [],
    "own_pool": [],
    "own_pool_copy": ["large_chunks_copy"],
}
# The arrays that a case reads, created once for all measurements; by default "shard".
READ = {
    "write_shard": ["raw"],
    "write_objects": ["raw"],
    "shrink": [],
    "list_consolidated": [],
    "open_many": [],
    "own_pool": ["large_chunks"],
    "own_pool_copy": ["large_chunks"],
}
# The cases that an implementation does not support, or does not finish within an hour.
LACKS = {
    "zarrs": {"points", "shrink", "list_consolidated"},
    "tensorstore": {"shrink", "list_consolidated", "own_pool", "own_pool_copy"},
    "zarr": {"one_inner", "random_inner", "points", "read_shard", "write_shard", "write_objects", "shrink", "own_pool", "own_pool_copy"},
}


def array(shape, chunk, inner=None):
    codecs = [{"name": "bytes"}]
    if inner:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        sharding = {"chunk_shape": [inner], "codecs": codecs, "index_codecs": index, "index_location": "end"}
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [shape],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [chunk]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": codecs,
        "attributes": {},
    }


def put(path, document):
    path.mkdir(parents=True, exist_ok=True)
    (path / "zarr.json").write_text(json.dumps(document))


def make(folder, name, shards=10**9):
    """Creates one array anew, with data if cases read it. `sparse` has `shards` possible shards."""
    shutil.rmtree(folder / name, ignore_errors=True)
    documents = {
        "shard": array(ALL, ALL, INNER),
        "empty_shard": array(ALL, ALL, INNER),
        "raw": array(ALL, ALL),
        "small_chunks": array(65_536 * INNER, INNER),
        "sparse": array(shards * INNER, INNER, 8),
        "large_chunks": array(LARGE * LARGE_COUNT, LARGE),
        "large_chunks_copy": array(LARGE * LARGE_COUNT, LARGE),
    }
    put(folder / name, documents[name])
    data = np.random.default_rng(1).integers(1, 256, documents[name]["shape"][0] if name in ("shard", "raw", "large_chunks") else 0, dtype="u1")
    if name == "shard":
        write_chunk(folder / name, 0, data.tobytes() + shard_index(data.size))
    elif name in ("raw", "large_chunks"):
        chunk = documents[name]["chunk_grid"]["configuration"]["chunk_shape"][0]
        for at in range(0, data.size, chunk):
            write_chunk(folder / name, at // chunk, data[at : at + chunk].tobytes())
    elif name == "sparse":
        for at in (0, shards - 1):
            open_ts(folder / name)[at * INNER : (at + 1) * INNER].write(np.ones(INNER, "u1")).result()


def shard_index(size):
    """Returns the shard index of contiguous raw inner chunks."""
    offsets = np.arange(0, size, INNER, dtype="<u8")
    index = np.stack([offsets, np.full_like(offsets, INNER)], axis=1)
    return bytes(CRC32C(location="end").encode(index))


def write_chunk(path, number, content):
    (path / "c").mkdir(exist_ok=True)
    (path / "c" / str(number)).write_bytes(content)


def make_groups(folder):
    for i in range(1000):
        put(folder / "many" / str(i), array(100, 10))
    put(folder / "many", {"zarr_format": 3, "node_type": "group"})


def make_consolidated(folder, count):
    nodes = {}
    for group in range(count // 100):
        nodes[f"g{group}"] = {"zarr_format": 3, "node_type": "group", "attributes": {}}
        nodes |= {f"g{group}/a{i}": array(1000, 100, 10) for i in range(99)}
    consolidated = {"kind": "inline", "must_understand": False, "metadata": nodes}
    put(folder / "consolidated", {"zarr_format": 3, "node_type": "group", "attributes": {}, "consolidated_metadata": consolidated})


# The Python workers.


def open_ts(path):
    import tensorstore as ts

    return ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path), "file_io_sync": False}}).result()


def random(count, end):
    """Returns pseudo-random numbers below `end`, those of `random` in scale.rs."""
    mask = (1 << 64) - 1

    def step(x):
        return ((x ^ (x >> 31)) * 0x9E3779B97F4A7C15) & mask

    return [step(step((i * 0xD6E8FEB86659FD93) & mask)) % end for i in range(1, count + 1)]


def checksum(data):
    position = np.arange(data.size, dtype="u8") % np.uint64(65521)
    return int((position * data.astype("u8")).sum(dtype="u8"))


def number(value):
    return np.array([value], "<u8").view("u1")


def peak_mib():
    """Returns the peak resident memory in MiB; `ru_maxrss` would include the parent's memory."""
    [line] = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def tensorstore_case(case, folder):
    import tensorstore as ts

    def cached(name):
        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(folder / name)}, "context": {"cache_pool": {"total_bytes_limit": 10**9}},
                "recheck_cached_data": False}
        opened = ts.open(spec).result()
        opened[INNER : 2 * INNER].read().result()
        return opened

    def inner(opened, at):
        return opened[at * INNER : (at + 1) * INNER].read().result()

    if case == "one_inner":
        opened = cached("shard")
        return lambda: inner(opened, 777_777)
    if case == "random_inner":
        opened, numbers = cached("shard"), random(1000, INNER_CHUNKS)
        return lambda: np.concatenate([read.result() for read in [opened[at * INNER : (at + 1) * INNER].read() for at in numbers]])
    if case == "points":
        opened, numbers = cached("shard"), random(100_000, ALL)
        return lambda: opened.vindex[numbers].read().result()
    if case == "read_shard":
        opened = open_ts(folder / "shard")
        return lambda: opened.read().result()
    if case in ("write_shard", "write_objects"):
        data = open_ts(folder / "raw").read().result()
        name = "empty_shard" if case == "write_shard" else "small_chunks"
        opened = open_ts(folder / name)
        data = data[: opened.shape[0]].copy()
        return lambda: opened.write(data).result() or np.empty(0, "u1")
    if case == "open_many":
        def open_all():
            context = ts.Context()
            opening = [
                ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": str(folder / "many" / str(i))}}, context=context)
                for i in range(1000)
            ]
            return number(sum(opened.result().shape[0] for opened in opening))
        return open_all
    raise ValueError(case)


def zarr_case(case, folder):
    import zarr

    if case == "open_many":
        def open_all():
            group = zarr.open_group(folder / "many", mode="r")
            return number(sum(group[str(i)].shape[0] for i in range(1000)))
        return open_all
    if case == "list_consolidated":
        def names():
            group = zarr.open_consolidated(str(folder / "consolidated"))
            return number(len(list(group.members(max_depth=None))))
        return names
    raise ValueError(case)


def worker(who, case, folder):
    work = {"tensorstore": tensorstore_case, "zarr": zarr_case}[who](case, folder)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = work()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak = peak_mib()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answer = {"wall_ms": wall * 1e3, "cpu_ms": cpu * 1e3, "peak_mib": peak, "checksum": str(checksum(result))}
    print(json.dumps(answer))


def measure(who, case, folder, binary):
    command = [binary, who] if who in ("ours", "zarrs") else [sys.executable, __file__, "--worker", who]
    output = subprocess.run([*command, case, folder], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(output.stdout)


def written(folder, case):
    """Returns the checksum of the array that a case has written, after its process has ended."""
    name = CASES[case][0]
    return None if case == "shrink" else checksum(open_ts(folder / name).read().result())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", nargs=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--peers", default=",".join(LACKS))
    parser.add_argument("--folder")
    parser.add_argument("--curves", type=pathlib.Path, help="measure growth instead, and draw it into this folder")
    parser.add_argument("--binary", default=HERE / "target/release/scale")
    arguments = parser.parse_args()
    if arguments.worker:
        who, case, folder = arguments.worker
        return worker(who, case, pathlib.Path(folder))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        folder = pathlib.Path(folder)
        if arguments.curves:
            return draw_curves(folder, arguments)
        make_groups(folder)
        make_consolidated(folder, 20_000)
        cases = [case for case in CASES if case in arguments.only.split(",")]
        for name in {name for case in cases for name in READ.get(case, ["shard"])}:
            make(folder, name)
        print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        print("| case | implementation | wall ms | CPU ms | peak MiB |\n|---|---|---|---|---|", flush=True)
        for case in cases:
            compare(case, folder, arguments)


def make_document(folder, document, count=0):
    """Creates the array `curve` without data, and notes how many points a case reads."""
    shutil.rmtree(folder / "curve", ignore_errors=True)
    put(folder / "curve", document)
    (folder / "curve" / "count").write_text(str(count))


def make_inner_chunks(folder, count):
    size = count * INNER
    make_document(folder, array(size, size, INNER))
    write_chunk(folder / "curve", 0, bytes(range(1, 65)) * count + shard_index(size))


def make_points(folder, count):
    make_document(folder, array(1 << 30, 1 << 16), count)


def make_rank(folder, rank):
    document = array(2, 1)
    document["shape"] = [2] * rank
    document["chunk_grid"]["configuration"]["chunk_shape"] = [1] * rank
    make_document(folder, document)


def make_shards(folder, count):
    make_document(folder, array(count * INNER, INNER, 8))


def make_attributes(folder, count):
    document = array(2, 1)
    document["attributes"] = {f"attribute {i}": i for i in range(count)}
    make_document(folder, document)


# For each case: what grows, the sizes, and the function that creates an input of a size.
CURVES = {
    "list_consolidated": ("nodes in consolidated metadata", [1000, 10_000, 100_000], make_consolidated),
    "shrink": ("possible shards, two of which are stored", [10**3, 10**5, 10**7, 10**9], lambda folder, count: make(folder, "sparse", count)),
    "curve_read": ("inner chunks of 64 bytes of one shard, all read", [10**3, 10**4, 10**5, 10**6], make_inner_chunks),
    "curve_points": ("single points, in chunks that are not stored", [10**3, 10**4, 10**5, 10**6], make_points),
    "curve_selections": ("selections of one element, in chunks that are not stored", [10**3, 10**4, 10**5], make_points),
    "curve_plan": ("shards of an array, a read of which is planned and printed", [10**3, 10**5, 10**7], make_shards),
    "curve_element": ("dimensions of an array that is opened to read one element", [1, 2, 4, 8, 16, 32], make_rank),
    "curve_open": ("attributes of an array that is opened", [10**2, 10**3, 10**4, 10**5], make_attributes),
}


def draw_curves(folder, arguments):
    """Draws one chart per case: the least CPU time of all rounds over size."""
    for case, (what, sizes, prepare) in CURVES.items():
        found = {}
        for size in sizes:
            for _ in range(arguments.rounds):
                prepare(folder, size)
                cpu = measure("ours", case, folder, arguments.binary)["cpu_ms"]
                found[size] = min(cpu, found.get(size, cpu))
        print(case, found, flush=True)
        (arguments.curves / f"scale-{case}.svg").write_text(svg(what, found))


def svg(what, found):
    """Returns an SVG chart with logarithmic axes; a dashed line shows linear growth."""
    sizes, times = np.log10(list(found)), np.log10(list(found.values()))
    low, high = min(-1, times.min()), max(times.max(), times[-1], times[0] + 1) + 0.2
    def at(size, time):
        x = 60 + 400 * (size - sizes[0]) / (sizes[-1] - sizes[0])
        return f"{x:.0f},{220 - 190 * (time - low) / (high - low):.0f}"
    def line(points, style):
        return f'<polyline points="{" ".join(points)}" fill="none" {style}/>'
    def text(x, y, content):
        return f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="11" text-anchor="middle" fill="#555">{content}</text>'
    steps = min(sizes[-1] - sizes[0], high - times[0])
    parts = [line([at(sizes[0], high), at(sizes[0], low), at(sizes[-1], low)], 'stroke="#999"')]
    parts.append(line([at(sizes[0], times[0]), at(sizes[0] + steps, times[0] + steps)], 'stroke="#bbb" stroke-dasharray="4"'))
    parts.append(line([at(*point) for point in zip(sizes, times)], 'stroke="#06c" stroke-width="2"'))
    for (size, time), (x, y) in zip(found.items(), zip(sizes, times)):
        left, top = at(x, y).split(",")
        parts += [f'<circle cx="{left}" cy="{top}" r="3" fill="#06c"/>', text(left, int(top) - 8, f"{time:.3g} ms"), text(left, 235, f"{size:,}")]
    parts.append(text(260, 252, what))
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="520" height="260" style="background:white">\n{body}\n</svg>\n'


def compare(case, folder, arguments):
    found, results = {}, set()
    for _ in range(arguments.rounds):
        peers = [peer for peer in arguments.peers.split(",") if peer and case not in LACKS[peer]]
        for who in ["ours", *peers]:
            for name in CASES[case]:
                make(folder, name)
            answer = measure(who, case, folder, arguments.binary)
            results.add((answer["checksum"], written(folder, case) if CASES[case] else None))
            found.setdefault(who, []).append(answer)
    assert len(results) == 1, f"{case}: results differ: {results}"
    for who, answers in found.items():
        wall, cpu, peak = (min(answer[key] for answer in answers) for key in ("wall_ms", "cpu_ms", "peak_mib"))
        print(f"| {case} | {who} | {wall:.3g} | {cpu:.3g} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
