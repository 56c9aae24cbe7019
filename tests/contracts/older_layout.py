"""Items as commit d509b28 wrote them, and a KMS that opens what they hold.

That commit's own code made them through its API, with this KMS.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FIXTURE = Path(__file__).with_name("older_layout.json")
DATA_KEY = bytes(range(32))


def read() -> tuple[Mapping[str, Any], Mapping[str, list[dict[str, Any]]]]:
    """Return ids and secrets by name, and items by table."""
    fixture = json.loads(FIXTURE.read_text())
    return fixture["known"], _bytes(fixture["tables"])


def _bytes(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"])
        return {name: _bytes(inner) for name, inner in value.items()}
    return [_bytes(inner) for inner in value] if isinstance(value, list) else value


@contextmanager
def kms_of_then(aws: Callable[[str], Any]) -> Iterator[None]:
    """Let KMS open the data key and the credentials of the items."""
    events = aws("kms").meta.events
    events.register("before-call", _answer)
    try:
        yield
    finally:
        events.unregister("before-call", _answer)


def _answer(model: Any, params: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
    body = json.loads(params["body"])
    if model.name == "Encrypt":
        answer = {"CiphertextBlob": b"kms:" + base64.b64decode(body["Plaintext"])}
    else:
        sealed = base64.b64decode(body["CiphertextBlob"])
        answer = {"Plaintext": DATA_KEY if sealed == b"data key" else sealed[4:]}
    return SimpleNamespace(status_code=200), answer
