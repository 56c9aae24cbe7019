"""JPush's calls: bodies, outcomes, errors and the pool of tokens."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Loss, OutgoingCall, Recipient
from chalicelib.providers.app.jpush import ERRORS, JPush
from chalicelib.web.messages import Response
from tests.providers.app.calls import NOON
from tests.providers.scripted import ScriptedTransport, account, call, failure, http, reply

ALERT = {"alert": "Hi"}


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
        (["android", "ios", "quickapp", "web"], ["android", "ios", "quickapp"]),
        (["web", "hmos", "web", "hmos"], ["hmos"]),
    ],
)
def test_the_platform_of_a_message(given_: Any, expected: Any) -> None:
    assert pushed(ALERT, platform=given_)["platform"] == expected


WEB = {"notification": {"web": {"alert": "A"}}}


@pytest.mark.parametrize(
    ("content", "platform"), [(ALERT, "web"), (ALERT, ["web"]), (WEB, ["web", "ios"]), (WEB, "all")]
)
def test_a_push_for_unknown_platforms_alone_is_lost_with_a_reason(
    content: dict[str, Any], platform: Any
) -> None:
    with pytest.raises(Rejected) as error:
        pushed(content, platform=platform)
    assert error.value.code == "unknown_platform"


def test_the_part_of_an_unknown_platform_is_left_out() -> None:
    content = {"notification": {"web": {"alert": "A"}, "quickapp": {"alert": "Q", "page": "/"}}}
    body = pushed(content, platform=["quickapp", "web"])
    assert list(body["notification"]) == ["quickapp"]
    custom = pushed({**WEB, "message": {"msg_content": "M"}, "options": {"time_to_live": 60}})
    assert "notification" not in custom
    assert custom["message"]["msg_content"] == "M"


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
        (failure(1003, 400), Misconfigured),
        (Response(400, {}, b"<html>"), Misconfigured),
        (failure(2002, 429), Throttled),
        (Uncertain("timeout"), Unavailable),
        (Response(502, {}, b""), Unavailable),
        (reply({"cidlist": []}), Unavailable),
        (reply([1]), Unavailable),
    ],
)
def test_a_failure_to_fetch_tokens_is_never_uncertain_nor_a_loss(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with (
        JPush(http(ScriptedTransport(answer))).connect(account()) as session,
        pytest.raises(kind) as error,
    ):
        session.token()
    assert type(error.value) is kind


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
