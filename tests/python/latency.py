"""Runs the cases of tests/latency.rs with tensorstore, each from cold: reads case names line by
line, prints milliseconds and the sum of the elements.

    latency.py CONFIGURATION     JSON: "endpoint", "bucket", "prefix" ending in "/", "points" as three lists, "arrays", "side"
"""

import json
import sys
import time

import numpy as np
import tensorstore as ts

CONFIGURATION = json.loads(sys.argv[1])


def kvstore(path):
    return {"driver": "s3", "bucket": CONFIGURATION["bucket"], "endpoint": CONFIGURATION["endpoint"],
            "aws_region": "us-east-1", "aws_credentials": {"type": "environment"}, "path": CONFIGURATION["prefix"] + path}


def opened(context, path):
    return ts.open({"driver": "zarr3", "kvstore": kvstore(path)}, open=True, read=True, context=context)


def run(case, context):
    if case == "open 200 arrays of a group":
        # tensorstore has no groups, so the document of a group is read as plain JSON.
        assert ts.KvStore.open(kvstore("g/"), context=context).result().read("zarr.json").result().state == "value"
        arrays = [opened(context, f"g/a{number}/") for number in range(CONFIGURATION["arrays"])]
        return sum(array.result().shape[0] for array in arrays)
    array = opened(context, "a/").result()
    side = CONFIGURATION["side"]
    read = {
        "one inner chunk, cold": lambda: array[side:2 * side, :side, 2 * side:3 * side],
        "a slab through 4 shards": lambda: array[20],
        "100 random inner chunks": lambda: array.vindex[tuple(np.array(axis) for axis in CONFIGURATION["points"])],
        "all 8 objects": lambda: array,
    }[case]
    return int(read().read().result().sum(dtype=np.uint64))


for line in sys.stdin:
    context = ts.Context({"cache_pool": {"total_bytes_limit": 0}})
    started = time.perf_counter()
    total = run(line.strip(), context)
    print(1000 * (time.perf_counter() - started), total, flush=True)
