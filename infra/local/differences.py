"""Where MiniStack 1.5.33 differs from AWS and it matters to us, put right from outside.

Each function says what AWS does. None of this touches the code or the template that is deployed. When MiniStack
is updated, look whether what is replaced here is still there: apply() raises AttributeError when a name is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.counts import Counts

TICK = 0.1  # how often event sources look for messages whose delay or visibility timeout has ended
STREAM_TICK = 0.2


def apply(counts: Counts) -> None:
    """Call once, after MiniStack is imported and before it serves."""
    from ministack.core import iam_actions, iam_evaluator, lambda_runtime
    from ministack.services import apigateway_v1, lambda_svc

    _import_gateway_responses(apigateway_v1)
    _streams_of_their_own(lambda_svc, counts)
    _no_waiting_for_queues(lambda_svc)
    _conditions_on_encryption_contexts(iam_actions)
    _as_over_tls(iam_evaluator)
    _batches_need_the_single_right(iam_actions)
    _bare_interpreter(lambda_runtime)
    _unpack_once(lambda_runtime)
    _no_waiting_for_logs(lambda_runtime)


def _import_gateway_responses(v1: Any) -> None:
    """API Gateway takes error responses and binary media types from the API's definition; MiniStack from resources only."""
    import_api = v1._import_rest_api

    def with_extensions(spec: dict[str, Any], base: dict[str, Any] | None = None) -> str:
        binary = spec.get("x-amazon-apigateway-binary-media-types")
        api_id: str = import_api(
            spec, {**(base or {}), **({"binaryMediaTypes": binary} if binary else {})}
        )
        for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
            v1._put_gateway_response(
                api_id, kind, {**response, "statusCode": str(response["statusCode"])}
            )
        return api_id

    v1._import_rest_api = with_extensions


class _StreamThread(threading.local):
    here = False


_stream_thread = _StreamThread()


def _streams_of_their_own(svc: Any, counts: Counts) -> None:
    """A stream's reader never holds up a queue's; and what a function reports as failed is read again.

    MiniStack runs stream functions on the thread that polls all queues, and takes a partly failed batch for done.
    """
    poll = svc._poll_dynamodb_streams
    execute = svc._execute_function

    def execute_and_mind_failures(
        function: dict[str, Any], event: dict[str, Any]
    ) -> dict[str, Any]:
        result: dict[str, Any] = execute(function, event)
        if _stream_thread.here:
            counts.event_source("stream", "batches")
            counts.event_source("stream", "records", len(event["Records"]))
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

    svc._execute_function = execute_and_mind_failures
    svc._poll_dynamodb_streams = lambda: False
    threading.Thread(target=read_streams, daemon=True, name="streams").start()


def _no_waiting_for_queues(svc: Any) -> None:
    """Lambda's pollers wait at the queue (long polling); MiniStack's look once a second, unless woken."""

    def tick() -> None:
        while True:
            time.sleep(TICK)
            svc._esm_wake.set()

    threading.Thread(target=tick, daemon=True, name="queues").start()


def _batches_need_the_single_right(actions: Any) -> None:
    """SQS allows SendMessageBatch to who may SendMessage, and knows no right of the batch's own name."""
    extract = actions.extract_iam_action

    def of_the_single(service: str, *rest: Any, **more: Any) -> Any:
        action = extract(service, *rest, **more)
        return (
            action.removesuffix("Batch") if service == "sqs" and isinstance(action, str) else action
        )

    actions.extract_iam_action = of_the_single


def _conditions_on_encryption_contexts(actions: Any) -> None:
    """Policies may ask for the encryption context of a KMS call; MiniStack does not tell them."""
    context = actions.request_tag_context

    def with_encryption_context(
        service: str, action: str, body: bytes, parameters: Any
    ) -> dict[str, Any]:
        found: dict[str, Any] = context(service, action, body, parameters)
        if service == "kms":
            asked = json.loads(body or b"{}").get("EncryptionContext", {})
            found |= {f"kms:EncryptionContext:{name}": value for name, value in asked.items()}
        return found

    actions.request_tag_context = with_encryption_context


def _as_over_tls(evaluator: Any) -> None:
    """AWS is called over TLS, and the bucket's policy refuses anything else; on this machine there is none."""
    resolve = evaluator._resolve_condition_key

    def over_tls(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    evaluator._resolve_condition_key = over_tls


def wake_event_sources() -> None:
    from ministack.services import lambda_svc

    lambda_svc._esm_wake.set()


def _bare_interpreter(runtime: Any) -> None:
    """A function sees the standard library and its own package, and nothing of the virtual environment the emulator runs in."""
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
    """In place of the module `zipfile`: a package is unpacked once, and every process that runs it gets a link to it."""

    _lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)

    @contextlib.contextmanager
    def ZipFile(self, path: str) -> Iterator[_UnpackedOnce._Package]:
        yield self._Package(path)

    @dataclass(frozen=True)
    class _Package:
        path: str

        def extractall(self, target: str) -> None:
            digest = hashlib.sha256(Path(self.path).read_bytes()).hexdigest()[:16]
            unpacked = Path(tempfile.gettempdir()) / f"code-{digest}"
            with _UnpackedOnce._lock:
                if not unpacked.is_dir():
                    fresh = unpacked.with_suffix(".tmp")
                    with zipfile.ZipFile(self.path) as package:
                        package.extractall(fresh)
                    fresh.rename(unpacked)
            os.rmdir(target)
            os.symlink(unpacked, target)


def _unpack_once(runtime: Any) -> None:
    """Unpacking is not part of a cold start on AWS; here it would be half of it."""
    runtime.zipfile = _UnpackedOnce()


def _no_waiting_for_logs(runtime: Any) -> None:
    """An invocation ends when the function returns; MiniStack's waits 50 ms longer for a first line of its log."""
    drain = runtime.Worker._drain_stderr_bounded

    def drain_soon(worker: Any) -> str:
        found: str = drain(worker, first_line_wait=0.003, idle_confirm=0.002)
        return found

    runtime.Worker._drain_stderr_bounded = drain_soon
