"""The part of `zarr_py.Array` that changes shapes: resizes, appends, reservations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from zarr_py import _checks
from zarr_py._shapes import appended, lengths, position
from zarr_py._steps import Steps, ask, blocking, later

if TYPE_CHECKING:
    import numpy as np
    from zarr_py._array import Array
    from zarr_py._region import Region

__all__ = ["Growing"]


class Growing:
    """An array whose native class defines `shape`, `ndim`, `_resize` and `_grow`."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def ndim(self) -> int: ...
        @property
        def dtype(self) -> np.dtype[Any]: ...
        def _resize(self, shape: Sequence[int], *, awaitable: bool = False) -> Any: ...
        def _write(self, selection: Any, value: Any, *, awaitable: bool = False) -> Any: ...
        def _grow(self, axis: int, len: int, to: int | None = None, *, awaitable: bool = False) -> Any: ...
        def _reserve_ahead(self, axis: int, len: int, *, awaitable: bool = False) -> Any: ...
        def _publish(self, axis: int, start: int, end: int, *, awaitable: bool = False) -> Any: ...

    @blocking
    def resize(self, shape: int | Sequence[int]) -> Steps[None]:
        """Changes the shape of the array; the number of dimensions stays the same.

        Elements beyond the new shape are deleted, and new elements have the fill value.
        """
        yield from ask(self._resize, lengths(shape, "shape"))

    resize_async = later(resize)

    @blocking
    def append(self, data: Any, axis: int = 0, *, publish: bool = False) -> Steps[tuple[int, ...]]:
        """Writes data after the last elements along an axis, and returns the new shape.

        Several writers may append at once: each gets its own indices, as from `reserve`. By default,
        the array grows first, and readers find fill values until the elements are written. With
        `publish=True`, it grows after the elements are stored: readers see whole appends, in order.
        An append that is stored before an earlier one is becomes visible with the earlier one. If a
        writer fails, nothing after its append becomes visible, until `resize` to the present shape
        discards what is not published.

        Raises `ValueError` if `data` differs in shape along another axis, and `ChangedError` if the
        array changed other than by growing along the axis. Raises `InvalidError` if appends with and
        without `publish` meet, and for `publish=True` in Zarr v2.
        """
        elements, axis, count = appended(self.shape, self.dtype, data, axis)
        if not publish:
            start = yield from ask(self._grow, axis, count)
            yield from ask(self._write, _after(self.shape, axis, start, count), elements)
            return self.shape
        ahead = yield from ask(self._reserve_ahead, axis, count)
        end = ahead.shape[axis]
        yield from ask(ahead._write, _after(ahead.shape, axis, end - count, count), elements)
        yield from ask(self._publish, axis, end - count, end)
        return self.shape

    append_async = later(append)

    @blocking
    def reserve(self, count: int, axis: int = 0) -> Steps["Region"]:
        """Grows the array by `count` along an axis, and returns the region of the new elements.

        The stored shape grows on condition that no other writer changes it meanwhile, so no two
        calls of `reserve` or `append`, in any process, return the same elements. They have the fill
        value until they are written. Raises `ChangedError` if the array changed other than by
        growing along the axis.
        """
        from zarr_py._region import region

        number, axis = _checks.count(count, "count", 0), position(axis, self.ndim)
        start = yield from ask(self._grow, axis, number)
        return region(cast("Array", self), axis, start, number)

    reserve_async = later(reserve)


def _after(shape: Sequence[int], axis: int, start: int, count: int) -> tuple[slice, ...]:
    """Returns the index of `count` elements from `start` on along an axis."""
    return tuple(slice(start, start + count) if at == axis else slice(0, length) for at, length in enumerate(shape))
