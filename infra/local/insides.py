"""MiniStack's insides: what it does is counted and logged, its functions are seen and started, and it is asked for its own answers.

When MiniStack is updated, look whether what is reached into here is still there: watch() raises AttributeError when a name is gone.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.counts import Counts


def watch(counts: Counts, log: Path) -> None:
    """Call once, after MiniStack is imported and before it serves."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc, sqs, stepfunctions

    _name_the_caller(lambda_runtime)
    _count(lambda_svc, sqs, stepfunctions, counts)
    _write_log(lambda_svc, log)


def _name_the_caller(runtime: Any) -> None:
    """The AWS SDK puts this variable into its user agent: so the counts know which function asked."""
    spawn = runtime.Worker._spawn

    def spawn_named(worker: Any) -> None:
        variables = {
            **worker.config.get("Environment", {}).get("Variables", {}),
            "AWS_SDK_UA_APP_ID": _short(worker.func_name),
        }
        worker.config = {**worker.config, "Environment": {"Variables": variables}}
        spawn(worker)

    runtime.Worker._spawn = spawn_named


def _short(function: str) -> str:
    """`deliver_sms` of `openums-local-deliver_sms`."""
    return function.split("-", 2)[-1]


def _count(svc: Any, sqs: Any, states: Any, counts: Counts) -> None:
    dispatch, receive, delete, event = (
        svc._execute_function_dispatch,
        sqs._receive_messages_for_esm,
        sqs._delete_messages_for_esm,
        states._add_event,
    )

    def count_invocation(
        function: Any, config: Any, payload: Any, request: str, started: float
    ) -> Any:
        begun = time.monotonic()
        result = dispatch(function, config, payload, request, started)
        counts.invocation(
            _short(config["FunctionName"]),
            (time.monotonic() - begun) * 1000,
            bool(result.get("error")),
        )
        return result

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

    def count_event(execution: Any, kind: str, details: Any = None) -> Any:
        if kind.endswith("StateEntered"):
            counts.state("transitions")
        return event(execution, kind, details)

    svc._execute_function_dispatch = count_invocation
    sqs._receive_messages_for_esm, sqs._delete_messages_for_esm = count_receive, count_delete
    states._add_event = count_event


def _write_log(svc: Any, log: Path) -> None:
    """What functions write, line by line as it comes, in one file beside the emulator's CloudWatch Logs."""
    emit = svc._emit_lambda_logs
    lock = threading.Lock()

    def emit_and_write(
        function: Any, request: str, output: str, failed: bool, *rest: Any, **more: Any
    ) -> Any:
        name = _short((function.get("config") or function)["FunctionName"])
        if output:
            lines = "".join(f"{name}  {line}\n" for line in output.splitlines())
            with lock, log.open("a", encoding="utf-8") as file:
                file.write(lines)
        return emit(function, request, output, failed, *rest, **more)

    svc._emit_lambda_logs = emit_and_write


@dataclass(frozen=True)
class Api:
    id: str
    stage: str


def deployed_api() -> Api | None:
    """The REST API that was deployed last, and its stage."""
    from ministack.services import apigateway_v1 as v1

    for key in reversed(list(v1._rest_apis._data)):
        api_id = key[-1]
        stages = list(v1.stages_for_api(api_id))
        if stages:
            return Api(api_id, stages[0])
    return None


def gateway_error(api: Api, kind: str, message: str) -> tuple[int, dict[str, str], bytes]:
    """What API Gateway answers by itself, as the deployed template shapes it."""
    from ministack.core.responses import request_scope
    from ministack.services import apigateway_v1 as v1

    stage = v1.stages_for_api(api.id)[api.stage]
    request = {
        "api_id": api.id,
        "stage_name": api.stage,
        "stage": stage,
        "request_id": "-",
        "resource_path": "",
    }
    request |= {"headers": {}, "query_params": {}, "path_params": {}}
    with request_scope(*v1.find_api_scope(api.id)):
        answer: tuple[int, dict[str, str], bytes] = v1._gateway_error_response(
            v1._GatewayError(kind, message), request
        )
    return answer


def workers() -> list[dict[str, Any]]:
    """The processes that run functions."""
    from ministack.core import lambda_runtime as runtime

    with runtime._lock:
        every = [worker for pool in runtime._workers.values() for worker in pool]
    alive = [worker for worker in every if worker._proc is not None and worker._proc.poll() is None]
    return [
        {"function": _short(worker.func_name), "pid": worker._proc.pid, "busy": worker.in_use}
        for worker in alive
    ]


def warm() -> None:
    """Start one process for each function that has none: the API first, then along the way of a message."""
    from ministack.core import lambda_runtime as runtime
    from ministack.services import lambda_svc as svc

    functions = [record for record in list(svc._functions._data.values()) if record.get("code_zip")]
    order = (
        "api",
        "audience",
        "deliver_app",
        "deliver_sms",
        "deliver_email",
        "tally",
        "sweep",
        "poll",
    )
    by_name = {_short(record["config"]["FunctionName"]): record for record in functions}
    for name in sorted(
        by_name, key=lambda name: order.index(name) if name in order else len(order)
    ):
        record, config = by_name[name], by_name[name]["config"]
        if any(each["function"] == name for each in workers()):
            continue
        worker, _ = runtime.acquire_worker(config["FunctionName"], config, record["code_zip"])
        try:
            runtime.ensure_spawned(worker)
        except Exception as error:  # noqa: BLE001 - the first invocation meets it again and reports it
            print(f"could not start {config['FunctionName']}: {error}", file=sys.stderr)
        finally:
            runtime.release_worker(worker)
