"""Cores: the emulator gets this machine's cores first, and jobs of priority 3 get them last.

AWS gives each running function cores of its own. Here, all of them share the machine's few cores.

The emulator serves one request at a time, and all functions wait for it. If it waited for a core,
they would wait for both, while another core has nothing to do.

Jobs of priority 3 run in processes of their own. Without that, a broadcast would take the cores
from single sends, which it can't do on AWS. Requests of those processes wait for others, too.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LATER = 10  # the kernel's niceness of a function's process, while the emulator's is 0
LAST = 19  # that of a process that gets the cores last
SUFFIX = "~last"  # of the name that the calls of such a process carry
PAUSE = 0.003  # seconds between two requests of a function that others go on with
PATIENCE = 0.1  # seconds that a request waits for others at most


class OthersFirst:
    """The order of requests: those of jobs of priority 3 wait while others are served."""

    def __init__(self) -> None:
        self._served = 0
        self._ended = 0.0

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Serve a request that others wait for."""
        self._served += 1
        try:
            yield
        finally:
            self._served -= 1
            self._ended = time.monotonic()

    async def wait(self) -> None:
        """Wait until nobody is served, a short time at most."""
        end = time.monotonic() + PATIENCE
        while (now := time.monotonic()) < end and (self._served or now - self._ended < PAUSE):
            await asyncio.sleep(PAUSE)


def apply(svc: Any, runtime: Any) -> None:
    """Make MiniStack run functions after itself, and jobs of priority 3 last.

    Call once, before MiniStack serves.
    """
    dispatch, acquire, spawn = (
        svc._execute_function_dispatch,
        svc.acquire_worker,
        runtime.Worker._spawn,
    )
    job = threading.local()

    def dispatch_apart(function: Any, config: Any, payload: Any, *rest: Any) -> Any:
        job.is_last = _is_of_priority_3(payload)
        return dispatch(function, config, payload, *rest)

    def acquire_apart(
        name: str, config: Any, code: bytes, qualifier: str = "$LATEST", **more: Any
    ) -> tuple[Any, str]:
        is_last = getattr(job, "is_last", False)
        pool = f"{qualifier}#last" if is_last else qualifier
        worker, reason = acquire(name, config, code, qualifier=pool, **more)
        if worker is not None:
            worker.is_last = is_last
        return worker, reason

    def spawn_apart(worker: Any) -> None:
        spawn(worker)
        niceness = LAST if getattr(worker, "is_last", False) else LATER
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, worker._proc.pid, max(own, niceness))

    svc._execute_function_dispatch, svc.acquire_worker = dispatch_apart, acquire_apart
    runtime.Worker._spawn = spawn_apart


def _is_of_priority_3(payload: Any) -> bool:
    """Return True for a batch from a queue such as `sms-3`."""
    records = payload.get("Records") if isinstance(payload, dict) else None
    source = str(records[0].get("eventSourceARN", "")) if records else ""
    return ":sqs:" in source and source.endswith("-3")
