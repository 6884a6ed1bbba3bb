"""One definition for a function and its async variant.

The definition is a generator: it yields each call of the engine, is sent the answer, and returns
the result.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zarr_py._native import Batches

__all__ = ["Steps", "answered", "ask", "blocking", "items", "later"]

type Steps[T] = Generator[Callable[..., Any], Any, T]
"""The steps of a function that returns `T`: the calls that it makes."""


def ask(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Steps[Any]:
    """Makes one call of the engine, and returns its answer."""
    return (yield partial(function, *arguments, **named))


def blocking[**P, T](steps: Callable[P, Steps[T]]) -> Callable[P, T]:
    """Turns steps into a function that blocks in each call."""

    steps.__annotations__["return"] = _result(steps.__annotations__["return"])

    @wraps(steps)
    def function(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            running = steps(*arguments, **named)
        finally:
            # A traceback may show the variables of this frame, and the arguments may be secret.
            del arguments, named
        return _run(running)

    return function


def later[**P, T](function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Returns the async variant of a function that `blocking` made."""
    steps: Callable[P, Steps[T]] = function.__wrapped__  # type: ignore[attr-defined]

    @wraps(steps)
    async def variant(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            running = steps(*arguments, **named)
        finally:
            del arguments, named
        return await _run_later(running)

    variant.__name__ += "_async"
    variant.__qualname__ += "_async"
    variant.__doc__ = f"Async variant of `{steps.__name__}`."
    return variant


def _result(annotation: Any) -> Any:
    """Returns the annotation of a result, from `Steps[T]` or its text."""
    if isinstance(annotation, str):
        return annotation.removeprefix("Steps[").removesuffix("]")
    return annotation.__args__[0]


def _run[T](running: Steps[T]) -> T:
    try:
        call = next(running)
        while True:
            try:
                answer = call()
            except BaseException as error:
                call = running.throw(error)
            else:
                call = running.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


async def _run_later[T](running: Steps[T]) -> T:
    try:
        call = next(running)
        while True:
            try:
                answer = await answered(call(awaitable=True))
            except BaseException as error:
                call = running.throw(error)
            else:
                call = running.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


async def answered[T](answer: T | Awaitable[T]) -> T:
    """Awaits an answer if it is awaitable; otherwise returns it."""
    return await answer if isinstance(answer, Awaitable) else answer


async def items(start: "Callable[[], Batches]") -> AsyncIterator[Any]:
    """Yields the items of all batches; starts the requests on the first step."""
    batches = start()
    try:
        while (batch := await answered(batches.next())) is not None:
            for item in batch:
                yield item
    finally:
        batches.close()
