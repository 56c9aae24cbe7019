"""A function's process speaks the Lambda runtime API, and ends as Lambda's do."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.localstack.bootstrap import LAYERS
from infra.localstack.runtime_api import Event, Function, NotReady
from tests.liveness import eventually

HANDLERS = """
import os, sys, time

def echo(event, context):
    print("seen", event["text"])
    return {
        "text": event["text"],
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb,
    }

def fail(event, context):
    raise KeyError("gone")

def sleep(event, context):
    time.sleep(event["seconds"])

def wait(event, context):
    while not os.path.exists("waited"):
        time.sleep(0.01)

def end(event, context):
    if not os.path.exists("ended"):
        open("ended", "w").close()
        os._exit(3)
    return "again"

def talk(event, context):
    for number in range(event["lines"]):
        print(number, flush=True)
    os._exit(3)

def sees(event, context):
    return {"path": sys.path, "names": sorted(os.environ)}
"""
Make = Callable[..., Function]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    (tmp_path / "app.py").write_text(HANDLERS)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    made: list[Function] = []

    def function(handler: str, timeout: float = 30.0, **more: Any) -> Function:
        variables = {
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "_HANDLER": handler,
            "AWS_LAMBDA_FUNCTION_NAME": "openums-test-api",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/openums-test-api",
            "AWS_LAMBDA_LOG_STREAM_NAME": "one",
        }
        made.append(Function([sys.executable], variables, timeout, **more))
        return made[-1]

    yield function
    for started in made:
        started.stop()


def invoke(function: Function, **event: Any) -> tuple[Any, bool, str]:
    """Return what the handler answered, whether it failed, and its log."""
    arn = "arn:aws:lambda:us-east-1:000000000000:function:openums-test-api"
    outcome, log = function.invoke(Event("id-1", arn, json.dumps(event).encode()))
    return json.loads(outcome.payload), outcome.failed, log


def test_an_event_is_answered_with_the_context_of_lambda(make: Make) -> None:
    function = make("app.echo")
    answer, failed, _ = invoke(function, text="你好 " * 100_000)
    assert not failed
    assert answer["text"] == "你好 " * 100_000
    assert (answer["id"], answer["memory"]) == ("id-1", "512")
    assert answer["arn"].endswith(":function:openums-test-api")
    assert 0 < answer["left"] <= 30_000


def test_a_process_serves_one_event_after_the_other(make: Make) -> None:
    function = make("app.echo")
    texts = [invoke(function, text=str(number))[0]["text"] for number in range(20)]
    assert texts == [str(number) for number in range(20)]


def test_a_log_line_belongs_to_its_invocation(make: Make) -> None:
    heard: list[str] = []
    function = make("app.echo", say=heard.append)
    function.start()
    logs = [invoke(function, text=text)[2] for text in ("a", "b")]
    assert logs == ["seen a", "seen b"]
    assert heard == ["seen a", "seen b"]


def test_an_exception_is_a_failure_with_its_type_and_trace(make: Make) -> None:
    answer, failed, log = invoke(make("app.fail"))
    assert failed
    assert (answer["errorType"], answer["errorMessage"]) == ("KeyError", "'gone'")
    assert any("raise KeyError" in line for line in answer["stackTrace"])
    assert "KeyError: 'gone'" in log


def test_code_that_cannot_be_imported_is_told_when_it_starts(make: Make) -> None:
    with pytest.raises(NotReady, match="nothing_of_that_name"):
        make("broken.handler").start()


def test_a_process_that_ends_is_a_failure_and_starts_again(make: Make) -> None:
    function = make("app.end")
    answer, failed, _ = invoke(function)
    assert (failed, answer["errorType"]) == (True, "Runtime.ExitError")
    assert invoke(function)[:2] == ("again", False)


def test_the_log_of_a_process_that_ends_is_read_to_its_end(make: Make) -> None:
    heard: list[str] = []

    def hear(line: str) -> None:
        time.sleep(0.001)  # as on a busy machine
        heard.append(line)

    _, failed, log = invoke(make("app.talk", say=hear), lines=2000)
    assert failed
    assert log.splitlines() == [str(number) for number in range(2000)]
    assert len(heard) == 2001


def test_a_process_that_is_killed_starts_again(make: Make) -> None:
    function = make("app.sleep")
    function.start()
    pid = function.pid
    assert pid is not None
    threading.Thread(
        target=lambda: eventually(lambda: function.is_busy) and os.kill(pid, signal.SIGKILL)
    ).start()
    assert invoke(function, seconds=600)[0]["errorType"] == "Runtime.ExitError"
    assert invoke(function, seconds=0)[:2] == (None, False)


def test_a_process_that_takes_too_long_is_ended(make: Make) -> None:
    function = make("app.sleep", timeout=0.3)
    answer, failed, _ = invoke(function, seconds=600)
    assert (failed, answer["errorType"]) == (True, "Sandbox.Timedout")
    assert "timed out after 0.30 seconds" in answer["errorMessage"]
    assert function.pid is None


def test_a_process_that_is_to_end_finishes_its_invocation(make: Make, tmp_path: Path) -> None:
    function = make("app.wait")
    function.start()
    finish = threading.Thread(target=function.finish)

    def end_meanwhile() -> None:
        eventually(lambda: function.is_busy)
        finish.start()
        (tmp_path / "waited").touch()

    meanwhile = threading.Thread(target=end_meanwhile)
    meanwhile.start()
    assert invoke(function)[:2] == (None, False)
    meanwhile.join()
    finish.join()
    assert function.pid is None


def test_layers_are_importable(make: Make, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    (layer / "python" / "of_the_layer.py").write_text("def handler(event, context): return 7\n")
    function = make("of_the_layer.handler")
    function.environment = {**function.environment, LAYERS: str(layer)}
    assert invoke(function)[:2] == (7, False)


def test_a_process_sees_its_package_and_its_variables_only(make: Make, tmp_path: Path) -> None:
    sees, _, _ = invoke(make("app.sees"))
    assert sees["path"][0] == str(tmp_path)
    assert not [entry for entry in sees["path"] if "site-packages" in entry or "infra" in entry]
    assert "PYTHONPATH" not in sees["names"]
    assert "HOME" not in sees["names"]
    assert "AWS_LAMBDA_RUNTIME_API" in sees["names"]
