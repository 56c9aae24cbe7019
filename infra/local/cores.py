"""Cores: jobs of priority 3 run in processes of their own, which get this machine's cores last.

AWS gives each running function cores of its own. Here, all of them share the machine's few cores.
Without this module, a broadcast would take them from single sends, which it can't do on AWS.
"""

from __future__ import annotations

import os
import threading
from typing import Any

LAST = 19  # the kernel's niceness of a process that gets the cores last


def apply(svc: Any, runtime: Any) -> None:
    """Call once, before MiniStack serves."""
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
        if getattr(worker, "is_last", False):
            os.setpriority(os.PRIO_PROCESS, worker._proc.pid, LAST)

    svc._execute_function_dispatch, svc.acquire_worker = dispatch_apart, acquire_apart
    runtime.Worker._spawn = spawn_apart


def _is_of_priority_3(payload: Any) -> bool:
    """Return True for a batch from a queue such as `sms-3`."""
    records = payload.get("Records") if isinstance(payload, dict) else None
    source = str(records[0].get("eventSourceARN", "")) if records else ""
    return ":sqs:" in source and source.endswith("-3")
