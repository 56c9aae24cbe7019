"""Common provider of Official Accounts and of mini-programs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chalicelib.domain.errors import Unverified
from chalicelib.domain.provider_io import Account, Capabilities, Webhook, WebhookRequest
from chalicelib.ports import Session
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import api, receipts
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.web.http import Http


class WeChatProvider:
    """Base of a provider by AppID and secret, or (`component`) by the QR code of a platform."""

    def __init__(
        self,
        http: Http,
        tokens: AccessTokens,
        capabilities: Capabilities,
        session: type[WeChatSession],
    ) -> None:
        self._http, self._tokens, self._session = http, tokens, session
        self.capabilities = capabilities

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        component, callback = self.capabilities.authorisation, bool(self.capabilities.receipt_modes)
        api.check_credentials(raw, component=component, callback=callback)
        api.check_options(options, self._http.policy)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return receipts.secret_of(credentials)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        component = self.capabilities.authorisation
        return nullcontext(self._session(self._http, self._tokens, account, component=component))

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        if not self.capabilities.receipt_modes:
            raise Unverified("reports nothing")
        return receipts.read(request, secret)
