"""Faults of AWS, at the last moment before a request leaves: answers, losses, counts."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse

Reply = dict[str, Any]


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any) -> Iterator[bytes]:
        yield self._content


def _response(request: Any, status: int, content: bytes) -> AWSResponse:
    return AWSResponse(
        request.url, status, {"content-type": "application/x-amz-json-1.0"}, _Body(content)
    )


def _json(request: Any) -> Any:
    return json.loads(request.body)


@contextmanager
def _before_sending(
    client: Any, operation: str, handle: Callable[[Any], AWSResponse | None]
) -> Iterator[None]:
    service = client.meta.service_model.service_id.hyphenize()
    event = f"before-send.{service}.{operation}"

    def handler(request: Any, **_: Any) -> AWSResponse | None:
        return handle(request)

    client.meta.events.register_first(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)


@contextmanager
def answered(
    client: Any, operation: str, *replies: Callable[[Any], Reply] | Reply, status: int = 200
) -> Iterator[list[Any]]:
    """Answer the next requests so, without effect, and collect their bodies.

    A callable makes the answer from the request's body.
    """
    left, seen = list(replies), list[Any]()

    def handle(request: Any) -> AWSResponse | None:
        body = _json(request)
        seen.append(body)
        if not left:
            return None
        reply = left.pop(0)
        return _response(
            request, status, json.dumps(reply(body) if callable(reply) else reply).encode()
        )

    with _before_sending(client, operation, handle):
        yield seen


def throttled(client: Any, operation: str, times: int = 1) -> Any:
    error = {
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "too fast",
    }
    return answered(client, operation, *[error] * times, status=400)


@contextmanager
def lost_answer(client: Any, operation: str) -> Iterator[None]:
    """The next request has its effect, but its answer never comes: the SDK tries again."""
    left = [True]

    def handle(request: Any) -> AWSResponse | None:
        if not left:
            return None
        left.pop()
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        sent = urllib.request.Request(
            request.url, body, {k: _text(v) for k, v in request.headers.items()}, method="POST"
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent, timeout=5).read()
        return _response(request, 500, b'{"__type": "InternalServerError", "message": "lost"}')

    with _before_sending(client, operation, handle):
        yield


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def meanwhile(client: Any, operation: str, act: Callable[[], None]) -> Iterator[None]:
    """Somebody else does something just before the next request arrives."""
    left = [True]

    def handle(request: Any) -> None:
        if left:
            left.pop()
            act()

    with _before_sending(client, operation, handle):
        yield


@contextmanager
def counted(*clients: Any) -> Iterator[list[str]]:
    """The operations that are asked for, in order."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    for each in clients:
        each.meta.events.register("before-call.*", note)
    try:
        yield seen
    finally:
        for each in clients:
            each.meta.events.unregister("before-call.*", note)


@contextmanager
def short_pages(client: Any, *operations: str) -> Iterator[None]:
    """Each answer has one item at most and says that others follow, as one of 1 MB does."""

    def shorten(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 1

    service = client.meta.service_model.service_id.hyphenize()
    events = [f"provide-client-params.{service}.{operation}" for operation in operations]
    for event in events:
        client.meta.events.register(event, shorten)
    try:
        yield
    finally:
        for event in events:
            client.meta.events.unregister(event, shorten)
