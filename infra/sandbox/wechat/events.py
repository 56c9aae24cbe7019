"""Events that WeChat posts: XML, plain or encrypted as the account is registered.

Sources: developers.weixin.qq.com/doc/service/guide/dev/push/ (signature, encryption),
…/notify/template (TEMPLATESENDJOBFINISH), …/guide/product/subscription_messages/push
(subscribe_msg_sent_event), …/doc/oplatform/ (component_verify_ticket, authorize_event).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from infra.sandbox.accounts import Account, Event
from infra.sandbox.outbox import Parcel

# WeChat's envelope is WeCom's, with the AppID as its receiver.
from infra.sandbox.wecom.callbacks import encrypted

APP_ID = "$APPID$"  # stands in a platform's address for the account of an event


def xml(value: Any, name: str = "xml") -> str:
    if isinstance(value, Mapping):
        inner = "".join(xml(member, key) for key, member in value.items())
    else:
        inner = f"<![CDATA[{value}]]>"
    return f"<{name}>{inner}</{name}>"


def event(app_id: str, openid: str, kind: str, at: float, **more: Any) -> Event:
    """Build an event. `about` is the account for the address, and is not sent."""
    common = {
        "ToUserName": f"gh_{app_id}",
        "FromUserName": openid,
        "CreateTime": int(at),
        "MsgType": "event",
        "Event": kind,
    }
    return {"about": app_id, **common, **more}


def finished(app_id: str, openid: str, msgid: int, status: str, at: float) -> Event:
    return event(app_id, openid, "TEMPLATESENDJOBFINISH", at, MsgID=msgid, Status=status)


def notice_sent(
    app_id: str, openid: str, template_id: str, msgid: int, *, delivered: bool, at: float
) -> Event:
    code, status = (0, "success") if delivered else (20001, "failed")
    entry = {"TemplateId": template_id, "MsgID": msgid, "ErrorCode": code, "ErrorStatus": status}
    return event(
        app_id, openid, "subscribe_msg_sent_event", at, SubscribeMsgSentEvent={"List": entry}
    )


def platform_event(component: str, kind: str, **more: Any) -> Event:
    """Build an event that WeChat posts to a third-party platform. `component`: its app id."""
    return {
        "about": "",
        "AppId": component,
        "CreateTime": int(time.time()),
        "InfoType": kind,
        **more,
    }


def signed(account: Account, *sealed: str) -> dict[str, str]:
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))

    def sign(*parts: str) -> str:
        joined = "".join(sorted((account.callback_token or "", timestamp, nonce, *parts)))
        return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()

    query = {"signature": sign(), "timestamp": timestamp, "nonce": nonce}
    return query | ({"encrypt_type": "aes", "msg_signature": sign(*sealed)} if sealed else {})


def _address(account: Account, about: str, query: Mapping[str, str]) -> str:
    url = str(account.webhook_url).replace(APP_ID, about)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    """Build a post with one event, the only batch size."""
    body = dict(events[0])
    about = str(body.pop("about"))
    text, query = xml(body), signed(account)
    if account.encoding_aes_key:
        sealed = encrypted(account, text)
        text = xml({"ToUserName": body.get("ToUserName", ""), "Encrypt": sealed})
        query = signed(account, sealed)
    url = _address(account, about, query)
    return Parcel(
        account.provider,
        url,
        headers={"Content-Type": "text/xml"},
        body=text.encode(),
        holds=len(events),
    )


def proof(account: Account, echo: str) -> Parcel:
    """Build the request that verifies a new address. The answer must be `echo`."""
    return Parcel(
        account.provider,
        _address(account, account.app_key, {**signed(account), "echostr": echo}),
        method="GET",
    )
