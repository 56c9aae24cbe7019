"""JPush's webhook: credentials and formats."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, WebhookRequest
from chalicelib.providers.app import jpush_receipts
from chalicelib.providers.app.jpush import JPush
from tests.providers.app.calls import CREDENTIALS
from tests.providers.scripted import ScriptedTransport, http

AUTH = "Basic " + b64encode(b"k1:s1").decode()


def webhook(body: Any, authorization: str = AUTH, credentials: dict[str, Any] = CREDENTIALS):
    provider = JPush(http(ScriptedTransport()))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = WebhookRequest("POST", {"authorization": authorization}, {}, raw, 1_700_000_000_000)
    return provider.read_webhook(request, provider.webhook_secret(credentials))


def test_the_webhook_secret_cannot_be_used_to_send() -> None:
    secret = JPush(http(ScriptedTransport())).webhook_secret(CREDENTIALS)
    assert "s1" not in json.dumps(dict(secret)).replace(secret["basic_sha256"], "")
    assert len(secret["basic_sha256"]) == 64


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!",
        "Bearer " + AUTH[6:],
        "Basic " + b64encode(b"k1:s2").decode(),
        "Basic \u00e9",
        AUTH + "x",
        "basic\x00",
    ],
)
def test_a_webhook_with_other_credentials_is_not_believed(authorization: str) -> None:
    with pytest.raises(Unverified):
        webhook({"data": []}, authorization)


def test_the_shape_of_the_community_receiver() -> None:
    events = [
        {"msg_id": 18, "type": 0, "registration_id": "a", "itime": 1_600_000_000},
        {"msg_id": "18", "type": 1, "registration_id": "a", "itime": 1_600_000_001_500},
        {"msg_id": "18", "type": 2, "registration_id": "b", "itime": "1600000000"},
        {"msg_id": "18", "type": 7, "registration_id": "b", "itime": 1_600_000_000},
        {"type": 0, "registration_id": "b"},
        "?",
    ]
    expected = [
        Receipt("18", ReceiptKind.DELIVERED, 1_600_000_000_000, "a"),
        Receipt("18", ReceiptKind.CLICKED, 1_600_000_001_500, "a"),
        Receipt("18", ReceiptKind.DELIVERY_FAILED, 1_600_000_000_000, "b"),
        Receipt("18", ReceiptKind.OTHER, 1_600_000_000_000, "b", "7"),
    ]
    assert webhook({"appKey": "k1", "data": events}).receipts == expected
    assert webhook(events).receipts == expected
    assert webhook({"appKey": "k1", "data": events[0]}).receipts == expected[:1]
    assert webhook(events[0]).receipts == expected[:1]


def test_the_shape_of_the_overseas_product() -> None:
    def row(status: str, **more: Any) -> dict[str, Any]:
        return {
            "message_id": "m",
            "from": "x",
            "to": "a",
            "server": "push",
            "itime": 1_600_000_000,
            "status": {"message_status": status, **more},
        }

    rows = [
        row("plan"),
        row("sent"),
        row("delivered"),
        row("click"),
        row("delivered_failed", error_code=3001),
        row("read"),
    ]
    assert [(r.kind, r.code) for r in webhook({"total": 5, "rows": rows}).receipts] == [
        (ReceiptKind.DELIVERED, ""),
        (ReceiptKind.CLICKED, ""),
        (ReceiptKind.DELIVERY_FAILED, "3001"),
        (ReceiptKind.OTHER, "read"),
    ]


def test_an_operator_names_the_fields_of_the_format_that_support_sent() -> None:
    fields = {
        "events": ["list"],
        "id": ["mid"],
        "contact": ["rids"],
        "time": ["at"],
        "kind": ["what"],
        "kinds": {"8": "clicked"},
    }
    credentials = {**CREDENTIALS, "receipt_fields": fields}
    JPush(http(ScriptedTransport())).check_credentials(credentials, {})
    receipts = webhook(
        {"list": [{"mid": 1, "rids": ["a", "b"], "at": 1_600_000_000, "what": 8}]},
        credentials=credentials,
    ).receipts
    assert [(r.provider_id, r.contact, r.kind) for r in receipts] == [
        ("1", "a", ReceiptKind.CLICKED),
        ("1", "b", ReceiptKind.CLICKED),
    ]


def test_an_event_without_a_time_has_the_time_of_the_webhook() -> None:
    assert (
        webhook({"msg_id": "1", "type": 0, "registration_id": "a"}).receipts[0].time
        == 1_700_000_000_000
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"1", b'"x"', b"null", b"[" * 100_000, b'{"data": 1}']
)
def test_a_body_that_holds_no_events_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        webhook(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "rows",
                    "msg_id",
                    "message_id",
                    "type",
                    "status",
                    "message_status",
                    "itime",
                    "registration_id",
                    "to",
                ]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_gives_receipts_or_is_invalid(value: Any) -> None:
    try:
        receipts = jpush_receipts.read(json.dumps(value).encode(), jpush_receipts.FIELDS, 5)
    except Invalid:
        return
    assert all(
        isinstance(r, Receipt)
        and (r.provider_id + r.contact).isascii()
        and r.provider_id
        and r.contact
        and r.time > 0
        for r in receipts
    )


@given(st.binary())
def test_any_bytes_give_receipts_or_are_invalid(body: bytes) -> None:
    with contextlib.suppress(Invalid):
        webhook(body)


@given(st.text())
def test_any_authorization_but_the_right_one_is_unverified(value: str) -> None:
    with pytest.raises(Unverified):
        webhook({"data": []}, value)
