"""WeCom messages to members of linked corporations.

Source: https://developer.work.weixin.qq.com/document/path/90250

A contact is `CorpId/userid`, or the userid alone for a member of the own corporation. There is no
message id, hence no recall, and no duplicate check, hence no idempotency token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from chalicelib.domain.contacts import identity
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Token,
)
from chalicelib.ports import Session
from chalicelib.providers.base import PlainProvider, PlainSession, number, settings
from chalicelib.providers.errcodes import UserList, VendorAnswer
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wecom import api, content
from chalicelib.providers.wecom.users import LINKED, NONE_OF_THEM, SOMEBODY, lost, names
from chalicelib.web.http import Http


class LinkedCorp(PlainProvider):
    """Implements Provider."""

    capabilities = Capabilities(
        type=ChannelType.WECHATWK_LINKEDCORP,
        platform="wecom_linkedcorp",
        call_size=api.CALL_SIZE,
        content_per_recipient=False,
        provider_ids=ProviderIds.NONE,
        delivery_report=DeliveryReport.ACCEPTED,
        click_report=ClickReport.LINK,
        clickable=content.CLICKABLE,
        preparation=1,
        hands_on_token=True,
        credentials=api.CREDENTIALS,
        options=settings("", "base_url"),
    )

    def __init__(self, http: Http, tokens: AccessTokens) -> None:
        self._http, self._tokens = http, tokens

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        api.check_credentials(raw, callback=False)
        api.check_options(options, self._http.policy)

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check(content_, cards=False)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(LinkedCorpSession(account, self._http, self._tokens))


class LinkedCorpSession(PlainSession):
    """Implements Session."""

    def __init__(self, account: Account, http: Http, tokens: AccessTokens) -> None:
        self._agent = number(account.credentials.get("agent_id")) or 0
        self._api = api.open_api(http, tokens, account)
        self._url = f"{api.base_url(account)}/cgi-bin/linkedcorp/message/send"

    def prepare(self) -> None:
        self._api.token()

    def access_token(self) -> Token:
        return self._api.token()

    def check(self) -> None:
        self._api.fetch()

    def send(self, call: OutgoingCall) -> Answer:
        def post(users: Sequence[str]) -> VendorAnswer:
            message = content.body(call.recipients[0].content, self._agent, ("safe",))
            body = {**message, "toall": 0, "touser": users}
            return self._api.post(self._url, body, time=call.time)

        return USERS.send(self._api, call, post)


def _refused(answer: VendorAnswer) -> Mapping[str, Outcome]:
    return dict.fromkeys(names(answer.body.get("invaliduser")), lost("invaliduser"))


USERS = UserList(
    LINKED,
    SOMEBODY,
    NONE_OF_THEM,
    _refused,
    partial(identity, ChannelType.WECHATWK_LINKEDCORP),
)
