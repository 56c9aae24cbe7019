"""The runtime in a function's process: asks the Lambda runtime API for events, calls the handler.

It needs the standard library only, since the process sees nothing but its own package.
Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (November 2026)
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

VERSION = "/2018-06-01/runtime"
LAYERS = "OPENUMS_LAYERS"
END = "\x04"  # in the output behind the lines of an invocation, before its id


class Context:
    """The second argument of a handler, as Lambda's own runtime builds it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline - time.time_ns() // 1_000_000)


def main() -> None:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *_layers()]
    try:
        handler = _handler(os.environ["_HANDLER"])
    except BaseException as error:
        _post(connection, f"{VERSION}/init/error", _described(error))
        raise
    while True:
        _serve(connection, handler)


def _layers() -> list[str]:
    """Return the folders of the function's layers. On AWS, Lambda merges the layers into /opt."""
    folders = os.environ.get(LAYERS, "").split(os.pathsep)
    return [os.path.join(folder, "python") for folder in folders if folder]


def _handler(name: str) -> Callable[[Any, Context], Any]:
    module, _, function = name.rpartition(".")
    handler: Callable[[Any, Context], Any] = getattr(importlib.import_module(module), function)
    return handler


def _serve(connection: http.client.HTTPConnection, handler: Callable[[Any, Context], Any]) -> None:
    connection.request("GET", f"{VERSION}/invocation/next")
    answer = connection.getresponse()
    event = json.loads(answer.read())
    context = Context(answer.headers)
    os.environ["_X_AMZN_TRACE_ID"] = answer.headers.get("Lambda-Runtime-Trace-Id", "")
    path = f"{VERSION}/invocation/{context.aws_request_id}"
    try:
        result = json.dumps(handler(event, context), ensure_ascii=False).encode()
    except Exception as error:  # noqa: BLE001 - as Lambda's own runtime does
        traceback.print_exc()
        _end_log(context.aws_request_id)
        _post(connection, f"{path}/error", _described(error))
    else:
        _end_log(context.aws_request_id)
        _post(connection, f"{path}/response", result)


def _end_log(request_id: str) -> None:
    """Tell whoever reads the output that the invocation has no more lines."""
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):  # a handler may have closed the output
        os.write(1, f"{END}{request_id}\n".encode())


def _described(error: BaseException) -> bytes:
    lines = traceback.format_tb(error.__traceback__)
    told = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": lines}
    return json.dumps(told).encode()


def _post(connection: http.client.HTTPConnection, path: str, body: bytes) -> None:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    connection.getresponse().read()


if __name__ == "__main__":
    main()
