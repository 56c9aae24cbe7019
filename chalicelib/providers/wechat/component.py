"""Accounts that have authorised a third-party platform ("component") by scanning its QR code.

Source: developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/ (component_verify_ticket, authorize_event, pre_auth_code,
api_query_auth, api_authorizer_token, api_get_authorizer_info). The chain: WeChat posts a ticket every 10 minutes; ticket and secret give
the platform's token; an authorisation is announced with a code, which is exchanged for the account's token and a token to refresh it with.

The webhook only keeps ticket and code (receipts.py). What needs the platform's secret happens here, where messages are sent: a code is
exchanged when the account's token is first needed, for which the API has the connection checked at once. All but the account's own token
is kept under the platform's AppID, since the channels of a platform share it.
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
from chalicelib.providers.base import ask
from chalicelib.providers.errcodes import SUCCESS, TokenApi, VendorAnswer, VendorCodes
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat.api import ERRORS, STALE, WORDS, base_url, code_of
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

LOGIN_URL = "https://mp.weixin.qq.com/cgi-bin/componentloginpage"
SPENT = frozenset({"61009", "61010"})  # a code that was used, or is too old
NOT_GOOD = "61023"  # a refresh token: there is another one
NOT_AUTHORISED = "61003"  # of an account: no other token of the platform changes that
# A refresh token does not expire. It is written anew with every refresh, so that the store forgets only what was not used for so long.
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
        given = {
            "component_appid": self.app_id,
            "component_appsecret": str(account.credentials["component_app_secret"]),
        }
        # Shared by the channels of the platform that have the same secret; a few digits of its hash say that, and no more.
        name = keys.join(
            "component", self.app_id, "access", _digest(given["component_appsecret"])[:8]
        )
        words = VendorCodes(ERRORS, STALE - {NOT_AUTHORISED}, code_of)
        super().__init__(
            http, tokens, account, words, (f"{self._url}/api_component_token", given), name
        )

    def _ask(self, url: str, query: Mapping[str, str]) -> Response:
        ticket = self._tokens.read(ticket_name(self.app_id))
        if ticket is None:  # WeChat posts one every 10 minutes, so its address is missing or wrong
            raise Misconfigured("no_component_verify_ticket")
        return ask(self._http, "POST", url, json={**query, "component_verify_ticket": ticket})

    def given(self, said: VendorAnswer, name: str = "component_access_token") -> Token:
        return super().given(said, name)

    def call(self, name: str, **body: str) -> VendorAnswer:
        return self.post(
            f"{self._url}/{name}", {"component_appid": self.app_id, **body}, harmless=True
        )

    def link(self, redirect_uri: str, auth_type: str, app_id: str) -> str:
        """The page with the QR code, good for half an hour. It has to be opened from a page under the platform's own domain."""
        said = self.call("api_create_preauthcode")
        code = said.body.get("pre_auth_code")
        if said.code != SUCCESS or not isinstance(code, str):
            raise self.error(said, Misconfigured)
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
        super().__init__(http, tokens, account, WORDS, ("", {}))
        self.component = Component(http, tokens, account)
        self._app_id = str(account.credentials["app_id"])
        self._code_name = code_name(self.component.app_id, self._app_id)
        self._refresh_name = refresh_name(self.component.app_id, self._app_id)

    def fetch(self) -> Token:
        """By the code of a new authorisation, else by the refresh token: the one that is kept, or that WeChat itself names."""
        spent, refresh = self._kept()
        code = self._tokens.read(self._code_name)
        fresh = self._exchange(code, refresh) if code and _digest(code) != spent else None
        if fresh is not None:
            return fresh
        said = self._refreshed(refresh) if refresh else None
        if said is None or said.code == NOT_GOOD:
            refresh = self._named()
            said = self._refreshed(refresh)
        return self._keep(said, said.body, spent, refresh)

    def _refreshed(self, refresh: str) -> VendorAnswer:
        return self.component.call(
            "api_authorizer_token", authorizer_appid=self._app_id, authorizer_refresh_token=refresh
        )

    def _named(self) -> str:
        """The refresh token, where none was kept: the code was too old, or who exchanged it died before it was stored."""
        said = self.component.call("api_get_authorizer_info", authorizer_appid=self._app_id)
        if said.code != SUCCESS:
            raise self.error(said, Misconfigured)
        info = said.body.get("authorization_info")
        refresh = info.get("authorizer_refresh_token") if isinstance(info, Mapping) else None
        if not isinstance(refresh, str) or not refresh:
            raise Misconfigured("not_authorised")
        return refresh

    def _exchange(self, code: str, refresh: str) -> Token | None:
        """None for a code that is no longer good: another worker may have used it and died before it kept what it got."""
        said = self.component.call("api_query_auth", authorization_code=code)
        if said.code in SPENT:
            log.warning("authorisation code not good", extra={"provider_code": said.code})
            return None
        info = said.body.get("authorization_info")
        if said.code == SUCCESS and (
            not isinstance(info, Mapping) or info.get("authorizer_appid") != self._app_id
        ):
            raise Unavailable("no_authorization_info")
        return self._keep(said, info if isinstance(info, Mapping) else {}, _digest(code), refresh)

    def _keep(self, said: VendorAnswer, info: Mapping[str, Any], spent: str, refresh: str) -> Token:
        """The refresh token is kept with the digest of the code that brought it, so that a code is exchanged once."""
        token = self.given(VendorAnswer(said.code, info), "authorizer_access_token")
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
