"""Accounts, calls and answers of WeChat for its tests."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.provider_io import Account
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat.official_account import OfficialAccount
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import said, tokens

OWN = {"app_id": "wx1", "app_secret": "s"}
KEYS = {"callback_token": "tok", "encoding_aes_key": "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"}
AUTHORISED = {"app_id": "wx1", "component_app_id": "wxc", "component_app_secret": "cs", **KEYS}
DATA = {"thing1": {"value": "tea"}}
TEMPLATE = {"type": 0, "template_id": "tpl", "data": DATA}
MINI = {"template_id": "tpl", "data": DATA}
TOKEN = reply({"access_token": "t1", "expires_in": 7200})
OK = said(0, msgid=200228332)


def account(raw: Any = None, **options: Any) -> Account:
    return Account("oa", raw or OWN, options)


def official(
    transport: ScriptedTransport, kept: AccessTokens | None = None, raw: Any = None, **options: Any
) -> WeChatSession:
    provider = OfficialAccount(http(transport), kept or tokens(), component=raw is AUTHORISED)
    with provider.connect(account(raw, **options)) as session:
        return session  # type: ignore[return-value]


def sent(
    *answers: Response | Exception,
    content: Any = TEMPLATE,
    contact: str = "openid",
    token: str | None = None,
    **options: Any,
):
    transport = ScriptedTransport(TOKEN, *answers)
    return official(transport, **options).send(
        call(contact, content=content, token=token)
    ), transport
