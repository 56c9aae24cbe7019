"""The emulator hands events to a process, and reads answer and log without more threads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime

from infra.local import invocations, waits

# A function's process: it reads an event, writes its log, and answers.
FUNCTION = """
    import json, sys, time
    for line in sys.stdin:
        event = json.loads(line)["event"]
        {body}
        print(json.dumps({{"status": "ok", "result": event}}), flush=True)
"""


class Process:
    """A worker like MiniStack's: the body of its function, and the seconds that it has."""

    started: list[Any] = []

    def __init__(self, body: str, seconds: float) -> None:
        self._lock, self.spawned = threading.Lock(), 0
        self._proc: Any = None
        self.config = {"Timeout": seconds, "FunctionArn": "arn:function"}
        self._code = textwrap.dedent(FUNCTION).format(body=body)

    def _spawn(self) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", self._code]
        self._proc = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1
        )
        self.started.append(self._proc)
        self.spawned += 1


@pytest.fixture(params=["thread", "loop"])
def function(request: pytest.FixtureRequest) -> Iterator[type[Process]]:
    """A worker whose functions are invoked by a thread, or on the loop for a request."""

    class Worker(Process):
        started: list[Any] = []

    ending = ("_signal", "_collect", "_REAP_GRACE")
    of_ministack = {name: getattr(lambda_runtime, name) for name in ending}
    invocations.apply(SimpleNamespace(Worker=Worker, **of_ministack), [])
    if request.param == "loop":
        invoke = Worker.invoke  # type: ignore[attr-defined]

        def invoke_on_the_loop(*arguments: Any) -> Any:
            return asyncio.run(waits.run(invoke, *arguments))

        Worker.invoke = invoke_on_the_loop  # type: ignore[attr-defined]
    yield Worker
    for process in Worker.started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def test_a_function_gets_events_one_after_another_in_one_process(function: Any) -> None:
    worker = function("print('seen', event, file=sys.stderr)", 20)
    first, second = worker.invoke({"n": 1}, "r1"), worker.invoke({"n": 2}, "r2")
    assert first["status"] == second["status"] == "ok"
    assert [(each["result"], each["log"], each["cold_start"]) for each in (first, second)] == [
        ({"n": 1}, "seen {'n': 1}", True),
        ({"n": 2}, "seen {'n': 2}", False),
    ]
    assert worker.spawned == 1


def test_a_long_log_and_a_long_answer_pass_through_the_pipes(function: Any) -> None:
    worker = function("print('x' * 300_000, file=sys.stderr); event = event * 300_000", 20)
    result = worker.invoke("y", "r")
    assert result["result"] == "y" * 300_000
    assert result["log"] == "x" * 300_000


def test_a_long_event_waits_for_a_process_that_reads_late(function: Any) -> None:
    worker = function("print('seen', len(event), file=sys.stderr)", 20)
    first, second = worker.invoke("y" * 300_000, "r1"), worker.invoke("é" * 300_000, "r2")
    assert [(each["status"], each["log"]) for each in (first, second)] == [
        ("ok", "seen 300000")
    ] * 2


def test_what_a_module_prints_is_not_an_answer(function: Any) -> None:
    worker = function("print('hello'); print('{'); print('{\"status\": 1}', flush=True)", 20)
    assert worker.invoke(7, "r")["result"] == 7


def test_a_function_that_is_late_is_ended_and_its_log_is_kept(function: Any) -> None:
    worker = function("print('begun', file=sys.stderr, flush=True); time.sleep(event)", 1)
    late = worker.invoke(60, "r")
    assert (late["status"], late["error"]) == ("error", "Task timed out after 1.00 seconds")
    assert late["log"] == "begun"
    assert worker.invoke(0, "r")["status"] == "ok"
    assert worker.spawned == 2


def test_a_process_that_dies_is_an_error_and_the_next_event_gets_another(function: Any) -> None:
    worker = function("print('bye', file=sys.stderr, flush=True); event or sys.exit(3)", 20)
    dead = worker.invoke(0, "r")
    assert (dead["status"], dead["error"], dead["log"]) == ("error", "Worker process died", "bye")
    assert worker.invoke(1, "r")["result"] == 1


def test_ministack_invokes_for_requests_in_this_way() -> None:
    module = SimpleNamespace(run_reentrant=None)
    invocations.apply(SimpleNamespace(Worker=type("Worker", (), {})), [module])
    assert module.run_reentrant is waits.run
    with pytest.raises(AttributeError):
        invocations.apply(SimpleNamespace(Worker=type("Worker", (), {})), [SimpleNamespace()])
