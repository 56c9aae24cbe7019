"""Posts of WeChat for its tests."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.provider_io import Webhook, WebhookRequest
from chalicelib.providers.wechat import receipts
from chalicelib.providers.wechat.crypto import CallbackCrypto, signature

KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
NOW = 1_700_000_000_000
PLAIN = receipts.secret_of({"app_id": "wx1", "app_secret": "s", "callback_token": "tok"})

SAFE = receipts.secret_of(
    {"app_id": "wx1", "app_secret": "s", "callback_token": "tok", "encoding_aes_key": KEY}
)

PLATFORM = receipts.secret_of(
    {
        "app_id": "wx1",
        "component_app_id": "wxc",
        "component_app_secret": "s",
        "callback_token": "tok",
        "encoding_aes_key": KEY,
    }
)

FINISHED = {
    "ToUserName": "gh_1",
    "FromUserName": "openid",
    "CreateTime": "1700000000",
    "MsgType": "event",
    "Event": "TEMPLATESENDJOBFINISH",
    "MsgID": "200163836",
    "Status": "success",
}

ENTRY = {
    "TemplateId": "tpl",
    "MsgID": "1700827132819554304",
    "ErrorCode": "0",
    "ErrorStatus": "success",
}


def xml(value: Any, name: str = "xml") -> str:
    if isinstance(value, list):
        return "".join(xml(item, name) for item in value)
    inner = (
        "".join(xml(item, key) for key, item in value.items())
        if isinstance(value, dict)
        else f"<![CDATA[{value}]]>"
    )
    return f"<{name}>{inner}</{name}>"


def posted(
    event: Any, secret: Any, at: int = NOW, nonce: str = "n", text: str | None = None, **query: str
) -> WebhookRequest:
    text, timestamp = text or xml(event), str(at // 1000)
    signed = {
        "timestamp": timestamp,
        "nonce": nonce,
        "signature": signature(secret["token"], timestamp, nonce),
    }
    if secret.get("aes_key"):
        sealed = CallbackCrypto(
            secret["token"], KEY, secret.get("component") or secret["app_id"]
        ).seal(text)
        signed |= {
            "encrypt_type": "aes",
            "msg_signature": signature(secret["token"], timestamp, nonce, sealed),
        }
        text = xml({"ToUserName": "gh_1", "Encrypt": sealed})
    return WebhookRequest("POST", {}, {**signed, **query}, text.encode("utf-8", "replace"), NOW)


def read(event: Any, secret: Any = SAFE, **more: Any) -> Webhook:
    return receipts.read(posted(event, secret, **more), secret)


AUTHORISED = {
    "AppId": "wxc",
    "CreateTime": "1700000000",
    "InfoType": "authorized",
    "AuthorizerAppid": "wx9",
    "AuthorizationCode": "queryauthcode@@@1",
    "AuthorizationCodeExpiredTime": str(NOW // 1000 + 1800),
    "PreAuthCode": "p",
}
