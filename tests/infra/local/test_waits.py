"""Blocking code runs on the event loop's thread, which goes on while the code waits."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

from infra.local import waits

CALLER = contextvars.ContextVar("CALLER", default="nobody")


class Pipe:
    """A stream that has something to read when `fill` was called."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def fileno(self) -> int:
        return self.reading

    def fill(self) -> None:
        os.write(self.writing, b"x")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reading)
    os.close(made.writing)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made


def test_code_gets_its_arguments_and_its_outcome_is_returned(runner: asyncio.Runner) -> None:
    assert runner.run(waits.run(divmod, 7, 2, thread_name="any")) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        runner.run(waits.run(divmod, 7, 0))


def test_the_loop_goes_on_while_code_waits(runner: asyncio.Runner, pipe: Pipe) -> None:
    threads: list[int] = []

    def wait() -> bool:
        found = waits.is_readable(pipe, 20)
        threads.append(threading.get_ident())
        return found

    async def both() -> Any:
        waiting = asyncio.create_task(waits.run(wait))
        await asyncio.sleep(0.01)
        pipe.fill()
        return await waiting

    assert runner.run(both()) is True
    assert threads == [threading.get_ident()]


def test_nothing_to_read_in_time_is_said(runner: asyncio.Runner, pipe: Pipe) -> None:
    def look() -> tuple[bool, bool]:
        before = waits.is_readable(pipe, 0.01)
        pipe.fill()
        return before, waits.is_readable(pipe, 0.01)

    assert runner.run(waits.run(look)) == (False, True)
    os.read(pipe.reading, 1)
    assert look() == (False, True)  # without a loop


def test_code_sees_the_context_of_its_request_and_leaves_no_other(
    runner: asyncio.Runner, pipe: Pipe
) -> None:
    def read_and_set() -> tuple[str, str]:
        before = CALLER.get()
        CALLER.set("code")
        waits.is_readable(pipe, 0.01)
        return before, CALLER.get()

    async def request(name: str) -> Any:
        CALLER.set(name)
        return await waits.run(read_and_set), CALLER.get()

    async def two() -> Any:
        return await asyncio.gather(request("Ann"), request("Bob"))

    assert runner.run(two()) == [(("Ann", "code"), "Ann"), (("Bob", "code"), "Bob")]


def test_what_may_block_for_long_gets_a_thread_and_its_error_arrives(
    runner: asyncio.Runner,
) -> None:
    def work() -> tuple[int, str]:
        found: int = waits.in_a_thread(threading.get_ident)
        try:
            waits.in_a_thread(lambda: divmod(1, 0))
        except ZeroDivisionError as error:
            return found, str(error)
        return found, ""

    found, error = runner.run(waits.run(work))
    assert found != threading.get_ident()
    assert error
    assert work()[0] == threading.get_ident()  # which is nobody's loop


def test_a_cancelled_request_ends_when_its_code_has_ended(
    runner: asyncio.Runner, pipe: Pipe
) -> None:
    ended: list[bool] = []

    def wait() -> None:
        ended.append(waits.is_readable(pipe, 20))

    async def cancel_twice() -> bool:
        waiting = asyncio.create_task(waits.run(wait))
        for _ in range(2):
            await asyncio.sleep(0.01)
            waiting.cancel()
        await asyncio.sleep(0.01)
        assert not ended
        pipe.fill()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return waiting.cancelled()

    assert runner.run(cancel_twice())
    assert ended == [True]
