from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import (
    Loss,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.app import jpush_receipts
from chalicelib.providers.app.jpush import ERRORS, JPush
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, account, call, failure, http, reply

ALERT = {"alert": "Hi"}
NOON = 1_800_000_000.0 - 1_800_000_000 % 86400 + 4 * 3600  # 12:00 in Beijing
CREDENTIALS = {"app_key": "k1", "master_secret": "s1"}


def sent(*answers: Response | Exception, outgoing: OutgoingCall, **options: Any):
    transport = ScriptedTransport(*answers)
    with JPush(http(transport)).connect(account(**options)) as session:
        return session.send(outgoing), transport


def pushed(content: dict[str, Any], **options: Any) -> dict[str, Any]:
    _, transport = sent(reply({"msg_id": "7"}), outgoing=call("a", content=content, **options))
    body: dict[str, Any] = transport.bodies()[0]
    return body


def test_a_thousand_registration_ids_are_one_call_with_its_token() -> None:
    ids = [f"rid{n}" for n in range(1000)]
    answer, transport = sent(
        reply({"sendno": "0", "msg_id": "18"}), outgoing=call(*ids, content=ALERT, token="k1-cid")
    )
    assert answer.provider_id == "18"
    assert len(answer.outcomes) == 1000
    assert not any(o.loss for o in answer.outcomes)
    (request,), (body,) = transport.requests, transport.bodies()
    assert request.url == "https://api.jpush.cn/v3/push"
    assert request.headers["authorization"] == "Basic " + b64encode(b"k1:s1").decode()
    assert body["audience"] == {"registration_id": ids}
    assert body["cid"] == "k1-cid"
    assert body["platform"] == "all"


def test_a_number_as_message_id_is_read_like_a_text() -> None:
    answer, _ = sent(reply({"sendno": 0, "msg_id": 18}), outgoing=call("a", content=ALERT))
    assert answer.provider_id == "18"


def test_a_short_content_is_expanded_for_android_and_ios() -> None:
    body = pushed({"title": "T", "alert": "A", "extras": {"x": "1"}})
    assert body["notification"] == {
        "alert": "A",
        "android": {"alert": "A", "title": "T", "extras": {"ums_msgid": "msg-1", "x": "1"}},
        "ios": {"alert": {"title": "T", "body": "A"}, "extras": {"ums_msgid": "msg-1", "x": "1"}},
    }


def test_a_full_content_passes_through_with_our_id() -> None:
    content = {
        "notification": {"android": {"alert": "A", "intent": {"url": "x"}}},
        "message": {"msg_content": "M"},
        "options": {"time_to_live": 60, "apns_collapse_id": "c"},
    }
    before = json.dumps(content)
    body = pushed(content, time_to_live=30, apns_production=False)
    assert body["notification"] == {
        "android": {"alert": "A", "intent": {"url": "x"}, "extras": {"ums_msgid": "msg-1"}}
    }
    assert body["message"] == {"msg_content": "M", "extras": {"ums_msgid": "msg-1"}}
    assert body["options"] == {
        "time_to_live": 30,
        "apns_collapse_id": "c",
        "apns_production": False,
    }
    assert json.dumps(content) == before


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (None, "all"),
        ("all", "all"),
        ("android", ["android"]),
        ("android, ios", ["android", "ios"]),
        (["ios"], ["ios"]),
        ([], "all"),
    ],
)
def test_the_platform_of_a_message(given_: Any, expected: Any) -> None:
    assert pushed(ALERT, platform=given_)["platform"] == expected


@pytest.mark.parametrize(
    ("sendno", "expected"),
    [("18", 18), (18, 18), ("abc", None), ("0", None), ("99999999999", None), ("-1", None)],
)
def test_sendno_is_passed_on_where_the_vendor_takes_it(sendno: Any, expected: int | None) -> None:
    assert pushed(ALERT, sendno=sendno).get("options", {}).get("sendno") == expected


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_code_of_the_table_is_its_class(code: str) -> None:
    with pytest.raises(ERRORS[code]) as error:
        sent(failure(int(code), 400), outgoing=call("a", "b", content=ALERT))
    assert error.value.code == code


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(1004, 401), Misconfigured),
        (failure(2003, 403), Misconfigured),
        (failure(1000, 500), Unavailable),
        (failure(1030, 503), Unavailable),
        (failure(9999, 400), Rejected),
        (failure(9999, 403), Misconfigured),
        (failure(9999, 500), Unavailable),
        (Response(503, {}, b"<html>"), Unavailable),
        (Response(500, {}, b"<html>"), Uncertain),
        (Response(502, {}, b""), Uncertain),
        (Response(504, {}, b""), Uncertain),
        (Response(302, {}, b""), Misconfigured),
        (Response(404, {}, b"not here"), Misconfigured),
        (Response(200, {}, b"not json"), Uncertain),
        (Response(200, {}, b"[]"), Uncertain),
        (reply({"sendno": "0"}), Uncertain),
        (Uncertain("timeout"), Uncertain),
        (Unavailable("connect"), Unavailable),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(answer, outgoing=call("a", content=ALERT))
    assert type(error.value) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "9"}, 9.0),
        ({"x_rate_limit_reset": "42"}, 42.0),
        ({}, None),
        ({"retry_after": "soon", "x_rate_limit_reset": "5"}, 5.0),
        ({"retry_after": "999999"}, 3600.0),
        ({"retry_after": "-1"}, None),
    ],
)
def test_throttling_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(Throttled) as error:
        sent(failure(2002, 429, **headers), outgoing=call("a", content=ALERT))
    assert error.value.code == "2002"
    assert error.value.retry_after == seconds


def test_no_target_means_that_no_registration_id_is_valid() -> None:
    answer, _ = sent(failure(1011, 400), outgoing=call("a", "b", content=ALERT))
    assert [(o.loss, o.code) for o in answer.outcomes] == [(Loss.INVALID_TARGET, "1011")] * 2


def test_one_malformed_registration_id_is_an_invalid_target() -> None:
    malformed = reply({"error": {"code": 1003, "message": "Invalid registration_id"}}, 400)
    answer, _ = sent(malformed, outgoing=call("a", content=ALERT))
    assert answer.outcomes[0].loss is Loss.INVALID_TARGET
    with pytest.raises(Rejected):
        sent(malformed, outgoing=call("a", "b", content=ALERT))


def cids(*names: str) -> Response:
    return reply({"cidlist": list(names)})


def test_tokens_come_from_a_pool_so_that_not_every_call_costs_two() -> None:
    transport = ScriptedTransport(cids("k1-1", "k1-2"), cids("k1-3"))
    provider = JPush(http(transport), now=lambda: NOON)
    with provider.connect(account()) as session:
        assert [session.token(), session.token()] == ["k1-1", "k1-2"]
    with provider.connect(account()) as session:
        assert session.token() == "k1-3"
    assert transport.paths() == ["GET /v3/push/cid"] * 2
    assert transport.queries()[0] == {"type": ["push"], "count": ["10"]}


def test_a_pool_belongs_to_one_account_and_grows_old() -> None:
    now = [NOON]
    transport = ScriptedTransport(cids("k1-1", "k1-2"), cids("other-1", "other-2"), cids("k1-9"))
    provider = JPush(http(transport), now=lambda: now[0])
    with (
        provider.connect(account()) as session,
        provider.connect(account(base_url="https://private.example")) as other,
    ):
        assert session.token() == "k1-1"
        assert other.token() == "other-1"
        now[0] += 700
        assert session.token() == "k1-9"
    assert provider.capabilities.token_life == 86400 - 600


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(1004, 401), Misconfigured),
        (failure(2002, 429), Throttled),
        (Uncertain("timeout"), Unavailable),
        (Response(502, {}, b""), Unavailable),
        (reply({"cidlist": []}), Unavailable),
        (reply([1]), Unavailable),
    ],
)
def test_a_failure_to_fetch_tokens_is_never_uncertain(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with (
        JPush(http(ScriptedTransport(answer))).connect(account()) as session,
        pytest.raises(kind) as error,
    ):
        session.token()
    assert type(error.value) is kind


def polled(*answers: Response | Exception, now: float = NOON, **options: Any):
    transport = ScriptedTransport(*answers)
    with JPush(http(transport), now=lambda: now).connect(account(**options)) as session:
        return session.poll({"18": ["a", "b", "c", "d", "e", "f"]}), transport


def test_polling_reads_what_is_certain() -> None:
    states = {
        "a": {"status": 0},
        "b": {"status": 1},
        "c": {"status": 2},
        "d": {"status": 3},
        "e": {"status": 4},
        "f": "?",
        "x": {},
    }
    receipts, transport = polled(reply(states))
    at = int(NOON * 1000)
    assert receipts == [
        Receipt("18", ReceiptKind.DELIVERED, at, "a"),
        Receipt("18", ReceiptKind.DELIVERY_FAILED, at, "c", "2"),
    ]
    assert transport.requests[0].url == "https://report.jpush.cn/v3/status/message"
    assert transport.bodies() == [
        {"msg_id": 18, "registration_ids": ["a", "b", "c", "d", "e", "f"]}
    ]


def test_polling_asks_for_yesterday_in_the_small_hours() -> None:
    receipts, transport = polled(
        reply({"a": {"status": 0}}), reply({"b": {"status": 0}}), now=NOON - 11 * 3600
    )
    assert [r.contact for r in receipts] == ["a", "b"]
    first, second = transport.bodies()
    assert "date" not in first
    assert second["registration_ids"] == ["b", "c", "d", "e", "f"]
    assert len(second["date"]) == 10


def test_polling_asks_for_a_thousand_at_a_time() -> None:
    transport = ScriptedTransport(reply({}), reply({}), reply({}))
    with JPush(http(transport), now=lambda: NOON).connect(
        account(report_url="https://r.example")
    ) as session:
        session.poll({"18": [str(n) for n in range(1500)], "19": ["a"]})
    assert [len(body["registration_ids"]) for body in transport.bodies()] == [1000, 500, 1]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(3001, 401), Misconfigured),
        (failure(10, 500), Unavailable),
        (Uncertain("timeout"), Unavailable),
    ],
)
def test_a_failed_poll_says_what_to_do(answer: Response | Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        polled(answer)


@pytest.mark.parametrize(
    "content",
    [
        {"alert": "{{name}}, hello"},
        {"title": "T", "alert": "A", "extras": {"url": "{{url}}"}},
        {"notification": {"alert": "A"}},
        {
            "notification": {
                "android": {"alert": "A"},
                "ios": {"alert": {"title": "T", "body": "{{b}}"}},
            }
        },
        {"notification": {"alert": "A", "hmos": {"category": "X"}}},
        {
            "notification": {
                "android": {"alert": "", "extras": {"x": 1}},
                "ios": {"alert": "", "badge": "+1", "content-available": True},
            }
        },
        {"message": {"msg_content": "M", "title": "T"}},
        {
            "notification": {"alert": "A"},
            "message": {"msg_content": "M"},
            "options": {"time_to_live": 60},
        },
    ],
)
def test_contents_that_a_template_may_have(content: dict[str, Any]) -> None:
    JPush(http(ScriptedTransport())).check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "alert"),
        ({"alert": ""}, "alert"),
        ({"alert": 1}, "alert"),
        ({"alert": "A", "title": 1}, "title"),
        ({"alert": "A", "extras": []}, "extras"),
        ({"alert": "A", "audience": "all"}, "audience"),
        ({"notification": {"alert": "A"}, "audience": "all"}, "audience"),
        ({"notification": {"alert": "A"}, "platform": "all"}, "platform"),
        ({"notification": {"alert": "A"}, "callback": {}}, "callback"),
        ({"notification": {}}, "notification"),
        ({"notification": "A"}, "notification"),
        ({"notification": {"voip": {}}}, "notification.voip"),
        ({"notification": {"android": {"title": "T"}}}, "notification.android.alert"),
        ({"notification": {"android": "A"}}, "notification.android"),
        ({"notification": {"android": {"alert": None}}}, "notification.android.alert"),
        ({"notification": {"ios": {"alert": {}}}}, "notification.ios.alert"),
        ({"notification": {"hmos": {"alert": ""}}}, "notification.hmos.alert"),
        ({"notification": {"alert": ""}}, "notification.alert"),
        ({"message": {}}, "message.msg_content"),
        ({"message": {"msg_content": "M", "extras": 1}}, "message.extras"),
        ({"message": {"msg_content": "M"}, "options": []}, "options"),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        JPush(http(ScriptedTransport())).check_content(content)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "credentials.app_key"),
        ({"app_key": "k"}, {}, "credentials.master_secret"),
        ({"app_key": "k:", "master_secret": "s"}, {}, "credentials.app_key"),
        ({"app_key": "k", "master_secret": 1}, {}, "credentials.master_secret"),
        ({"app_key": "k", "master_secret": "s", "appkey": "k"}, {}, "credentials.appkey"),
        (
            {"app_key": "k", "master_secret": "s"},
            {"base_url": "http://push.example"},
            "options.base_url",
        ),
        (
            {"app_key": "k", "master_secret": "s"},
            {"report_url": "https://10.0.0.1"},
            "options.report_url",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": 1},
            {},
            "credentials.receipt_fields",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": {"x": []}},
            {},
            "credentials.receipt_fields.x",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": {"id": "mid"}},
            {},
            "credentials.receipt_fields.id",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": {"kinds": {"1": "seen"}}},
            {},
            "credentials.receipt_fields.kinds",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        JPush(http(ScriptedTransport())).check_credentials(raw, options)
    assert error.value.field == field


def test_a_private_cloud_needs_its_address() -> None:
    private = JPush(http(ScriptedTransport()), platform="jpush_private")
    with pytest.raises(Invalid, match="base_url"):
        private.check_credentials(CREDENTIALS, {})
    private.check_credentials(CREDENTIALS, {"base_url": "https://push.corp.example:8443"})


# Webhook

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


def test_recipients_do_not_show_in_representations() -> None:
    assert "13800000000" not in repr(Recipient("13800000000", {"alert": "13800000000"})) + repr(
        account()
    )


def recalled(answer: Response | Exception) -> tuple[Any, ScriptedTransport]:
    transport = ScriptedTransport(answer)
    with JPush(http(transport)).connect(account()) as session:
        return session.recall("18/7", ["a", "b"]), transport


@pytest.mark.parametrize("answer", [reply({}), Response(200, {}, b""), Response(204, {}, b"")])
def test_a_push_is_withdrawn_for_all_its_devices(answer: Response) -> None:
    outcomes, transport = recalled(answer)
    assert [outcome.loss for outcome in outcomes] == [None, None]
    (request,) = transport.requests
    assert (request.method, request.url) == ("DELETE", "https://api.jpush.cn/v3/push/18%2F7")
    assert JPush(http(transport)).capabilities.recall


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply({"error": {"code": 1003, "message": "Invalid msg_id"}}, 400), Rejected),
        (reply({"error": {"code": 2002}}, 429), Throttled),
        (Uncertain("timeout"), Unavailable),
        (reply({"error": {"code": 1004}}, 401), Misconfigured),
        (reply({}, 500), Unavailable),
    ],
)
def test_a_push_that_cannot_be_withdrawn_says_why(
    answer: Response | Exception, error: type[Exception]
) -> None:
    with pytest.raises(error):
        recalled(answer)
