"""Common session of Official Accounts and of mini-programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.provider_io import Account, Answer, Outcome, OutgoingCall, Token
from chalicelib.domain.third_party import Sort
from chalicelib.ports import Registry
from chalicelib.providers.base import PlainSession
from chalicelib.providers.errcodes import MALFORMED, SUCCESS, VendorAnswer
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat.api import LOST, OPENID, OwnApi, base_url
from chalicelib.providers.wechat.component import AuthorisedApi
from chalicelib.providers.wechat.registry import WeChatRegistry
from chalicelib.web.http import Http


class WeChatSession(PlainSession, ABC):
    """Base of the sessions.

    `account_type`: WeChat's number, 1 Official Account or 2 mini-program.
    """

    account_type: str
    sorts: tuple[Sort, ...]  # of templates that the account can have

    def __init__(
        self, http: Http, tokens: AccessTokens, account: Account, *, component: bool
    ) -> None:
        self._account, self._tokens = account, tokens
        self._base_url = base_url(account)
        self.authorised = AuthorisedApi(http, tokens, account) if component else None
        self._api = self.authorised or OwnApi(http, tokens, account)

    @abstractmethod
    def send(self, call: OutgoingCall) -> Answer: ...

    def prepare(self) -> None:
        self._api.token()

    def access_token(self) -> Token | None:
        """Return the account's own token. A third-party platform's token must not be handed on."""
        return None if self.authorised else self._api.token()

    def check(self) -> None:
        if self.authorised:
            self._api.token()
        else:
            self._api.fetch()

    def registry(self) -> Registry:
        return WeChatRegistry(self._api, self._account, self._base_url, self.sorts)

    def authorisation_link(self, redirect_uri: str) -> str:
        """Return the page on which the account's administrator scans the QR code.

        Afterwards WeChat announces the authorisation itself.
        """
        if self.authorised is None:
            return super().authorisation_link(redirect_uri)
        return self.authorised.component.link(
            redirect_uri, self.account_type, str(self._account.credentials["app_id"])
        )

    def deliver(
        self,
        path: str,
        call: OutgoingCall,
        body: Mapping[str, Any],
        id_of: Callable[[VendorAnswer], str],
    ) -> Answer:
        """Send one message to one openid. `id_of`: returns the id that its receipts will name."""
        openid = call.recipients[0].contact
        if not OPENID.fullmatch(openid):
            return Answer([MALFORMED])
        answer = self._api.post(
            f"{self._base_url}/cgi-bin/message/{path}",
            {"touser": openid, **body},
            time=call.time,
        )
        if answer.code == SUCCESS:
            return Answer([Outcome(provider_id=id_of(answer))])
        if answer.code in LOST:
            return Answer([LOST[answer.code]])
        raise self._api.error(answer)
