"""WeChat Official Accounts: template messages and subscription notices.

Sending: developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage and
…/notify/api_sendnewsubscribemsg.

**The idempotency token.** `client_msg_id`: of one openid and one such id, WeChat sends one message
within 10 minutes. Subscription notices have none: the operator chooses per channel what to do with
one whose answer did not come.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.provider_io import (
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    OutgoingCall,
    ProviderIds,
)
from chalicelib.domain.third_party import Registers, Sort
from chalicelib.providers.base import identifier
from chalicelib.providers.errcodes import VendorAnswer
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import api, content, receipts
from chalicelib.providers.wechat.provider import WeChatProvider
from chalicelib.providers.wechat.registry import MESSAGES, NOTICES, fields_of
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.providers.wechat.values import KINDS
from chalicelib.web.http import Http

# Per day, of an account with up to 100,000 followers. Larger accounts have more, which their
# backend shows:
# developers.weixin.qq.com/doc/service/en/guide/product/template_message/Template_Message_Interface
TEMPLATE_MESSAGES = 100_000
TOKEN_LIFE = 540  # seconds: the documented 10 minutes, less the time of a call


class OfficialAccountSession(WeChatSession):
    """Implements Session."""

    account_type = "1"
    sorts = (Sort.MESSAGE, Sort.NOTICE)

    def token(self) -> str | None:
        return secrets.token_hex(16)

    def token_for(self, content_: Mapping[str, Any]) -> str | None:
        return self.token() if content.message_type(content_) == content.TEMPLATE else None

    def send(self, call: OutgoingCall) -> Answer:
        message = call.recipients[0].content
        if content.message_type(message) == content.TEMPLATE:
            body = content.template_body(message, call.token)
            return self.deliver("template/send", call, body, _message_id)
        body = content.notice_body(message)
        return self.deliver(
            "subscribe/bizsend", call, body, lambda _: receipts.notice_ids(call, self._tokens.now)
        )


def _message_id(answer: VendorAnswer) -> str:
    return identifier(answer.body.get("msgid"))


class OfficialAccount(WeChatProvider):
    """Implements Provider, for `wechatoa` (AppID and secret) and `wechatoa_component` (QR code)."""

    def __init__(self, http: Http, tokens: AccessTokens, *, component: bool = False) -> None:
        capabilities = Capabilities(
            type=ChannelType.WECHATOA,
            platform="wechatoa_component" if component else "wechatoa",
            call_size=api.CALL_SIZE,
            content_per_recipient=True,
            provider_ids=ProviderIds.PER_RECIPIENT,
            delivery_report=DeliveryReport.REAL,
            click_report=ClickReport.LINK,
            clickable=content.CLICKABLE,
            receipt_modes=frozenset({ReceiptMode.WEBHOOK}),
            token_life=TOKEN_LIFE,
            authorisation=component,
            preparation=2 if component else 1,
            hands_on_token=not component,
            credentials=api.credentials(component=component, callback=True),
            options=api.OPTIONS,
            registers=Registers(
                actions={Sort.MESSAGE: MESSAGES, Sort.NOTICE: NOTICES},
                uses=content.uses_official,
                fields=fields_of,
                kinds=KINDS,
            ),
            deliveries_per_day=TEMPLATE_MESSAGES,
        )
        super().__init__(http, tokens, capabilities, OfficialAccountSession)

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check_official(content_)
