"""A peer changes inner chunks of a shard: `patch_table.py WRITER URL PATH ROWS COLUMNS OPTIONS`.

Prints the time of the write in seconds, and, for local files, the bytes that the process read and wrote meanwhile.
"""

import json
import pathlib
import sys
import time


def zarr_python(url, path, options):
    import zarr

    if not url.startswith("s3://"):
        return zarr.open_array(pathlib.Path(url) / path, mode="r+").__setitem__
    from obstore.store import S3Store

    bucket, prefix = url.removeprefix("s3://").split("/", 1)
    config = {key: options[key] for key in ("endpoint", "region", "access_key_id", "secret_access_key")}
    store = S3Store(bucket, prefix=f"{prefix}/{path}", config=config, client_options={"allow_http": True})
    return zarr.open_array(zarr.storage.ObjectStore(store), mode="r+").__setitem__


def tensorstore(url, path, options):
    import os

    import tensorstore as ts

    if url.startswith("s3://"):
        os.environ |= {"AWS_ACCESS_KEY_ID": options["access_key_id"], "AWS_SECRET_ACCESS_KEY": options["secret_access_key"]}
        bucket, prefix = url.removeprefix("s3://").split("/", 1)
        store = {"driver": "s3", "bucket": bucket, "path": f"{prefix}/{path}/", "endpoint": options["endpoint"],
                 "aws_region": options["region"]}
    else:
        store = {"driver": "file", "path": f"{url}/{path}/"}
    array = ts.open({"driver": "zarr3", "kvstore": store}).result()
    return lambda part, value: array[part].write(value).result()


def transferred():
    counts = dict(line.split(": ") for line in pathlib.Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"]) + int(counts["wchar"])


def main(writer, url, path, rows, columns, options):
    write = {"zarr-python": zarr_python, "tensorstore": tensorstore}[writer](url, path, dict(json.loads(options)))
    part = (slice(0, int(rows)), slice(0, int(columns)))
    before, started = transferred(), time.perf_counter()
    write(part, 3.0)
    print(time.perf_counter() - started, transferred() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
