"""Every platform at the provider sandbox: what its delivery channel and the sandbox's account are made of, and what it is sent.

One row each, so that the demo, the benchmark and the journeys ask for a platform by its name and know nothing else of it.
"""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Description = Mapping[str, Any]  # of a running stack

# The sandbox chooses what happens by the contact; phone numbers by their last four digits (docs/reference/sandbox.md).
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

# What a user's contacts are called in `POST /v1/user/opt`, where that is not the channel type; and by what they are bound.
USER_FIELDS = {"sms": "phone"}
BOUND_BY_CODE = frozenset({"app", "wechatoa", "wechatmp", "alipay_life"})
BOUND_TO_ALL = frozenset({"sms", "email"})
SEVERAL = frozenset({"app", "wechatwk_linkedcorp"})


@dataclass(frozen=True)
class Made:
    """What a delivery channel needs, and the account that the sandbox must know; no account where nobody has one."""

    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any]
    account: Mapping[str, Any] | None = field(repr=False)
    above: Mapping[str, Any] | None = field(
        default=None, repr=False
    )  # the account of a third-party platform that stands between


@dataclass(frozen=True)
class AtSandbox:
    """`provider`: the name that the sandbox has for it. `make`: from the stack, the channel's code, and eight hex digits of its own."""

    type: str
    provider: str
    make: Callable[[Description, str, str], Made]
    content: Mapping[str, Any]  # with a link where clicks are counted by links
    refused: str = "invalid_target"  # what becomes of the contact `reject` among others
    clicks: bool = True

    def state(self, word: str) -> str:
        """What becomes of a delivery to a contact that brings this about: one that is taken is delivered, or refused."""
        if word == "reject":
            return self.refused
        return "clicked" if word == "click" and self.clicks else "delivered"


def _keyed(provider: str) -> Callable[[Description, str, str], Made]:
    def make(stack: Description, code: str, mark: str) -> Made:
        login = {"app_key": f"{provider}-{code}", "master_secret": uuid.uuid4().hex}
        return Made(login, _base_url(stack, provider), login)

    return make


def _base_url(stack: Description, provider: str) -> dict[str, Any]:
    return {"base_url": f"{stack['sandbox_url']}/{provider}"}


def _chuanglan(stack: Description, code: str, mark: str) -> Made:
    login = {"account": f"N{mark}", "password": uuid.uuid4().hex}
    options = {**_base_url(stack, "chuanglan"), "signature": "Shop"}
    return Made(login, options, {"app_key": login["account"], "master_secret": login["password"]})


def _montnets(stack: Description, code: str, mark: str) -> Made:
    login = {"userid": mark[:6].upper(), "password": uuid.uuid4().hex}
    return Made(
        login,
        _base_url(stack, "montnets"),
        {"app_key": login["userid"], "master_secret": login["password"]},
    )


def _cmpp(stack: Description, code: str, mark: str) -> Made:
    login = {"account": mark[:6], "password": uuid.uuid4().hex[:12]}
    options = {"server": "127.0.0.1", "port": stack["sandbox_cmpp"], "access_number": "10690001"}
    return Made(login, options, {"app_key": login["account"], "master_secret": login["password"]})


def _smtp(stack: Description, code: str, mark: str) -> Made:
    options = {
        "server": "127.0.0.1",
        "port": stack["sandbox_smtp"]["smtp"],
        "encryption": "none",
        "sender": "hello@shop.example",
    }
    return Made({}, options, None)


def _alipay(stack: Description, code: str, mark: str) -> Made:
    """The sandbox verifies what this key signs; it has a key of its own for its answers."""
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
    return Made(
        {**made.credentials, **callback}, made.options, {**(made.account or {}), **callback}
    )


def _linkedcorp(stack: Description, code: str, mark: str) -> Made:
    login = {"corp_id": f"ww{code}", "secret": uuid.uuid4().hex, "agent_id": 7}
    account = {"app_key": login["corp_id"], "master_secret": login["secret"], "agent_id": "7"}
    return Made(login, _base_url(stack, "wecom"), account)


def _callback() -> dict[str, str]:
    """With what callbacks are signed and encrypted."""
    key = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))
    return {"callback_token": secrets.token_hex(8), "encoding_aes_key": key}


def _wechat(*, callback: bool) -> Callable[[Description, str, str], Made]:
    def make(stack: Description, code: str, mark: str) -> Made:
        login, secured = (
            {"app_id": code, "app_secret": uuid.uuid4().hex},
            _callback() if callback else {},
        )
        account = {"app_key": code, "master_secret": login["app_secret"], **secured}
        return Made({**login, **secured}, _base_url(stack, "wechat"), account)

    return make


def _authorised(stack: Description, code: str, mark: str) -> Made:
    """An account that has authorised a third-party platform, which is another account of the sandbox."""
    platform, secured = (
        {"component_app_id": f"wx{code}", "component_app_secret": uuid.uuid4().hex},
        _callback(),
    )
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
    "alipay": AtSandbox("alipay_life", "alipay", _alipay, _LIFE),
    "dingtalk": AtSandbox("dingtalk_cc", "dingtalk", _dingtalk, _NOTICE, "delivery_failed"),
    "wecom": AtSandbox("wechatwk", "wecom", _wecom, _WORK_CARD),
    "wecom_linkedcorp": AtSandbox("wechatwk_linkedcorp", "wecom", _linkedcorp, _WORK_CARD),
}
# One platform for each channel type, where nobody says which.
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


def contact(kind: str, mark: str, number: int, word: str = "deliver") -> str:
    """The contact of the person with this number, to whom that happens."""
    if kind == "sms":
        return _phone(mark, number, word)
    named = f"{mark}{kind.replace('_', '')}{number}-{word}"
    if kind == "email":
        return f"{named}@example.com"
    return f"ww{mark}/{named}" if kind == "wechatwk_linkedcorp" else named


def _phone(mark: str, number: int, word: str) -> str:
    """A mobile number of the Chinese mainland. More than a hundred people of a shop can only be delivered to."""
    last = f"{int(DIGITS[word]) + number // 100:04d}" if word == "deliver" else DIGITS[word]
    return f"1{3000 + int(mark, 16) % 7000}{number % 100:02d}{last}"


def field_of_user(kind: str, code: str, contacts: Sequence[str]) -> tuple[str, Any]:
    """Name and value under which a user has these contacts."""
    value: Any = list(contacts) if kind in SEVERAL else contacts[0]
    if kind in BOUND_BY_CODE:
        value = {code: value}
    elif kind in BOUND_TO_ALL:
        value = {"all": value}
    return USER_FIELDS.get(kind, kind), value
