"""The platforms of the contract suite, and its settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ReceiptMode
from chalicelib.providers import registry
from chalicelib.web.messages import Response
from tests.providers.contract import ENTRIES

CAPABILITIES = registry.capabilities()

POLLED = [
    platform for platform, can in CAPABILITIES.items() if ReceiptMode.POLL in can.receipt_modes
]

RETRY_AFTER = 3
every = pytest.mark.parametrize("platform", ENTRIES)


def page(status: int, body: bytes = b"<html>no</html>", **headers: str) -> Response:
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body
    )


NAMES = (
    "errcode",
    "errmsg",
    "sub_code",
    "msgid",
    "msg_id",
    "msgId",
    "task_id",
    "invaliduser",
    "unlicenseduser",
    "code",
    "error",
    "message",
    "recipients",
    "mobile",
    "error_code",
    "result",
    "failNum",
    "alipay_open_public_message_single_send_response",
    "sign",
    "access_token",
    "expires_in",
    "send_result",
    "cidlist",
    "rpts",
    "mos",
    "ret",
    "status",
    "unread_user_id_list",
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0", 0, 10000, "10000", -1, "42001"])
)

VALUES_OF = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=8,
)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "replace")
