"""The stores of zarr-python alone, without arrays: gets and listings."""

import asyncio

from implementations import BUCKET, Lacks, Native


def value(data):
    return len(data) + data[0]


def local(place):
    from zarr.storage import LocalStore

    if place["endpoint"]:
        raise Lacks("S3")
    return LocalStore(place["path"])


def obstore(place):
    import obstore as library
    from zarr.storage import ObjectStore

    return ObjectStore(obstore_itself(place))


def obstore_itself(place):
    from obstore.store import LocalStore, S3Store

    if place["endpoint"] is None:
        return LocalStore(place["path"])
    options = {"endpoint": place["endpoint"], "region": "us-east-1", "skip_signature": True, "client_options": {"allow_http": True}}
    return S3Store(BUCKET, prefix=place["path"], **options)


def fsspec(place):
    from zarr.storage import FsspecStore

    if place["endpoint"] is None:
        return FsspecStore.from_url(f"file://{place['path']}")
    options = {"anon": True, "endpoint_url": place["endpoint"], "asynchronous": True, "skip_instance_cache": True}
    return FsspecStore.from_url(f"s3://{BUCKET}/{place['path']}", storage_options=options)


def ours(place):
    import zarr_py

    url, options = Native.options(place)
    return zarr_py.Store(url, **options)


ALL = {"our Store": ours, "LocalStore": local, "ObjectStore": obstore, "FsspecStore": fsspec, "obstore": None}


class Worker:
    """Runs requests with one store."""

    def __init__(self, name):
        self.name = name

    def answer(self, request):
        from workers import measured

        run = asyncio.Runner()
        try:
            work = run.run(self.prepared(request))
            return measured(work if request["op"] == "get_sync" else lambda: run.run(work()))
        finally:
            run.close()

    async def prepared(self, request):
        """Opens the store, and returns the operation."""
        place, count = request["place"], request["count"]
        if self.name == "obstore":
            return self.of_obstore(request)
        from zarr.core.buffer import default_buffer_prototype

        store, prototype = ALL[self.name](place), default_buffer_prototype()

        async def get():
            for _ in range(count):
                found = await store.get("chunk", prototype)
            return value(found.to_bytes())

        async def get_concurrently():
            found = await asyncio.gather(*(store.get("chunk", prototype) for _ in range(count)))
            return sum(value(one.to_bytes()) for one in found)

        def get_sync():
            for _ in range(count):
                found = store.get_sync("chunk", prototype=prototype)
            return value(found.to_bytes())

        async def list_keys():
            return len([key async for key in store.list_prefix("many/")])

        if request["op"] == "get_sync" and not hasattr(store, "get_sync"):
            raise Lacks("synchronous gets")
        await store.get("chunk", prototype)
        return {"get": get, "get_concurrently": get_concurrently, "get_sync": get_sync, "list_keys": list_keys}[request["op"]]

    def of_obstore(self, request):
        import obstore as library

        store, count = obstore_itself(request["place"]), request["count"]

        async def get():
            for _ in range(count):
                found = await (await library.get_async(store, "chunk")).bytes_async()
            return value(bytes(found))

        async def get_concurrently():
            async def one():
                return value(bytes(await (await library.get_async(store, "chunk")).bytes_async()))

            return sum(await asyncio.gather(*(one() for _ in range(count))))

        def get_sync():
            for _ in range(count):
                found = library.get(store, "chunk").bytes()
            return value(bytes(found))

        async def list_keys():
            return len([one["path"] async for batch in library.list(store, "many") for one in batch])

        return {"get": get, "get_concurrently": get_concurrently, "get_sync": get_sync, "list_keys": list_keys}[request["op"]]
