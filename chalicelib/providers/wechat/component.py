"""Accounts that have authorised a third-party platform ("component") by scanning its QR code.

Source: developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/
(component_verify_ticket, authorize_event, pre_auth_code, api_query_auth, api_authorizer_token,
api_get_authorizer_info).

The chain: WeChat posts a ticket every 10 minutes. Ticket and secret give the platform's token.
WeChat announces an authorisation with a code. The code is exchanged for the account's token and a
refresh token.

The webhook only keeps ticket and code (receipts.py). Steps that need the platform's secret happen
here, where messages are sent. A code is exchanged when the account's token is first needed. The API
therefore checks the connection at once. Everything but the account's own token is kept under the
platform's AppID, because the channels of a platform share it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain import keys
from chalicelib.domain.errors import Misconfigured, Unavailable
from chalicelib.domain.provider_io import Account, Token
from chalicelib.providers.base import safe_request
from chalicelib.providers.errcodes import SUCCESS, TokenApi, VendorAnswer, VendorCodes
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat.api import CODES, ERRORS, STALE, base_url, code_of
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

LOGIN_URL = "https://mp.weixin.qq.com/cgi-bin/componentloginpage"
SPENT = frozenset({"61009", "61010"})  # a code that was used, or is too old
NOT_GOOD = "61023"  # a refresh token that has been replaced
NOT_AUTHORISED = "61003"  # of an account. Another token of the platform does not help.
# A refresh token does not expire. It is written anew with every refresh.
# The store therefore forgets only a token that was not used for so long.
REFRESH_LIFE_MS = 400 * 86_400_000


def ticket_name(component: str) -> str:
    return keys.join("component", component, "ticket")


def code_name(component: str, app_id: str) -> str:
    return keys.join("component", component, "code", app_id)


def refresh_name(component: str, app_id: str) -> str:
    return keys.join("component", component, "refresh", app_id)


class Component(TokenApi):
    """The API of the platform itself."""

    def __init__(self, http: Http, tokens: AccessTokens, account: Account) -> None:
        self.app_id = str(account.credentials["component_app_id"])
        self._url = f"{base_url(account)}/cgi-bin/component"
        query = {
            "component_appid": self.app_id,
            "component_appsecret": str(account.credentials["component_app_secret"]),
        }
        # Channels of the platform with the same secret share the token.
        # A few digits of the secret's hash show that, and nothing else.
        name = keys.join(
            "component", self.app_id, "access", _digest(query["component_appsecret"])[:8]
        )
        codes = VendorCodes(ERRORS, STALE - {NOT_AUTHORISED}, code_of)
        super().__init__(
            http, tokens, account, codes, (f"{self._url}/api_component_token", query), name
        )

    def _ask(self, url: str, query: Mapping[str, str]) -> Response:
        ticket = self._tokens.read(ticket_name(self.app_id))
        if ticket is None:  # WeChat posts one every 10 minutes, so its address is missing or wrong
            raise Misconfigured("no_component_verify_ticket")
        return safe_request(
            self._http, "POST", url, json={**query, "component_verify_ticket": ticket}
        )

    def read_token(self, answer: VendorAnswer, name: str = "component_access_token") -> Token:
        return super().read_token(answer, name)

    def call(self, name: str, **body: str) -> VendorAnswer:
        return self.post(f"{self._url}/{name}", {"component_appid": self.app_id, **body}, safe=True)

    def link(self, redirect_uri: str, auth_type: str, app_id: str) -> str:
        """Return the page with the QR code, valid for half an hour.

        It has to be opened from a page under the platform's own domain.
        """
        answer = self.call("api_create_preauthcode")
        code = answer.body.get("pre_auth_code")
        if answer.code != SUCCESS or not isinstance(code, str):
            raise self.error(answer, Misconfigured)
        query = {
            "component_appid": self.app_id,
            "pre_auth_code": code,
            "redirect_uri": redirect_uri,
            "auth_type": auth_type,
        }
        return f"{LOGIN_URL}?{urlencode({**query, 'biz_appid': app_id})}"


class AuthorisedApi(TokenApi):
    """The API of an account through the platform that it has authorised."""

    def __init__(self, http: Http, tokens: AccessTokens, account: Account) -> None:
        super().__init__(http, tokens, account, CODES, ("", {}))
        self.component = Component(http, tokens, account)
        self._app_id = str(account.credentials["app_id"])
        self._code_name = code_name(self.component.app_id, self._app_id)
        self._refresh_name = refresh_name(self.component.app_id, self._app_id)

    def fetch(self) -> Token:
        """Fetch a token by the code of a new authorisation, else by a refresh token.

        The refresh token is the kept one, or the one that WeChat itself names.
        """
        spent, refresh = self._kept()
        code = self._tokens.read(self._code_name)
        fresh = self._exchange(code, refresh) if code and _digest(code) != spent else None
        if fresh is not None:
            return fresh
        answer = self._refreshed(refresh) if refresh else None
        if answer is None or answer.code == NOT_GOOD:
            refresh = self._named()
            answer = self._refreshed(refresh)
        return self._keep(answer, answer.body, spent, refresh)

    def _refreshed(self, refresh: str) -> VendorAnswer:
        return self.component.call(
            "api_authorizer_token", authorizer_appid=self._app_id, authorizer_refresh_token=refresh
        )

    def _named(self) -> str:
        """Ask WeChat for the refresh token, because no stored one is good.

        Then the authorisation code was too old. Or a worker exchanged the code, and died before it
        stored the token.
        """
        answer = self.component.call("api_get_authorizer_info", authorizer_appid=self._app_id)
        if answer.code != SUCCESS:
            raise self.error(answer, Misconfigured)
        info = answer.body.get("authorization_info")
        refresh = info.get("authorizer_refresh_token") if isinstance(info, Mapping) else None
        if not isinstance(refresh, str) or not refresh:
            raise Misconfigured("not_authorised")
        return refresh

    def _exchange(self, code: str, refresh: str) -> Token | None:
        """Exchange a code for a token.

        Return None for a code that is not valid any more.

        Another worker may have used the code and died before it kept the token.
        """
        answer = self.component.call("api_query_auth", authorization_code=code)
        if answer.code in SPENT:
            log.warning("authorisation code not good", extra={"provider_code": answer.code})
            return None
        info = answer.body.get("authorization_info")
        if answer.code == SUCCESS and (
            not isinstance(info, Mapping) or info.get("authorizer_appid") != self._app_id
        ):
            raise Unavailable("no_authorization_info")
        return self._keep(answer, info if isinstance(info, Mapping) else {}, _digest(code), refresh)

    def _keep(
        self, answer: VendorAnswer, info: Mapping[str, Any], spent: str, refresh: str
    ) -> Token:
        """Keep the refresh token with the digest of its code, so that a code is exchanged once."""
        token = self.read_token(VendorAnswer(answer.code, info), "authorizer_access_token")
        newest = info.get("authorizer_refresh_token")
        kept = json.dumps([spent, newest if isinstance(newest, str) and newest else refresh])
        until = self._tokens.now + REFRESH_LIFE_MS
        self._tokens.keep(self._refresh_name, Token(kept, until, until))
        return token

    def _kept(self) -> tuple[str, str]:
        kept = self._tokens.read(self._refresh_name)
        spent, refresh = json.loads(kept) if kept else ("", "")
        return spent, refresh


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
