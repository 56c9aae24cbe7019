"""What sessions of Official Accounts and of mini-programs have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.provider_io import Account, Answer, Outcome, OutgoingCall, Token
from chalicelib.providers.base import PlainSession
from chalicelib.providers.errcodes import MALFORMED, SUCCESS, VendorAnswer
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat.api import LOST, OPENID, OwnApi, base_url
from chalicelib.providers.wechat.component import AuthorisedApi
from chalicelib.web.http import Http


class WeChatSession(PlainSession):
    """Implements Session. `kind` is WeChat's number for the kind of account that may authorise: 1 Official Account, 2 mini-program."""

    def __init__(
        self, http: Http, tokens: AccessTokens, account: Account, kind: str, *, component: bool
    ) -> None:
        self._account, self._kind, self._tokens = account, kind, tokens
        self._base_url = base_url(account)
        self.authorised = AuthorisedApi(http, tokens, account) if component else None
        self._api = self.authorised or OwnApi(http, tokens, account)

    def access_token(self) -> Token | None:
        """Only the account's own: one that a third-party platform was given is not to be handed on."""
        return None if self.authorised else self._api.token()

    def check(self) -> None:
        if self.authorised:
            self._api.token()
        else:
            self._api.fetch()

    def authorisation_link(self, redirect_uri: str) -> str:
        """The page on which the account's administrator scans the QR code; afterwards WeChat announces the authorisation itself."""
        if self.authorised is None:
            return super().authorisation_link(redirect_uri)
        return self.authorised.component.link(
            redirect_uri, self._kind, str(self._account.credentials["app_id"])
        )

    def deliver(
        self,
        path: str,
        call: OutgoingCall,
        body: Mapping[str, Any],
        id_of: Callable[[VendorAnswer], str],
    ) -> Answer:
        """One message to one openid. `id_of`: by what its receipts will name it."""
        openid = call.recipients[0].contact
        if not OPENID.fullmatch(openid):
            return Answer([MALFORMED])
        said = self._api.post(
            f"{self._base_url}/cgi-bin/message/{path}", {"touser": openid, **body}
        )
        if said.code == SUCCESS:
            return Answer([Outcome(provider_id=id_of(said))])
        if said.code in LOST:
            return Answer([LOST[said.code]])
        raise self._api.error(said)
