"""WeCom (企业微信), application messages: https://developer.work.weixin.qq.com/document/path/90236

**The idempotency token.** WeCom drops a message whose request has the same JSON as one of the last
`duplicate_check_interval` seconds, when `enable_duplicate_check` is on. So any word will do as a token: it goes into the JSON, through
the interval that is made from it, and in a card as `task_id`. The same call again has the same JSON and is dropped; another message
with the same text differs. The page does not say whether the interval counts as part of the JSON: if not, the same text to the same
people within the interval reaches them once, and an operator who wants it twice sets the option `duplicate_check` to false.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from zlib import crc32

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid, Rejected
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Token,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Session
from chalicelib.providers.base import PlainSession, number, settings, word
from chalicelib.providers.errcodes import SUCCESS, VendorAnswer, addressable, outcomes
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wecom import api, callbacks, content
from chalicelib.providers.wecom.users import USERID, lost, names, nobody
from chalicelib.web.http import Http

# Seconds: what the ledger counts on, and what WeCom is asked for, which is longer by the time of a call and up to twice as long.
TOKEN_LIFE = 1800
LEAST_INTERVAL = 1860


class WeCom:
    """Implements Provider."""

    capabilities = Capabilities(
        type=ChannelType.WECHATWK,
        platform="wecom",
        call_size=api.CALL_SIZE,
        content_per_recipient=False,
        provider_ids=ProviderIds.PER_CALL,
        delivery_report=DeliveryReport.ACCEPTED,
        click_report=ClickReport.LINK,
        clickable=content.CARD_CLICKABLE,
        receipt_modes=frozenset({ReceiptMode.WEBHOOK}),
        token_life=TOKEN_LIFE,
        recall=True,
        credentials=api.CREDENTIALS_WITH_CALLBACK,
        options=settings("", "base_url duplicate_check"),
    )

    def __init__(self, http: Http, tokens: AccessTokens) -> None:
        self._http, self._tokens = http, tokens

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        api.check_credentials(raw, callback=True)
        api.check_options(options, self._http.policy)
        if not isinstance(options.get("duplicate_check", True), bool):
            raise Invalid("options.duplicate_check", "must be true or false")

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check(content_, cards=True)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return callbacks.secret_of(credentials)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(WeComSession(account, self._http, self._tokens))

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return callbacks.read(request, secret)


class WeComSession(PlainSession):
    """Implements Session."""

    def __init__(self, account: Account, http: Http, tokens: AccessTokens) -> None:
        self._account = account
        self._api = api.open_api(http, tokens, account)
        self._base_url = api.base_url(account)

    def token(self) -> str | None:
        return secrets.token_hex(16) if self._account.options.get("duplicate_check", True) else None

    def access_token(self) -> Token:
        return self._api.token()

    def check(self) -> None:
        self._api.fetch()

    def send(self, call: OutgoingCall) -> Answer:
        users = addressable(call, USERID)
        if not users:
            return Answer(outcomes(call, USERID, lambda _: None))
        body = self._body(call, users)
        said = self._api.post(f"{self._base_url}/cgi-bin/message/send", body)
        if nobody(said.code, len(users)):
            return Answer(outcomes(call, USERID, lambda _: lost(said.code)))
        if said.code != SUCCESS:
            raise self._api.error(said)
        return Answer(outcomes(call, USERID, _refused(said)), _ids(said, body))

    def _body(self, call: OutgoingCall, users: Sequence[str]) -> dict[str, Any]:
        agent = number(self._account.credentials.get("agent_id")) or 0
        body = content.body(call.recipients[0].content, agent, content.COMMON[1:]) | {
            "touser": "|".join(users)
        }
        if call.token:
            body |= {
                "enable_duplicate_check": 1,
                "duplicate_check_interval": _interval(call.token, body),
            }
        if "template_card" in body:
            body["template_card"] = {
                **body["template_card"],
                "task_id": call.token or secrets.token_hex(16),
            }
        return body

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """From everybody whom the call reached, within 24 hours; WeCom has no other way."""
        msgid = provider_id.split(" ")[0]
        said = self._api.post(
            f"{self._base_url}/cgi-bin/message/recall", {"msgid": msgid}, harmless=True
        )
        if said.code == SUCCESS:
            return [Outcome()] * len(contacts)
        error = self._api.error(said)
        if isinstance(error, Rejected):
            return [Outcome(Loss.SUBMIT_FAILED, said.code)] * len(contacts)
        raise error


def _interval(token: str, body: Mapping[str, Any]) -> int:
    """Seconds; differs from message to message, and is the sender's own where that is longer."""
    wanted = body.get("duplicate_check_interval") or 0
    return max(
        LEAST_INTERVAL + crc32(token.encode()) % LEAST_INTERVAL,
        min(int(wanted), content.MAX_INTERVAL),
    )


def _refused(said: VendorAnswer) -> Callable[[str], Outcome | None]:
    """WeCom lower-cases the ids that it gives back, and takes no account of case itself."""
    invalid, unlicensed = (names(said.body.get(name)) for name in ("invaliduser", "unlicenseduser"))

    def find(contact: str) -> Outcome | None:
        if contact.lower() in invalid:
            return lost("invaliduser")
        return (
            Outcome(Loss.SUBMIT_FAILED, "unlicenseduser") if contact.lower() in unlicensed else None
        )

    return find


def _ids(said: VendorAnswer, body: Mapping[str, Any]) -> str:
    """The id to recall by; of a card also the one by which its clicks name it."""
    task_id = body.get("template_card", {}).get("task_id")
    return " ".join(name for name in (word(said.body.get("msgid")), task_id) if name)
