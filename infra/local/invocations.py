"""Invocations: how the emulator hands an event to a function's process, and takes its answer.

MiniStack 1.5.33 has three threads for an invocation, and looks each millisecond for lines of its
log. They wait for each other, and for the emulator's single thread of requests. Here, whoever
invokes writes the event and reads answer and log. A process writes its log before its answer.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Iterable
from typing import Any

from infra.local import waits

SLICE = 0.02  # seconds between two looks at the log of a function that runs
PIPE = 60_000  # bytes that a pipe takes at once, while nobody reads


def apply(runtime: Any, invoking: Iterable[Any]) -> None:
    """Make MiniStack hand over events in this way. Call once, before MiniStack serves.

    `invoking` are its modules that invoke a function for a request, each in a thread.
    """

    def invoke(worker: Any, event: Any, request_id: str, **context: Any) -> dict[str, Any]:
        with worker._lock:
            if is_cold := worker._proc is None or worker._proc.poll() is not None:
                waits.in_a_thread(worker._spawn)
            process, seconds = worker._proc, float(worker.config.get("Timeout", 30))
            message = {"event": event, "ctx": _context(worker.config, request_id, **context)}
            answer, log = _exchange(process, message, seconds)
            if answer["status"] == "error":
                worker._proc = None
                runtime._signal(process)
                end = time.monotonic() + runtime._REAP_GRACE
                waits.in_a_thread(lambda: runtime._collect(process, end))
            return {**answer, "cold_start": is_cold, "log": log}

    runtime.Worker.invoke = invoke
    runtime.Worker._read_stderr = lambda worker: None  # a thread of MiniStack's that ends at once
    for module in invoking:
        if module.run_reentrant is not waits.run:
            module.run_reentrant = waits.run


def _context(
    config: dict[str, Any],
    request_id: str,
    *,
    trace_id: str | None = None,
    depth: int | None = None,
    durable: dict[str, Any] | None = None,
    invoked_function_arn: str | None = None,
) -> dict[str, Any]:
    """Return what MiniStack's script in the process wants to know of an invocation."""
    return {
        "request_id": request_id,
        "invoked_function_arn": invoked_function_arn or config.get("FunctionArn", ""),
        "timeout_ms": int(float(config.get("Timeout", 30)) * 1000),
        "trace_id": trace_id,
        "depth": depth,
        "durable": durable or {},
    }


def _exchange(process: Any, event: dict[str, Any], seconds: float) -> tuple[dict[str, Any], str]:
    """Return what a process answers in time, and its log."""
    line = json.dumps(event) + "\n"
    try:
        if len(line) < PIPE:
            _write(process.stdin, line)
        else:
            waits.in_a_thread(lambda: _write(process.stdin, line))
    except OSError as failure:
        return {"status": "error", "error": str(failure)}, _text(_rest(process.stderr))
    end, lines, log = time.monotonic() + seconds, bytearray(), bytearray()
    while (left := end - time.monotonic()) > 0:
        if not waits.is_readable(process.stdout, min(left, SLICE)):
            log += _rest(process.stderr)  # or the process would wait for somebody to read
            continue
        read = os.read(process.stdout.fileno(), 1 << 16)
        lines += read
        answer = _answer(lines) if read.endswith(b"\n") else None
        if not read:
            answer = {"status": "error", "error": "Worker process died"}
        if answer:
            return answer, _text(log + _rest(process.stderr))
    late = {"status": "error", "error": f"Task timed out after {seconds:.0f}.00 seconds"}
    return late, _text(log + _rest(process.stderr))


def _write(stream: Any, line: str) -> None:
    stream.write(line)
    stream.flush()


def _answer(lines: bytes | bytearray) -> dict[str, Any] | None:
    """Return the answer among the lines on standard output. A module may print there, too."""
    for line in lines.splitlines():
        if line.startswith(b"{"):
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if answer.get("status") in ("ok", "error"):
                return dict(answer)
    return None


def _rest(stream: Any) -> bytes:
    """Return what was written to a stream, without waiting for more."""
    ready, read = select.poll(), bytearray()
    ready.register(stream, select.POLLIN)
    while any(event & select.POLLIN for _, event in ready.poll(0)):
        read += os.read(stream.fileno(), 1 << 16)
    return bytes(read)


def _text(log: bytes | bytearray) -> str:
    return log.decode(errors="replace").rstrip("\n")
