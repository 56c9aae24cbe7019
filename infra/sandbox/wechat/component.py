"""Third-party platforms of WeChat: the ticket, the platform's token, and authorised accounts.

An account authorises a platform by scanning a QR code. Routes under `/_console/` do people's part.
Source: developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from infra.sandbox.access_tokens import AccessTokens
from infra.sandbox.accounts import Account
from infra.sandbox.calllog import Call
from infra.sandbox.vendor import Core, Refusal
from infra.sandbox.wechat import events, rules
from infra.sandbox.wechat.requests import Requests

PRE_AUTH_LIFE, CODE_LIFE = 1800, 3600  # seconds


@dataclass
class Authorisation:
    component: str
    app_id: str
    expires: float
    used: bool = False


class Components:
    """The platforms. Their authorisations survive until the sandbox ends.

    Platforms and their authorised accounts are both accounts of the sandbox.
    """

    def __init__(self, core: Core, name: str, tokens: AccessTokens, requests: Requests) -> None:
        self._core, self._name, self._tokens, self._requests = core, name, tokens, requests
        self._tickets: dict[str, str] = {}
        self._codes: dict[str, Authorisation] = {}
        self._refresh: dict[tuple[str, str], str] = {}
        self._pre_auth: dict[str, tuple[str, float]] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/cgi-bin/component/api_component_token", self.token),
            web.post("/cgi-bin/component/api_create_preauthcode", self.pre_auth_code),
            web.post("/cgi-bin/component/api_query_auth", self.exchange),
            web.post("/cgi-bin/component/api_authorizer_token", self.refresh),
            web.post("/cgi-bin/component/api_get_authorizer_info", self.info),
            web.post("/_console/ticket", self.send_ticket),
            web.post("/_console/scan", self.scan),
            web.post("/_console/withdraw", self.withdraw),
        ]

    def listener(self, account: Account) -> Account:
        """Return the receiver of an account's events: its authorised platform, else the account."""
        platform = next(
            (component for component, app_id in self._refresh if app_id == account.app_key), None
        )
        return self._core.accounts.get(self._name, platform) if platform else account

    async def token(self, request: web.Request) -> web.Response:
        call, body = await self._requests.read(request)
        component = str(body.get("component_appid", ""))
        if not component:
            raise rules.error(40013).about(call)
        secret, ticket = body.get("component_appsecret", ""), body.get("component_verify_ticket")
        account, is_right = self._tokens.issue(component, str(secret))
        if not is_right:
            raise rules.error(40125).about(call)
        if not ticket or ticket != self._tickets.get(component):
            raise rules.error(61006).about(call)
        fields = self._tokens.fields(account)
        answer = {
            "component_access_token": fields["access_token"],
            "expires_in": fields["expires_in"],
        }
        return self._requests.answer(call, component, answer)

    async def pre_auth_code(self, request: web.Request) -> web.Response:
        call, _, component = await self._begin(request)
        code = f"preauthcode@@@{secrets.token_urlsafe(32)}"
        self._pre_auth[code] = (component, time.time() + PRE_AUTH_LIFE)
        return self._requests.answer(
            call, component, {"pre_auth_code": code, "expires_in": PRE_AUTH_LIFE}
        )

    async def exchange(self, request: web.Request) -> web.Response:
        call, body, component = await self._begin(request)
        authorisation = self._codes.get(str(body.get("authorization_code", "")))
        if authorisation is None or authorisation.component != component:
            raise rules.error(61009).about(call)
        if authorisation.used or time.time() >= authorisation.expires:
            raise rules.error(61010).about(call)
        authorisation.used = True
        info = {
            "authorizer_appid": authorisation.app_id,
            **self._granted(component, authorisation.app_id),
            "func_info": [{"funcscope_category": {"id": 7}}],
        }
        return self._requests.answer(call, component, {"authorization_info": info})

    async def refresh(self, request: web.Request) -> web.Response:
        call, body, component = await self._begin(request)
        app_id = str(body.get("authorizer_appid", ""))
        known = self._refresh.get((component, app_id))
        if known is None:
            raise rules.error(61003).about(call)
        if body.get("authorizer_refresh_token") != known:
            raise rules.error(61023).about(call)
        return self._requests.answer(call, component, self._granted(component, app_id))

    async def info(self, request: web.Request) -> web.Response:
        call, body, component = await self._begin(request)
        app_id = str(body.get("authorizer_appid", ""))
        known = self._refresh.get((component, app_id))
        if known is None:
            raise rules.error(61003).about(call)
        about = {
            "authorizer_appid": app_id,
            "authorizer_refresh_token": known,
            "func_info": [{"funcscope_category": {"id": 7}}],
        }
        return self._requests.answer(
            call, component, {"authorizer_info": {"nick_name": app_id}, "authorization_info": about}
        )

    def _granted(self, component: str, app_id: str) -> dict[str, Any]:
        account = self._core.accounts.get(self._name, app_id)
        self._tokens.issue(app_id, account.master_secret or "any")
        fields = self._tokens.fields(account)
        return {
            "authorizer_access_token": fields["access_token"],
            "expires_in": fields["expires_in"],
            "authorizer_refresh_token": self._refresh[component, app_id],
        }

    async def _begin(self, request: web.Request) -> tuple[Call, dict[str, Any], str]:
        call, body = await self._requests.read(request)
        account = self._requests.holder(request, call)
        if body.get("component_appid") != account.app_key:
            raise rules.error(61011).about(call)
        return call, body, account.app_key

    async def send_ticket(self, request: web.Request) -> web.Response:
        """Send a ticket to `{"component"}`, as WeChat does every 10 minutes."""
        _, body = await self._requests.read(request)
        component = str(body.get("component", ""))
        self._tickets[component] = f"ticket@@@{secrets.token_urlsafe(48)}"
        return self._tell(
            component, "component_verify_ticket", ComponentVerifyTicket=self._tickets[component]
        )

    async def scan(self, request: web.Request) -> web.Response:
        """Let the account's administrator scan the code and agree.

        The body is `{"component", "app_id", "pre_auth_code"?}`.
        """
        call, body = await self._requests.read(request)
        component, app_id, pre_auth = (
            str(body.get(name, "")) for name in ("component", "app_id", "pre_auth_code")
        )
        owner, expires = self._pre_auth.get(pre_auth, ("", 0.0))
        if pre_auth and (owner != component or time.time() >= expires):
            raise rules.error(61009).about(call)
        code = f"queryauthcode@@@{secrets.token_urlsafe(48)}"
        self._codes[code] = Authorisation(component, app_id, time.time() + CODE_LIFE)
        self._refresh[component, app_id] = f"refreshtoken@@@{secrets.token_urlsafe(32)}"
        self._core.accounts.get(self._name, app_id).token_ends = 0.0
        until = int(self._codes[code].expires)
        more = {
            "AuthorizerAppid": app_id,
            "AuthorizationCode": code,
            "AuthorizationCodeExpiredTime": until,
            "PreAuthCode": pre_auth,
        }
        return self._tell(component, "authorized", **more)

    async def withdraw(self, request: web.Request) -> web.Response:
        """Withdraw the authorisation of `{"component", "app_id"}`."""
        _, body = await self._requests.read(request)
        component, app_id = str(body.get("component", "")), str(body.get("app_id", ""))
        self._refresh.pop((component, app_id), None)
        self._core.accounts.get(self._name, app_id).token_ends = 0.0
        return self._tell(component, "unauthorized", AuthorizerAppid=app_id)

    def _tell(self, component: str, kind: str, **more: Any) -> web.Response:
        account = self._core.accounts.get(self._name, component)
        if not account.encoding_aes_key or account.webhook_url is None:
            raise Refusal(
                400, 0, {"error": "the platform has no encoding_aes_key or no webhook_url"}
            )
        self._core.receipts.expect(
            account, time.time(), events.platform_event(component, kind, **more)
        )
        return web.json_response({"sent": kind})
