from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.domain.errors import Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Account, Answer, Loss, Outcome, OutgoingCall, Recipient
from chalicelib.providers.alipay_life.alipay import Alipay
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running, webhook

KEY = rsa.generate_private_key(65537, 2048)
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
).decode()
HTTP = Http(Policy(("127.0.0.1",)), timeout=PATIENCE)
GOOD = "2088102122458832"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--timeout-hang", str(HANG)) as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    assert started.register("alipay", "app", master_secret=PUBLIC).status_code == 200
    return started


def content(**changes: Any) -> dict[str, Any]:
    context = {
        "head_color": "#85be53",
        "url": "https://shop.example",
        "action_name": "查看",
        "keyword1": {"value": "中"},
        **changes,
    }
    return {
        "template_id": "t1",
        "context": {name: value for name, value in context.items() if value is not None},
    }


def send(
    box: Sandbox,
    contact: str,
    what: dict[str, Any] | None = None,
    http: Http = HTTP,
    **credentials: str,
) -> Answer:
    credentials = {
        "app_id": "app",
        "private_key": PRIVATE,
        "alipay_public_key": box.about["alipay_public_key"],
        **credentials,
    }
    with Alipay(http).connect(
        Account("life", credentials, {"base_url": f"{box.url}/alipay/gateway.do"})
    ) as session:
        return session.send(OutgoingCall("m", [Recipient(contact, what or content())]))


def ask(box: Sandbox, **form: str) -> dict[str, Any]:
    answer = box.ask("POST", "/alipay/gateway.do", data=form)
    assert answer.status_code == 200
    (inner,) = (value for name, value in answer.json().items() if name != "sign")
    return inner


def test_a_signed_message_is_taken_and_its_answer_is_signed(box: Sandbox) -> None:
    assert send(box, GOOD).outcomes == [Outcome()]
    assert send(box, "open-id-click").outcomes == [Outcome()]
    (message,) = box.get("inbox", contact=GOOD)["messages"]
    assert message["content"] == content()


def test_who_does_not_follow_is_refused_for_good(box: Sandbox) -> None:
    for contact in ("2088102122450001", "someone-reject"):
        assert send(box, contact).outcomes == [Outcome(Loss.INVALID_TARGET, "PUB.MSG_SD_NOFOLLOW")]
        assert box.sends(contact) == 0
        assert box.outcomes(contact) == ["refused"]


def test_a_template_of_the_library_does_not_exist(box: Sandbox) -> None:
    with pytest.raises(Rejected, match=r"PUB\.MSG_TEMPLATE_NOT_EXIST"):
        send(box, GOOD, {**content(), "template_id": "TM000000223"})


@pytest.mark.parametrize(
    ("contact", "kind"), [("2088102122450005", Unavailable), ("2088102122450008", Throttled)]
)
def test_a_trouble_comes_once(box: Sandbox, contact: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        send(box, contact)
    assert type(error.value) is kind
    assert box.sends(contact) == 0
    assert send(box, contact).outcomes == [Outcome()]
    assert box.sends(contact) == 1


def test_a_call_that_times_out_was_sent_and_a_repeat_sends_it_again(box: Sandbox) -> None:
    contact = "2088102122450007"
    with pytest.raises(Uncertain):
        send(box, contact, http=Http(Policy(("127.0.0.1",)), timeout=GIVES_UP))
    assert send(box, contact).outcomes == [Outcome()]
    assert box.outcomes(contact) == ["timeout", "accepted"]
    assert box.sends(contact) == 2


def test_the_person_opens_the_jump_link(box: Sandbox) -> None:
    with webhook() as page:
        send(box, "a-click", content(url=page.url))
        eventually(lambda: page.seen)


def test_another_key_is_refused(box: Sandbox) -> None:
    other = rsa.generate_private_key(65537, 2048)
    der = other.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(Misconfigured, match=r"isv\.invalid-signature"):
        send(box, GOOD, private_key=base64.b64encode(der).decode())
    public = other.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(Uncertain, match="answer_signature"):
        send(box, GOOD, alipay_public_key=base64.b64encode(public).decode())


def test_a_connection_is_tested_without_sending(box: Sandbox) -> None:
    credentials = {
        "app_id": "app",
        "private_key": PRIVATE,
        "alipay_public_key": box.about["alipay_public_key"],
    }
    with Alipay(HTTP).connect(
        Account("life", credentials, {"base_url": f"{box.url}/alipay/gateway.do"})
    ) as session:
        session.check()
    assert box.get("sends") == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"url": None},
        {"url": "u" * 257},
        {"head_color": "c" * 11},
        {"action_name": None},
        {"keyword1": None},
        {"keyword1": {"value": "x" * 129}},
        {"keyword2": "x"},
    ],
)
def test_what_breaks_a_rule_is_refused(box: Sandbox, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=r"isv\.invalid-parameter"):
        send(box, GOOD, content(**changes))


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"method": ""}, "isv.missing-method"),
        ({"method": "alipay.other"}, "isv.invalid-method"),
        ({"app_id": ""}, "isv.missing-app-id"),
        ({"sign": ""}, "isv.missing-signature"),
        ({"sign": "!"}, "isv.invalid-signature"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"charset": "gbk"}, "isv.invalid-charset"),
        ({"timestamp": "yesterday"}, "isv.invalid-timestamp"),
        ({"app_id": "other", "biz_content": "{"}, "isv.invalid-parameter"),
    ],
)
def test_requests_that_are_none_get_the_vendors_codes(
    box: Sandbox, changes: dict[str, str], sub_code: str
) -> None:
    form = {
        "app_id": "other",
        "method": "alipay.open.public.message.single.send",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "sign": base64.b64encode(bytes(256)).decode(),
        "timestamp": "2026-01-02 03:04:05",
        "version": "1.0",
        "biz_content": json.dumps({"to_user_id": GOOD, "template": content()}),
    }
    assert ask(box, **form)["code"] == "10000"
    assert ask(box, **{**form, **changes})["sub_code"] == sub_code
