"""Exceptions that end more than a call pass through the engine unchanged; and async calls without
an asyncio event loop.
"""

import asyncio

import pytest
import zarr_py

NOWHERE = {"region": "us-east-1", "endpoint": "http://127.0.0.1:9", "allow_http": True, "max_retries": 0}


class Stop(BaseException):
    """A `BaseException` outside `Exception`, like those with which frameworks cancel tasks."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Stop])
def test_interrupts_of_a_credential_provider_come_out(kind) -> None:
    def provider():
        raise kind("enough")

    for _ in range(3):
        with pytest.raises(kind, match="enough"):
            zarr_py.open_array("s3://bucket/a", credential_provider=provider, **NOWHERE)
    with pytest.raises(kind, match="enough"):
        zarr_py.objects("s3://bucket/a", credential_provider=provider, **NOWHERE).get("k")


def test_interrupts_come_out_of_awaited_calls() -> None:
    def provider():
        raise Stop("enough")

    async def main() -> None:
        with pytest.raises(Stop):
            await zarr_py.open_array_async("s3://bucket/a", credential_provider=provider, **NOWHERE)

    asyncio.run(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Stop])
def test_interrupts_of_a_store_that_is_called_come_out(kind) -> None:
    class Store:
        def _stop(self, *arguments, **options):
            raise kind("enough")

        get = put = delete = list = list_with_delimiter = head = _stop

    store = zarr_py.objects(Store())
    for call in (lambda: store.get("k"), lambda: store.put("k", b"x"), lambda: list(store.list()), lambda: store.delete("k"),
                 lambda: zarr_py.open_group(Store())):
        with pytest.raises(kind, match="enough"):
            call()


def test_other_exceptions_are_errors_of_the_store() -> None:
    def provider():
        raise ValueError("no credentials today")

    for _ in range(2):
        with pytest.raises(zarr_py.errors.StoreError, match="no credentials today"):
            zarr_py.open_array("s3://bucket/a", credential_provider=provider, **NOWHERE)


@pytest.mark.parametrize("call", [
    lambda: zarr_py.open_array_async("s3://bucket/a", **NOWHERE),
    lambda: zarr_py.create_group_async("memory:"),
    lambda: zarr_py.create_array("memory:", data=[1]).read_async(),
    lambda: zarr_py.objects("s3://bucket", **NOWHERE).get_async("k")])
def test_other_event_loops_are_told_what_to_do(call) -> None:
    # Steps the coroutine like trio, without an asyncio event loop.
    with pytest.raises(RuntimeError, match=r"asyncio.*trio\.to_thread\.run_sync"):
        call().send(None)


@pytest.mark.parametrize("options", [
    {"region": True}, {"endpoint": False}, {"config": {"region": True}}, {"client_options": {"proxy_url": True}}, {"aws_region": True}])
def test_a_boolean_is_no_text(options) -> None:
    with pytest.raises(TypeError, match="expected a string, got bool"):
        zarr_py.objects("s3://bucket", **options)


@pytest.mark.parametrize("options", [
    {"skip_signature": True}, {"client_options": {"allow_http": True}}, {"virtual_hosted_style_request": False, "aws_allow_http": True}])
def test_flags_are_booleans(options) -> None:
    zarr_py.objects("s3://bucket", **options)
