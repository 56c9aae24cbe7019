from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from chalicelib.providers.wechat.crypto import CallbackCrypto, read_tree, read_xml, signature
from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, Seen, Webhook, running, webhook

KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
KEYS = {"callback_token": "tok", "encoding_aes_key": KEY}
DATA = {"thing1": {"value": "tea"}}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--timeout-hang", str(HANG), "--retry-after", "1", "--late", "0.4") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("wechat", "wx1")
    return started


def ask(box: Sandbox, path: str, body: Any, **options: Any) -> dict[str, Any]:
    answer = requests.post(
        f"{box.url}/wechat/{path}", json=body, **{"timeout": PATIENCE, **options}
    )
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def token(box: Sandbox, app_id: str = "wx1", secret: str = "secret") -> dict[str, Any]:
    return ask(
        box,
        "cgi-bin/stable_token",
        {"grant_type": "client_credential", "appid": app_id, "secret": secret},
    )


def send(
    box: Sandbox,
    openid: str,
    path: str = "template/send",
    access_token: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    query = {"access_token": token(box)["access_token"] if access_token is None else access_token}
    timeout = {"timeout": more.pop("timeout", PATIENCE)}
    return ask(
        box,
        f"cgi-bin/message/{path}",
        {"touser": openid, "template_id": "tpl", "data": DATA, **more},
        params=query,
        **timeout,
    )


def test_a_token_is_given_for_id_and_secret_and_stays_while_it_lives(box: Sandbox) -> None:
    granted = token(box)
    assert sorted(granted) == ["access_token", "expires_in"]
    assert token(box)["access_token"] == granted["access_token"]
    classic = box.ask(
        "GET",
        "/wechat/cgi-bin/token",
        params={"grant_type": "client_credential", "appid": "wx1", "secret": "secret"},
    )
    assert classic.json()["access_token"] == granted["access_token"]
    assert token(box, secret="wrong")["errcode"] == 40125
    assert token(box, app_id="")["errcode"] == 40013


def test_a_wrong_missing_or_ended_token_is_refused(box: Sandbox) -> None:
    ended = token(box)["access_token"]
    assert send(box, "u", access_token="")["errcode"] == 41001
    assert send(box, "u", access_token="x")["errcode"] == 40001
    box.register("wechat", "wx1")
    assert send(box, "u", access_token=ended)["errcode"] == 42001
    assert token(box)["access_token"] != ended


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"template_id": "other"}, 40037),
        ({"template_id": ""}, 40037),
        ({"data": {}}, 47003),
        ({"data": {"thing1": {"value": 5}}}, 47003),
        ({"data": None}, 47001),
        ({"touser": "a b"}, 40003),
        ({"touser": None}, 40003),
    ],
)
def test_what_breaks_a_rule_gets_the_vendors_code_and_sends_nothing(
    box: Sandbox, change: dict[str, Any], code: int
) -> None:
    box.register("wechat", "wx1", templates="tpl:thing1 plain")
    answer = ask(
        box,
        "cgi-bin/message/template/send",
        {"touser": "u", "template_id": "tpl", "data": DATA, **change},
        params={"access_token": token(box)["access_token"]},
    )
    assert answer["errcode"] == code
    assert box.sends("u") == 0
    assert send(box, "u", template_id="plain", data={})["errcode"] == 0


@pytest.mark.parametrize(
    ("value", "code"),
    [("x" * 20, 0), ("x" * 21, 47003), ("", 47003)],
    ids=["as long as may be", "longer", "empty"],
)
def test_values_of_subscriptions_have_limits(box: Sandbox, value: str, code: int) -> None:
    for path in ("subscribe/send", "subscribe/bizsend"):
        assert send(box, "u", path, data={"thing1": {"value": value}})["errcode"] == code
    assert send(box, "u", data={"thing1": {"value": value}})["errcode"] == 0


def test_who_does_not_follow_is_refused(box: Sandbox) -> None:
    assert send(box, "u-reject")["errcode"] == 43004
    assert send(box, "u-reject", "subscribe/send")["errcode"] == 43101
    assert send(box, "u")["errcode"] == 0
    ask(box, "_console/unfollow", {"app_id": "wx1", "openid": "u"})
    assert send(box, "u")["errcode"] == 43004


def test_the_same_client_msg_id_reaches_a_person_once(box: Sandbox) -> None:
    first = send(box, "u", client_msg_id="1")
    assert send(box, "u", client_msg_id="1") == first
    assert box.outcomes("u") == ["accepted", "duplicate"]
    send(box, "v", client_msg_id="1")
    send(box, "u", client_msg_id="2")
    send(box, "u")
    send(box, "u", "subscribe/bizsend", client_msg_id="1")
    assert (box.sends("u"), box.sends("v")) == (3, 1)


def test_only_a_template_message_is_answered_with_an_id(box: Sandbox) -> None:
    assert send(box, "u")["msgid"]
    assert (
        send(box, "u", "subscribe/bizsend")
        == send(box, "u", "subscribe/send")
        == {"errcode": 0, "errmsg": "ok"}
    )


def test_troubles_pass(box: Sandbox) -> None:
    assert send(box, "u-throttle")["errcode"] == 45011
    assert send(box, "u-flaky")["errcode"] == -1
    with pytest.raises(requests.Timeout):
        send(box, "u-timeout", client_msg_id="1", timeout=GIVES_UP)
    for openid in ("u-throttle", "u-flaky", "u-timeout"):
        assert send(box, openid, client_msg_id="1")["errcode"] == 0
        assert box.sends(openid) == 1


def query(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.path).query).items()}


def opened(seen: Seen, receiver: str) -> dict[str, Any]:
    asked, encrypted = query(seen), read_xml(seen.body.encode())["Encrypt"]
    lock = CallbackCrypto("tok", KEY, receiver)
    lock.verify(asked["msg_signature"], asked["timestamp"], asked["nonce"], encrypted)
    return read_tree(lock.decrypt(encrypted).encode())


def test_receipts_are_signed_and_plain_or_encrypted(box: Sandbox) -> None:
    with webhook() as hook:
        assert (
            box.register(
                "wechat", "wx1", webhook_url=hook.url, callback_token="tok", verify=True
            ).status_code
            == 200
        )
        asked = query(hook.seen[0])
        assert asked["signature"] == signature("tok", asked["timestamp"], asked["nonce"])
        hook.seen.clear()
        answer = send(box, "u-undelivered")
        eventually(lambda: hook.seen)
        event = read_tree(hook.seen[0].body.encode())
        assert (event["Event"], event["MsgID"], event["Status"]) == (
            "TEMPLATESENDJOBFINISH",
            str(answer["msgid"]),
            "failed:user block",
        )
        box.register("wechat", "wx1", webhook_url=hook.url, **KEYS)
        send(box, "u", "subscribe/bizsend")
        eventually(lambda: len(hook.seen) == 2)
        event = opened(hook.seen[1], "wx1")
        assert event["FromUserName"] == "u"
        assert event["SubscribeMsgSentEvent"]["List"]["ErrorStatus"] == "success"


def test_receipts_come_late_twice_or_never(box: Sandbox) -> None:
    with webhook() as hook:
        box.register("wechat", "wx1", webhook_url=hook.url, callback_token="tok")
        send(box, "u-silent")
        send(box, "u-late")
        send(box, "u-double")
        eventually(lambda: len(hook.seen) == 3)
        assert sorted(read_tree(seen.body.encode())["FromUserName"] for seen in hook.seen) == [
            "u-double",
            "u-double",
            "u-late",
        ]


def test_an_address_without_a_token_or_an_echo_is_not_taken(box: Sandbox) -> None:
    with webhook() as hook:
        assert box.register("wechat", "wx1", webhook_url=hook.url, verify=True).status_code == 400
        hook.deaf = 1
        assert (
            box.register(
                "wechat", "wx1", webhook_url=hook.url, callback_token="tok", verify=True
            ).status_code
            == 400
        )


def test_the_link_is_opened_unless_it_leads_to_a_mini_program(box: Sandbox) -> None:
    with webhook() as hook:
        send(box, "u-click", url=f"{hook.url}&a=1", miniprogram={"appid": "wxm"})
        send(box, "v-click", url=f"{hook.url}&a=2")
        eventually(lambda: hook.seen)
        assert [query(seen)["a"] for seen in hook.seen] == ["2"]


# Third-party platforms


@dataclass
class Platform:
    """A third-party platform at the sandbox."""

    box: Sandbox
    hook: Webhook
    access: str  # its token

    def call(self, name: str, access: str | None = None, **body: Any) -> dict[str, Any]:
        token = self.access if access is None else access
        body = {"component_appid": "wxc", **body}
        return ask(self.box, f"cgi-bin/component/{name}", body, params={"access_token": token})

    def scan(self, code: str) -> dict[str, Any]:
        body = {"component": "wxc", "app_id": "wx1", "pre_auth_code": code}
        return ask(self.box, "_console/scan", body)

    def event(self, number: int) -> dict[str, str]:
        eventually(lambda: len(self.hook.seen) == number)
        return opened(self.hook.seen[number - 1], "wxc")

    def authorise(self) -> tuple[str, dict[str, Any]]:
        """Let an account authorise the platform. Return the code, and the account's tokens."""
        self.scan(self.call("api_create_preauthcode")["pre_auth_code"])
        event = self.event(2)
        assert (event["InfoType"], event["AuthorizerAppid"]) == ("authorized", "wx1")
        code = event["AuthorizationCode"]
        return code, self.call("api_query_auth", authorization_code=code)["authorization_info"]


@pytest.fixture
def platform(box: Sandbox) -> Iterator[Platform]:
    path = "cgi-bin/component/api_component_token"
    grant = {"component_appid": "wxc", "component_appsecret": "secret"}
    with webhook() as hook:
        box.register("wechat", "wxc", webhook_url=f"{hook.url}&appid=$APPID$", **KEYS)
        assert ask(box, path, {**grant, "component_verify_ticket": "x"})["errcode"] == 61006
        ask(box, "_console/ticket", {"component": "wxc"})
        eventually(lambda: hook.seen)
        grant["component_verify_ticket"] = opened(hook.seen[0], "wxc")["ComponentVerifyTicket"]
        assert ask(box, path, {**grant, "component_appsecret": "x"})["errcode"] == 40125
        yield Platform(box, hook, ask(box, path, grant)["component_access_token"])


def test_a_platform_calls_with_its_own_token_only(platform: Platform) -> None:
    other = platform.call("api_create_preauthcode", component_appid="wxd")
    assert other["errcode"] == 61011
    assert platform.call("api_create_preauthcode", "x")["errcode"] == 40001
    assert platform.scan("x")["errcode"] == 61009


def test_a_scanned_code_is_good_for_an_accounts_token_once(platform: Platform) -> None:
    code, info = platform.authorise()
    assert platform.call("api_query_auth", authorization_code=code)["errcode"] == 61010
    assert platform.call("api_query_auth", authorization_code="x")["errcode"] == 61009
    assert send(platform.box, "u", access_token=info["authorizer_access_token"])["errcode"] == 0
    assert platform.event(3)["FromUserName"] == "u"
    assert query(platform.hook.seen[2])["appid"] == "wx1"


def test_an_accounts_token_is_refreshed_until_the_account_withdraws(platform: Platform) -> None:
    box = platform.box
    _, info = platform.authorise()
    box.register("wechat", "wx1")
    refresh = info["authorizer_refresh_token"]
    names = {"authorizer_appid": "wx1", "authorizer_refresh_token": refresh}
    fresh = platform.call("api_authorizer_token", **names)["authorizer_access_token"]
    assert send(box, "u", access_token=fresh)["errcode"] == 0
    wrong = {**names, "authorizer_refresh_token": "x"}
    assert platform.call("api_authorizer_token", **wrong)["errcode"] == 61023
    known = platform.call("api_get_authorizer_info", authorizer_appid="wx1")
    assert known["authorization_info"]["authorizer_refresh_token"] == refresh
    ask(box, "_console/withdraw", {"component": "wxc", "app_id": "wx1"})
    left = platform.call("api_get_authorizer_info", authorizer_appid="wx1")
    assert left["errcode"] == 61003
    assert send(box, "u", access_token=fresh)["errcode"] == 42001
    assert platform.call("api_authorizer_token", **names)["errcode"] == 61003
