"""MiniStack's insides: count and log its work, list and start its functions.

After an update of MiniStack, check the names that this module uses: watch() raises AttributeError
for a missing one.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local import cores
from infra.local.counts import Counts


def watch(counts: Counts, log: Path) -> None:
    """Make MiniStack count its work, and write the logs of functions to a file.

    Call once, after MiniStack is imported and before it serves.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc, sqs, stepfunctions

    _name_the_caller(lambda_runtime)
    _count_invocations(lambda_svc, counts)
    _count_event_sources(sqs, counts)
    _count_transitions(stepfunctions, counts)
    _write_log(lambda_svc, log)


def _name_the_caller(runtime: Any) -> None:
    """Tell the counts the calling function: the AWS SDK puts this variable into its user agent."""
    spawn = runtime.Worker._spawn

    def spawn_named(worker: Any) -> None:
        variables = worker.config.get("Environment", {}).get("Variables", {})
        name = _short(worker.func_name)
        if getattr(worker, "is_last", False):
            name += cores.SUFFIX
        variables = {**variables, "AWS_SDK_UA_APP_ID": name}
        worker.config = {**worker.config, "Environment": {"Variables": variables}}
        spawn(worker)

    runtime.Worker._spawn = spawn_named


def _short(function: str) -> str:
    """Return `deliver_sms` for `openums-local-deliver_sms`."""
    return function.split("-", 2)[-1]


def _count_invocations(svc: Any, counts: Counts) -> None:
    dispatch = svc._execute_function_dispatch

    def count_invocation(
        function: Any, config: Any, payload: Any, request: str, started: float
    ) -> Any:
        begun = time.monotonic()
        result = dispatch(function, config, payload, request, started)
        milliseconds = (time.monotonic() - begun) * 1000
        counts.invocation(_short(config["FunctionName"]), milliseconds, bool(result.get("error")))
        return result

    svc._execute_function_dispatch = count_invocation


def _count_event_sources(sqs: Any, counts: Counts) -> None:
    receive, delete = sqs._receive_messages_for_esm, sqs._delete_messages_for_esm

    def count_receive(queue: str, number: int) -> Any:
        messages = receive(queue, number)
        if messages:
            name = _short(queue.rpartition("/")[2])
            counts.event_source(name, "receives")
            counts.event_source(name, "messages", len(messages))
        return messages

    def count_delete(queue: str, handles: Any) -> None:
        delete(queue, handles)
        counts.event_source(_short(queue.rpartition("/")[2]), "deletes")

    sqs._receive_messages_for_esm, sqs._delete_messages_for_esm = count_receive, count_delete


def _count_transitions(states: Any, counts: Counts) -> None:
    event = states._add_event

    def count_event(execution: Any, kind: str, details: Any = None) -> Any:
        if kind.endswith("StateEntered"):
            counts.state("transitions")
        return event(execution, kind, details)

    states._add_event = count_event


def _write_log(svc: Any, log: Path) -> None:
    """Write the functions' logs to a file, line by line, beside the emulator's CloudWatch Logs."""
    emit = svc._emit_lambda_logs
    lock, file = threading.Lock(), log.open("a", buffering=1, encoding="utf-8")

    def emit_and_write(
        function: Any, request: str, output: str, failed: bool, *rest: Any, **more: Any
    ) -> Any:
        name = _short((function.get("config") or function)["FunctionName"])
        if output:
            lines = "".join(f"{name}  {line}\n" for line in output.splitlines())
            with lock:
                file.write(lines)
        return emit(function, request, output, failed, *rest, **more)

    svc._emit_lambda_logs = emit_and_write


def deployed_api() -> str | None:
    """Return the id of the HTTP API that was deployed last, once it has a stage."""
    from ministack.services import apigateway

    for key in reversed(list(apigateway._apis._data)):
        if apigateway._stages._data.get(key):
            return str(key[-1])
    return None


def stored_item(table: str, key: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the item under a key as it is now, empty for none."""
    from ministack.services import dynamodb

    known = dynamodb._tables.get(dynamodb._normalize_table_name(table))
    return (dynamodb._get_item_by_key(known, key) if known else None) or {}


def workers() -> list[dict[str, Any]]:
    """List the living processes that run functions."""
    from ministack.core import lambda_runtime as runtime

    with runtime._lock:
        known = list(itertools.chain.from_iterable(runtime._workers.values()))
    return [
        {"function": _short(worker.func_name), "pid": worker._proc.pid, "busy": worker.in_use}
        for worker in known
        if worker._proc is not None and worker._proc.poll() is None
    ]


def warm() -> None:
    """Start a process for each idle function: the API first, then along the way of a message."""
    from ministack.core import lambda_runtime as runtime
    from ministack.services import lambda_svc as svc

    functions = [record for record in list(svc._functions._data.values()) if record.get("code_zip")]
    order = (
        "api",
        "chunks",
        "deliver_app",
        "deliver_sms",
        "deliver_email",
        "tally",
        "history",
        "sweep",
        "poll",
    )
    by_name = {_short(record["config"]["FunctionName"]): record for record in functions}
    for name in sorted(
        by_name, key=lambda name: order.index(name) if name in order else len(order)
    ):
        record, config = by_name[name], by_name[name]["config"]
        if any(worker["function"] == name for worker in workers()):
            continue
        worker, _ = runtime.acquire_worker(config["FunctionName"], config, record["code_zip"])
        try:
            runtime.ensure_spawned(worker)
        except Exception as error:  # noqa: BLE001 - the first invocation reports it again
            print(f"could not start {config['FunctionName']}: {error}", file=sys.stderr)
        finally:
            runtime.release_worker(worker)
