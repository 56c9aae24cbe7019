"""Waits: MiniStack's blocking code on the event loop's thread, which goes on while the code waits.

MiniStack gives each invocation a thread. Two threads of one interpreter wait for each other at
every change. Here, the code is a greenlet: it hands over what it waits for, and is resumed later.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from greenlet import getcurrent, greenlet

# As many as there is work: what waits must not keep a thread from what it waits for.
_THREADS = ThreadPoolExecutor(1000, "waits")


class _Code(greenlet):
    """Code that runs on the loop's thread. It switches to its parent with a future."""


async def run(code: Callable[..., Any], *arguments: Any, thread_name: str = "") -> Any:
    """Run blocking code to its end, as MiniStack's `run_reentrant` does with a thread.

    A cancellation waits for that end: the code holds a function's process until then.
    """
    running, cancellation = _Code(code), None
    running.gr_context = contextvars.copy_context()
    result = running.switch(*arguments)
    while not running.dead:
        try:
            await asyncio.wait((result,))
        except asyncio.CancelledError as error:
            cancellation = error
        if result.done():
            result = running.switch()
    if cancellation:
        raise cancellation
    return result


def is_readable(stream: Any, seconds: float) -> bool:
    """Wait until there is something to read, or the stream's other end is closed."""
    if not isinstance(getcurrent(), _Code):
        poll = select.poll()
        poll.register(stream, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    timer = loop.call_later(seconds, _resolve, future, False)
    loop.add_reader(stream.fileno(), _resolve, future, True)
    try:
        return bool(_result_of(future))
    finally:
        timer.cancel()
        loop.remove_reader(stream.fileno())


def in_a_thread(work: Callable[[], Any]) -> Any:
    """Do work that may block for long, in a thread if it would hold up the loop."""
    if not isinstance(getcurrent(), _Code):
        return work()
    return _result_of(asyncio.get_running_loop().run_in_executor(_THREADS, work))


def _result_of(future: asyncio.Future[Any]) -> Any:
    getcurrent().parent.switch(future)
    return future.result()


def _resolve(future: asyncio.Future[bool], is_ready: bool) -> None:
    if not future.done():
        future.set_result(is_ready)
