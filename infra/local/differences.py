"""Corrections of MiniStack 1.5.33 where it differs from AWS.

Each function describes AWS. The deployed code and template stay untouched.
apply() raises AttributeError if an update of MiniStack lacks a name that it replaces.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local import batching, cores, fair_queues, invocations, leading_keys, rights
from infra.local.counts import Counts

TICK = 0.1  # seconds between two looks for messages whose delay or visibility timeout has ended
STREAM_TICK = 0.2  # seconds

FUNCTION_URLS = "/_aws/lambda-url/"  # the emulator's path to them


def apply(counts: Counts) -> None:
    """Make MiniStack behave like AWS. Call once, before MiniStack serves."""
    from ministack.core import iam_actions, iam_evaluator, lambda_runtime
    from ministack.services import (
        apigateway,
        apigateway_v1,
        dynamodb,
        lambda_svc,
        scheduler,
        sqs,
    )
    from ministack.services.cloudformation import provisioners

    _import_gateway_responses(apigateway_v1)
    _reachable_function_urls(provisioners)
    batching.apply(lambda_svc, dynamodb, sqs)
    _numbers_read_once(dynamodb)
    _streams_of_their_own(lambda_svc, counts)
    _no_waiting_for_queues(lambda_svc)
    fair_queues.apply(sqs)
    rights.apply(iam_actions, iam_evaluator)
    leading_keys.apply(iam_actions, iam_evaluator)
    _wake_ups_at_their_second(scheduler)
    _bare_interpreter(lambda_runtime)
    _unpack_once(lambda_runtime)
    invocations.apply(lambda_runtime, (apigateway, apigateway_v1, lambda_svc))
    cores.apply(lambda_svc, lambda_runtime)


def _import_gateway_responses(v1: Any) -> None:
    """Read error responses and binary media types from the API's definition, as API Gateway does.

    MiniStack reads them from resources only.
    """
    import_api = v1._import_rest_api

    def with_extensions(spec: dict[str, Any], base: dict[str, Any] | None = None) -> str:
        properties = dict(base or {})
        if binary := spec.get("x-amazon-apigateway-binary-media-types"):
            properties["binaryMediaTypes"] = binary
        api_id: str = import_api(spec, properties)
        for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
            response = {**response, "statusCode": str(response["statusCode"])}
            v1._put_gateway_response(api_id, kind, response)
        return api_id

    v1._import_rest_api = with_extensions


def _reachable_function_urls(provisioners: Any) -> None:
    """Give templates an address of function URLs that this machine can reach.

    MiniStack's has a host name of AWS.
    """
    attributes = provisioners._lambda_url_attributes

    def reachable(configured: dict[str, Any]) -> dict[str, Any]:
        url_id = urlsplit(configured["FunctionUrl"]).hostname.partition(".")[0]
        address = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{FUNCTION_URLS}{url_id}/"
        return {**attributes(configured), "FunctionUrl": address}

    provisioners._lambda_url_attributes = reachable


def _numbers_read_once(dynamodb: Any) -> None:
    """Keep what MiniStack finds of a number's text. It reads each one several times."""

    def keep(find: Callable[[Any], Any]) -> Callable[[Any], Any]:
        of_text = lru_cache(maxsize=10_000)(find)
        return lambda number: (of_text if isinstance(number, str) else find)(number)

    for name in ("_number_error", "_ddb_canonicalize_number", "_number_size_bytes"):
        setattr(dynamodb, name, keep(getattr(dynamodb, name)))


class _StreamThread(threading.local):
    here = False


_stream_thread = _StreamThread()


def _streams_of_their_own(svc: Any, counts: Counts) -> None:
    """Read streams on a thread of their own, and read failed records again, as AWS does.

    MiniStack runs stream functions on the thread that polls all queues.
    It treats a partly failed batch as done.
    """
    poll = svc._poll_dynamodb_streams
    execute = svc._execute_function

    def execute_with_failures(function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = execute(function, event)
        if _stream_thread.here:
            source = f"stream {_table(event)}"
            counts.event_source(source, "batches")
            counts.event_source(source, "records", len(event["Records"]))
            body = result.get("body")
            if isinstance(body, dict) and body.get("batchItemFailures"):
                return {**result, "error": True}
        return result

    def read_streams() -> None:
        _stream_thread.here = True
        while True:
            worked = False
            with contextlib.suppress(Exception):
                worked = poll()
            if not worked:
                time.sleep(STREAM_TICK)

    svc._execute_function, svc._poll_dynamodb_streams = execute_with_failures, lambda: False
    threading.Thread(target=read_streams, daemon=True, name="streams").start()


def _table(event: dict[str, Any]) -> str:
    """Return the short name of the table whose stream brings an event."""
    path = str(event["Records"][0]["eventSourceARN"]).rpartition(":table/")[2]
    return path.partition("/")[0].rpartition("-")[2]


def _no_waiting_for_queues(svc: Any) -> None:
    """Wake the pollers often, since Lambda's wait at the queue (long polling).

    MiniStack's pollers look once a second, unless woken.
    """

    def tick() -> None:
        while True:
            time.sleep(TICK)
            svc._esm_wake.set()

    threading.Thread(target=tick, daemon=True, name="queues").start()


def _wake_ups_at_their_second(scheduler: Any) -> None:
    """Look for due schedules often. MiniStack looks each ten seconds, AWS within the minute."""
    scheduler._SCHEDULE_TICK_INTERVAL = TICK


def wake_event_sources() -> None:
    from ministack.services import lambda_svc

    lambda_svc._esm_wake.set()


def _bare_interpreter(runtime: Any) -> None:
    """Hide the emulator's virtual environment from functions.

    A function sees the standard library and its own package.
    """
    bare = Path(tempfile.gettempdir()) / "python"
    interpreter = getattr(sys, "_base_executable", sys.executable)
    bare.write_text(f'#!/bin/sh\nexec "{interpreter}" -S -E -s "$@"\n')
    bare.chmod(0o755)
    detect = runtime._detect_runtime_binary

    def detect_bare(name: str) -> tuple[str, str]:
        binary, script = detect(name)
        return (str(bare) if binary == sys.executable else binary), script

    runtime._detect_runtime_binary = detect_bare


class _UnpackedOnce:
    """A substitute of the module `zipfile`: it unpacks a package once, and links every process."""

    _lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)

    class ZipFile(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()[:16]
            unpacked = Path(tempfile.gettempdir()) / f"code-{digest}"
            with _UnpackedOnce._lock:
                if not unpacked.is_dir():
                    fresh = unpacked.with_suffix(".tmp")
                    super().extractall(fresh)
                    fresh.rename(unpacked)
            os.rmdir(path)
            os.symlink(unpacked, path)


def _unpack_once(runtime: Any) -> None:
    """Unpack a package once. It is not part of a cold start on AWS, but half of a local one."""
    runtime.zipfile = _UnpackedOnce()
