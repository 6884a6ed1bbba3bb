"""The Python implementations: how each opens, reads, writes and lists, and what it lacks.

Each is used as its documentation advises. An operation that an implementation lacks raises `Lacks`
with the reason.
"""

import asyncio
import itertools
import warnings

import numpy as np

BUCKET = "bench"
WHOLE = Ellipsis
STORES = itertools.count()


class Lacks(Exception):
    """An implementation lacks an operation."""


class Implementation:
    """What an implementation offers; by default, nothing."""

    def open(self, place, request):
        """Opens the array at a place: a path, and the URL of an S3 server, if it is there."""
        raise Lacks("arrays")

    def read(self, array, index):
        return array[index]

    def write(self, array, index, data):
        array[index] = data

    def read_concurrently(self, array, indices):
        raise Lacks("concurrent reads")

    def points(self, array, points):
        raise Lacks("single points")

    def append(self, array, data):
        raise Lacks("appends")

    def open_many(self, place, count, by_path):
        """Opens the arrays `a0`, `a1`, ... of a group, each below the group or by its own path."""
        raise Lacks("groups")

    def list(self, place):
        raise Lacks("groups")

    list_consolidated = list


class Native(Implementation):
    """zarr_py without zarr-python."""

    @staticmethod
    def options(place):
        if place["endpoint"] is None:
            return place["path"], {}
        options = {"endpoint": place["endpoint"], "allow_http": True, "region": "us-east-1", "skip_signature": True}
        # Equal stores of a process share a client and its caches: another timeout makes another store.
        options["timeout"] = f"{60_000 + next(STORES)}ms"
        return f"s3://{BUCKET}/{place['path']}", options | place.get("options", {})

    def open(self, place, request):
        import zarr_py

        url, options = self.options(place)
        return zarr_py.open_array(url, **options)

    def read_concurrently(self, array, indices):
        async def gather():
            return await asyncio.gather(*(array.read_async(index) for index in indices))

        return asyncio.run(gather())

    def points(self, array, points):
        return array.vindex[points]

    def append(self, array, data):
        array.append(data)
        return array

    def open_many(self, place, count, by_path):
        import zarr_py

        url, options = self.options(place)
        if by_path:
            return [zarr_py.open_array(f"{url}/a{number}", **options) for number in range(count)]
        group = zarr_py.open_group(url, **options)
        return [group[f"a{number}"] for number in range(count)]

    def list(self, place):
        import zarr_py

        return len(list(zarr_py.open_group(place["path"]).keys()))


class Tensorstore(Implementation):
    @staticmethod
    def store(place):
        if place["endpoint"] is None:
            # Durability is off, because the other implementations do not sync either.
            return {"driver": "file", "path": place["path"], "file_io_sync": False}
        server = {"endpoint": place["endpoint"], "aws_region": "us-east-1", "aws_credentials": {"type": "anonymous"}}
        return {"driver": "s3", "bucket": BUCKET, "path": place["path"] + "/", **server}

    @staticmethod
    def context(cache):
        import tensorstore

        return tensorstore.Context({"cache_pool": {"total_bytes_limit": cache}})

    def open(self, place, request):
        import tensorstore

        if request["dtype"] == "string":
            raise Lacks("strings")
        if request["dtype"] == "struct":
            raise Lacks("structs as a whole: it reads one field at a time")
        driver = "zarr" if request["options"].get("format") == 2 else "zarr3"
        spec = {"driver": driver, "kvstore": self.store(place)}
        # A warm array keeps its shard indexes in the cache, as an array that stays open does.
        cache = request["cache"] or (10**8 if request["warm"] else 0)
        if cache:
            spec["recheck_cached_data"] = False
        return tensorstore.open(spec, open=True, context=self.context(cache)).result()

    def read(self, array, index):
        return array[index].read().result()

    def read_concurrently(self, array, indices):
        reads = [array[index].read() for index in indices]
        return [read.result() for read in reads]

    def write(self, array, index, data):
        array[index].write(data).result()

    def points(self, array, points):
        return array.vindex[points].read().result()

    def append(self, array, data):
        start = array.shape[0]
        end = start + data.shape[0]
        array = array.resize(exclusive_max=[end, *array.shape[1:]]).result()
        array[start:end].write(data).result()
        return array

    def open_many(self, place, count, by_path):
        import tensorstore

        context = self.context(0)
        inside = [{**place, "path": f"{place['path']}/a{number}"} for number in range(count)]
        opening = [tensorstore.open({"driver": "zarr3", "kvstore": self.store(one)}, open=True, context=context) for one in inside]
        return [opened.result() for opened in opening]


class Zarrista(Implementation):
    def open(self, place, request):
        import zarrista

        if place["endpoint"] is not None:
            raise Lacks("S3 is measured with zarrs itself")
        if request["dtype"] == "struct":
            raise Lacks("structs")
        return zarrista.Array.open(zarrista.store.FilesystemStore(place["path"]), "/")

    def read(self, array, index):
        tensor = array[index]
        return np.asarray(tensor) if hasattr(tensor, "__array__") else np.asarray(tensor.to_numpy())

    def append(self, array, data):
        start = array.shape[0]
        array = array.with_shape([start + data.shape[0], *array.shape[1:]])
        array.store_metadata()
        array[start:] = data
        return array

    def open_many(self, place, count, by_path):
        import zarrista

        files = zarrista.store.FilesystemStore
        if by_path:
            return [zarrista.Array.open(files(f"{place['path']}/a{number}"), "/") for number in range(count)]
        store = files(place["path"])
        return [zarrista.Array.open(store, f"/a{number}") for number in range(count)]

    def list(self, place):
        import zarrista

        return len(zarrista.Group.open(zarrista.store.FilesystemStore(place["path"])).child_paths())

    def list_consolidated(self, place):
        import zarrista

        return len(zarrista.Group.open(zarrista.store.FilesystemStore(place["path"])).traverse())


class Zarr(Implementation):
    """zarr-python with one of the codec pipelines."""

    def __init__(self, pipeline, own_store=False):
        warnings.simplefilter("ignore")
        import zarr

        if "zarrs" in pipeline:
            import zarrs  # noqa: F401  the import registers the pipeline
        zarr.config.set({"codec_pipeline.path": pipeline})
        self.own_store = own_store

    def store(self, place, request):
        import zarr

        kind = request["options"].get("store")
        if self.own_store:
            import zarr_py

            url, options = Native.options(place)
            return zarr_py.Store(url, **options)
        if place["endpoint"] is None:
            return zarr.storage.FsspecStore.from_url(f"file://{place['path']}") if kind == "fsspec" else place["path"]
        if kind == "fsspec":
            options = {"anon": True, "endpoint_url": place["endpoint"], "asynchronous": True}
            return zarr.storage.FsspecStore.from_url(f"s3://{BUCKET}/{place['path']}", storage_options=options)
        import obstore

        store = obstore.store.S3Store(
            BUCKET, prefix=place["path"], endpoint=place["endpoint"], region="us-east-1", skip_signature=True,
            client_options={"allow_http": True},
        )
        return zarr.storage.ObjectStore(store)

    def open(self, place, request):
        import zarr

        if request["cache"]:
            raise Lacks("a cache of decoded chunks")
        return zarr.open_array(self.store(place, request), mode="r+")

    def read_concurrently(self, array, indices):
        from zarr.core.sync import sync

        async def gather():
            return await asyncio.gather(*(array.async_array.getitem(index) for index in indices))

        return sync(gather())

    def points(self, array, points):
        return array.vindex[points]

    def append(self, array, data):
        array.append(data)
        return array

    def open_many(self, place, count, by_path):
        import zarr
        from zarr.core.sync import sync

        store = self.store(place, {"options": {}})
        if by_path:
            return [zarr.open_array(f"{store}/a{number}", mode="r") for number in range(count)]
        group = zarr.open_group(store, mode="r")
        if place["endpoint"] is None:
            return [group[f"a{number}"] for number in range(count)]

        async def gather():
            return await asyncio.gather(*(group._async_group.getitem(f"a{number}") for number in range(count)))

        return sync(gather())

    def list(self, place):
        import zarr

        return len(list(zarr.open_group(place["path"], mode="r").keys()))

    def list_consolidated(self, place):
        import zarr

        return len(list(zarr.open_consolidated(place["path"]).members(max_depth=None)))


OWN_PIPELINE = "zarr_py.CodecPipeline"
ALL = {
    "zarr_py": Native,
    "tensorstore": Tensorstore,
    "zarrista": Zarrista,
    "zarr": lambda: Zarr("zarr.core.codec_pipeline.BatchedCodecPipeline"),
    "zarr, fused": lambda: Zarr("zarr.core.codec_pipeline.FusedCodecPipeline"),
    "zarr, zarrs": lambda: Zarr("zarrs.ZarrsCodecPipeline"),
    "zarr, ours": lambda: Zarr(OWN_PIPELINE),
    "zarr, ours, our Store": lambda: Zarr(OWN_PIPELINE, own_store=True),
}
