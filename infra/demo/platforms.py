"""Every platform at the provider sandbox: its delivery channel, its account, and a content.

A platform is one row, so that the demo, the benchmarks and the journeys know only its name.
"""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.sandbox.ses import topics as ses_topics

Description = Mapping[str, Any]  # of a running stack

# The contact tells the sandbox the behaviour: phone numbers by their last four digits
# (docs/reference/sandbox.md).
DIGITS = {
    "deliver": "1000",
    "reject": "0001",
    "undelivered": "0002",
    "silent": "0003",
    "late": "0004",
    "flaky": "0005",
    "double": "0006",
    "timeout": "0007",
    "throttle": "0008",
    "click": "0009",
}

# Fields of `POST /v1/user/opt` with another name than the channel type.
USER_FIELDS = {"sms": "phone"}
BOUND_BY_CODE = frozenset({"app", "wechatoa", "wechatmp", "alipay_life"})
BOUND_TO_ALL = frozenset({"sms", "email"})
SEVERAL = frozenset({"app", "wechatwk_linkedcorp"})


@dataclass(frozen=True)
class Made:
    """The settings of a delivery channel, and its account at the sandbox.

    `account` is None for a platform without accounts. `above` is a third-party platform's account
    that stands between.
    """

    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any]
    account: Mapping[str, Any] | None = field(repr=False)
    above: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AtSandbox:
    """A platform at the sandbox.

    `provider` is the sandbox's name. `make` takes the stack, the channel's code, and eight hex
    digits.
    """

    type: str
    provider: str
    make: Callable[[Description, str, str], Made]
    content: Mapping[str, Any]  # with a link if clicks are counted by links
    refused: str = "invalid_target"  # the state of the contact `reject` among others
    clicks: bool = True

    def state(self, behaviour: str) -> str:
        """Return the final state of a delivery to a contact with this behaviour."""
        if behaviour == "reject":
            return self.refused
        return "clicked" if behaviour == "click" and self.clicks else "delivered"


def _keyed(provider: str) -> Callable[[Description, str, str], Made]:
    def make(stack: Description, code: str, mark: str) -> Made:
        login = {"app_key": f"{provider}-{code}", "master_secret": uuid.uuid4().hex}
        return Made(login, _base_url(stack, provider), login)

    return make


def _base_url(stack: Description, provider: str) -> dict[str, Any]:
    return {"base_url": f"{stack['sandbox_url']}/{provider}"}


def _host(stack: Description) -> str | None:
    return urlsplit(stack["sandbox_url"]).hostname


def _chuanglan(stack: Description, code: str, mark: str) -> Made:
    login = {"account": f"N{mark}", "password": uuid.uuid4().hex}
    options = {**_base_url(stack, "chuanglan"), "signature": "Shop"}
    return Made(login, options, {"app_key": login["account"], "master_secret": login["password"]})


def _montnets(stack: Description, code: str, mark: str) -> Made:
    login = {"userid": mark[:6].upper(), "password": uuid.uuid4().hex}
    account = {"app_key": login["userid"], "master_secret": login["password"]}
    return Made(login, _base_url(stack, "montnets"), account)


def _cmpp(stack: Description, code: str, mark: str) -> Made:
    login = {"account": mark[:6], "password": uuid.uuid4().hex[:12]}
    options = {
        "server": _host(stack),
        "port": stack["sandbox_cmpp"],
        "access_number": "10690001",
    }
    return Made(login, options, {"app_key": login["account"], "master_secret": login["password"]})


def _smtp(stack: Description, code: str, mark: str) -> Made:
    options = {
        "server": _host(stack),
        "port": stack["sandbox_smtp"]["smtp"],
        "encryption": "none",
        "sender": "hello@shop.example",
    }
    return Made({}, options, None)


def _ses(stack: Description, code: str, mark: str) -> Made:
    key, secret = f"AKIA{mark.upper()}", secrets.token_hex(20)
    topic = ses_topics.topic(key, secret)
    login = {"access_key_id": key, "secret_access_key": secret, "topic_arn": topic}
    options = {**_base_url(stack, "ses"), "region": "us-east-1", "sender": "hello@shop.example"}
    return Made(login, options, {"app_key": key, "master_secret": secret})


def _alipay(stack: Description, code: str, mark: str) -> Made:
    """Make a key that signs calls, which the sandbox verifies. Answers have the sandbox's key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    credentials = {
        "app_id": f"2021{int(mark, 16):014d}",
        "private_key": base64.b64encode(private).decode(),
    }
    account = {"app_key": credentials["app_id"], "master_secret": base64.b64encode(public).decode()}
    return Made(credentials, {"base_url": f"{stack['sandbox_url']}/alipay/gateway.do"}, account)


def _dingtalk(stack: Description, code: str, mark: str) -> Made:
    login = {"app_key": code, "app_secret": uuid.uuid4().hex, "agent_id": "7"}
    account = {"app_key": code, "master_secret": login["app_secret"], "agent_id": "7"}
    return Made(login, _base_url(stack, "dingtalk"), account)


def _wecom(stack: Description, code: str, mark: str) -> Made:
    made, callback = _linkedcorp(stack, code, mark), _callback()
    account = {**(made.account or {}), **callback}
    return Made({**made.credentials, **callback}, made.options, account)


def _linkedcorp(stack: Description, code: str, mark: str) -> Made:
    login = {"corp_id": f"ww{code}", "secret": uuid.uuid4().hex, "agent_id": 7}
    account = {"app_key": login["corp_id"], "master_secret": login["secret"], "agent_id": "7"}
    return Made(login, _base_url(stack, "wecom"), account)


def _callback() -> dict[str, str]:
    """Make the token that signs callbacks, and the key that encrypts them."""
    key = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))
    return {"callback_token": secrets.token_hex(8), "encoding_aes_key": key}


def _wechat(*, callback: bool) -> Callable[[Description, str, str], Made]:
    def make(stack: Description, code: str, mark: str) -> Made:
        login = {"app_id": code, "app_secret": uuid.uuid4().hex}
        secured = _callback() if callback else {}
        account = {"app_key": code, "master_secret": login["app_secret"], **secured}
        return Made({**login, **secured}, _base_url(stack, "wechat"), account)

    return make


def _authorised(stack: Description, code: str, mark: str) -> Made:
    """Make an account that has authorised a third-party platform, another sandbox account."""
    platform = {"component_app_id": f"wx{code}", "component_app_secret": uuid.uuid4().hex}
    secured = _callback()
    above = {
        "app_key": platform["component_app_id"],
        "master_secret": platform["component_app_secret"],
        **secured,
    }
    account = {"app_key": code, "master_secret": uuid.uuid4().hex}
    return Made({"app_id": code, **platform, **secured}, _base_url(stack, "wechat"), account, above)


TEXT = "Hello {{name}}, see {{url}}"
_PUSH = {"title": "Hello", "alert": "Hello {{name}}"}
_JSMS = {"sign_id": 1, "temp_id": 1, "temp_para": {"name": "{{name}}", "url": "{{url}}"}}
_OFFICIAL = {
    "template_id": "tpl1",
    "url": "{{url}}",
    "data": {"first": {"value": "Hello {{name}}"}},
}
_MINI = {
    "template_id": "tpl1",
    "page": "pages/index",
    "data": {"thing1": {"value": "Hello {{name}}"}},
}
_LIFE = {
    "template_id": "tpl1",
    "context": {
        "head_color": "#85be53",
        "url": "{{url}}",
        "action_name": "Open",
        "keyword1": {"value": "{{name}}", "color": "#85be53"},
    },
}
_CARD = {"title": "Hello", "description": "Hello {{name}}", "url": "{{url}}"}
_WORK_CARD = {"msgtype": "textcard", "textcard": _CARD}
_NOTICE_CARD = {
    "title": "Hello",
    "markdown": "Hello {{name}}",
    "single_title": "Open",
    "single_url": "{{url}}",
}
_NOTICE = {"msg": {"msgtype": "action_card", "action_card": _NOTICE_CARD}}

PLATFORMS: Mapping[str, AtSandbox] = {
    "jpush": AtSandbox("app", "jpush", _keyed("jpush"), _PUSH, "submitted"),
    "jpush_private": AtSandbox("app", "jpush", _keyed("jpush"), _PUSH, "submitted"),
    "wechatoa": AtSandbox("wechatoa", "wechat", _wechat(callback=True), _OFFICIAL),
    "wechatoa_component": AtSandbox("wechatoa", "wechat", _authorised, _OFFICIAL),
    "wechatmp": AtSandbox("wechatmp", "wechat", _wechat(callback=False), _MINI, clicks=False),
    "wechatmp_component": AtSandbox("wechatmp", "wechat", _authorised, _MINI, clicks=False),
    "jsms": AtSandbox("sms", "jsms", _keyed("jsms"), _JSMS),
    "chuanglan": AtSandbox("sms", "chuanglan", _chuanglan, {"content": TEXT}, "delivery_failed"),
    "montnets": AtSandbox("sms", "montnets", _montnets, {"content": TEXT}, "delivery_failed"),
    "cmpp": AtSandbox("sms", "cmpp", _cmpp, {"content": TEXT}),
    "smtp": AtSandbox("email", "smtp", _smtp, {"subject": "Hello {{name}}", "text": TEXT}),
    "ses": AtSandbox("email", "ses", _ses, {"subject": "Hello {{name}}", "text": TEXT}, "bounced"),
    "alipay": AtSandbox("alipay_life", "alipay", _alipay, _LIFE),
    "dingtalk": AtSandbox("dingtalk_cc", "dingtalk", _dingtalk, _NOTICE, "delivery_failed"),
    "wecom": AtSandbox("wechatwk", "wecom", _wecom, _WORK_CARD),
    "wecom_linkedcorp": AtSandbox("wechatwk_linkedcorp", "wecom", _linkedcorp, _WORK_CARD),
}
# The default platform of each channel type.
USUAL = {
    "app": "jpush",
    "wechatoa": "wechatoa",
    "wechatmp": "wechatmp",
    "sms": "jsms",
    "email": "smtp",
    "alipay_life": "alipay",
    "dingtalk_cc": "dingtalk",
    "wechatwk": "wecom",
    "wechatwk_linkedcorp": "wecom_linkedcorp",
}


_numbers: set[int] = set()  # those of the shops of this process


def new_mark() -> str:
    """Return eight hex digits for a shop, whose phone numbers no other shop of this process has."""
    while True:
        mark = uuid.uuid4().hex[:8]
        number = _number(mark)
        if number not in _numbers:
            _numbers.add(number)
            return mark


def share_numbers(part: int, parts: int) -> None:
    """Leave to other processes the phone numbers that are not in this part of them."""
    _numbers.update(number for number in range(3000, 10000) if number % parts != part)


def _number(mark: str) -> int:
    """Return the four digits that tell the phone numbers of shops apart."""
    return 3000 + int(mark, 16) % 7000


def contact(kind: str, mark: str, number: int, behaviour: str = "deliver") -> str:
    """Return the contact of the person with this number, for a behaviour of the sandbox."""
    if kind == "sms":
        return _phone(mark, number, behaviour)
    name = f"{mark}{kind.replace('_', '')}{number}-{behaviour}"
    if kind == "email":
        return f"{name}@example.com"
    return f"ww{mark}/{name}" if kind == "wechatwk_linkedcorp" else name


def _phone(mark: str, number: int, behaviour: str) -> str:
    """Return a mobile number of the Chinese mainland.

    From the hundredth person of a shop on, the only behaviour is `deliver`.
    """
    last = DIGITS[behaviour]
    if behaviour == "deliver":
        last = f"{int(last) + number // 100:04d}"
    return f"1{_number(mark)}{number % 100:02d}{last}"


def field_of_user(kind: str, code: str, contacts: Sequence[str]) -> tuple[str, Any]:
    """Return name and value of the user's field for these contacts."""
    value: Any = list(contacts) if kind in SEVERAL else contacts[0]
    if kind in BOUND_BY_CODE:
        value = {code: value}
    elif kind in BOUND_TO_ALL:
        value = {"all": value}
    return USER_FIELDS.get(kind, kind), value
