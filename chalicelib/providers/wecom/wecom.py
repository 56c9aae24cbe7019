"""WeCom (企业微信), application messages: https://developer.work.weixin.qq.com/document/path/90236

**The idempotency token.** If `enable_duplicate_check` is on, WeCom drops repeated messages. A
repeat has the same JSON as a request of the last `duplicate_check_interval` seconds. So any text
will do as a token. It goes into the JSON, through the interval that is made from it, and in a card
as `task_id`. The same call again has the same JSON and is dropped. Another message with the same
text differs.

The page does not say whether the interval counts as part of the JSON. If not, the same text to the
same people within the interval reaches them once. An operator who wants it twice sets the option
`duplicate_check` to false.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any
from zlib import crc32

from chalicelib.domain.contacts import identity
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
from chalicelib.providers.base import PlainSession, identifier, number, settings
from chalicelib.providers.errcodes import SUCCESS, UserList, VendorAnswer
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wecom import api, callbacks, content
from chalicelib.providers.wecom.users import NONE_OF_THEM, SOMEBODY, USERID, lost, names
from chalicelib.web.http import Http

TOKEN_LIFE = 1800  # seconds, for the ledger
# Seconds that WeCom is asked for: longer by the time of a call. The interval is up to twice as
# long.
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
        hands_on_token=True,
        recall=True,
        preparation=1,
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

    def prepare(self) -> None:
        self._api.token()

    def access_token(self) -> Token:
        return self._api.token()

    def check(self) -> None:
        self._api.fetch()

    def send(self, call: OutgoingCall) -> Answer:
        task_id = call.token or secrets.token_hex(16)
        is_card = "template_card" in call.recipients[0].content

        def post(users: Sequence[str]) -> VendorAnswer:
            body = self._body(call, users)
            if is_card:
                body["template_card"] = {**body["template_card"], "task_id": task_id}
            url = f"{self._base_url}/cgi-bin/message/send"
            return self._api.post(url, body, time=call.time)

        def provider_id(answer: VendorAnswer) -> str:
            """Return the id to recall by, and for a card also the task id that its clicks name."""
            ids = (identifier(answer.body.get("msgid")), task_id if is_card else "")
            return " ".join(filter(None, ids))

        return USERS.send(self._api, call, post, provider_id)

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
        return body

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Recall from all users of the call, within 24 hours: WeCom has no finer way."""
        msgid = provider_id.split(" ")[0]
        answer = self._api.post(
            f"{self._base_url}/cgi-bin/message/recall", {"msgid": msgid}, safe=True
        )
        if answer.code == SUCCESS:
            return [Outcome()] * len(contacts)
        error = self._api.error(answer)
        if isinstance(error, Rejected):
            return [Outcome(Loss.SUBMIT_FAILED, answer.code)] * len(contacts)
        raise error


def _interval(token: str, body: Mapping[str, Any]) -> int:
    """Return the seconds for which WeCom drops a repeat of this message.

    They differ from message to message. The sender's own value wins if it is longer.
    """
    requested = body.get("duplicate_check_interval") or 0
    return max(
        LEAST_INTERVAL + crc32(token.encode()) % LEAST_INTERVAL,
        min(int(requested), content.MAX_INTERVAL),
    )


def _refused(answer: VendorAnswer) -> Mapping[str, Outcome]:
    """Return the refused users.

    WeCom lower-cases the ids in its answer, and ignores case itself.
    """
    unlicensed = Outcome(Loss.SUBMIT_FAILED, "unlicenseduser")
    return dict.fromkeys(names(answer.body.get("unlicenseduser")), unlicensed) | dict.fromkeys(
        names(answer.body.get("invaliduser")), lost("invaliduser")
    )


USERS = UserList(USERID, SOMEBODY, NONE_OF_THEM, _refused, partial(identity, ChannelType.WECHATWK))
