"""Tests of delivery channels: whether address and credentials are right. The question is asked by the functions that deliver."""

from __future__ import annotations

import re
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.entrypoints.http_admin_support import admin, known_code
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import check, configure

bp = Blueprint(__name__)


@admin(bp, "channels/{code}/test", "POST", gives="channels.Check", also=(202,), role=None)
def check_channel(call: Call, code: str) -> Response:
    """Test the connection of a delivery channel. 202 when the provider is slow: ask for the check again."""
    channel = configure.channel(call.world, known_code(code))
    asked = check.ask(call.world, channel)
    return _shown(asked, check.wait(call.world, asked))


@admin(bp, "checks/{check_id}", "GET", gives="channels.Check", also=(202,))
def get_check(call: Call, check_id: str) -> Response:
    """Get the result of a test. It is kept for ten minutes; what is unknown is pending."""
    if not re.fullmatch("[0-9a-f]{32}", check_id):
        raise LookupError("no such check")
    return _shown(check_id, check.result(call.world, check_id))


def _shown(asked: str, found: check.Answered | None) -> Response:
    status = "pending" if found is None else "failed" if found.code else "ok"
    body: dict[str, Any] = {
        "check_id": asked, "status": status, "code": found.code if found else "", "kind": found.kind if found else "",
    }  # fmt: skip
    return Response(body, dict(JSON), 202 if found is None else 200)
