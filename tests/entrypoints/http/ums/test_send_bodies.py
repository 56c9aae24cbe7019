"""Bodies of a send: JSON of a bounded size and depth."""

from __future__ import annotations

import json

import pytest

from tests.entrypoints.conftest import Api, message
from tests.entrypoints.http.ums.template_sends import refused


@pytest.mark.parametrize(
    ("raw", "mentions"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "line 1"),
        (b'{"a":1} x', "not JSON"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"a":9223372036854775808}', "64 bits"),
        (b'{"a":1,"a":2}', 'duplicate key "a"'),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b"[" * 100_000, "deep"),
        (b"[" * 33 + b"]" * 33, "deep"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "deep"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"null", "body"),
        (b"17", "body"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    configured: Api, raw: bytes, mentions: str
) -> None:
    refused(configured, None, 4004, mentions, raw=raw)


def test_32_levels_are_not_too_deep(configured: Api) -> None:
    reply = configured.send(raw=b"[" * 32 + b"]" * 32)
    assert "deep" not in reply.json["message"]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/form-data",
        "json",
        "*/*",
    ],
)
def test_a_content_type_that_is_not_json_is_refused(configured: Api, kind: str) -> None:
    refused(configured, message(), 4004, "Content-Type", status=415, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/problem+json",
    ],
)
def test_json_content_types_are_accepted(configured: Api, kind: str) -> None:
    assert configured.send(message(), headers={"Content-Type": kind}).code == 0


def test_a_body_of_more_than_six_million_bytes_is_refused(configured: Api) -> None:
    raw = json.dumps(message()).encode()
    refused(configured, None, 4004, "6000000", status=413, raw=raw.ljust(6_000_001))
    assert configured.send(raw=raw.ljust(6_000_000)).code == 0
