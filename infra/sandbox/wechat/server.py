"""WeChat under `/wechat`: messages of Official Accounts and mini-programs.

Third-party platforms are in component.py. Sources: developers.weixin.qq.com, see rules.py and
events.py. `app_key` is the AppID, `master_secret` the AppSecret.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox import links
from infra.sandbox.access_tokens import AccessTokens, texts_of
from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core, Refusal, never_answer, new_ids
from infra.sandbox.wechat import events, rules
from infra.sandbox.wechat.component import Components
from infra.sandbox.wechat.requests import Requests
from infra.sandbox.wechat.templates import Templates

NAME = "wechat"
ACCOUNT_DEFAULTS = {"receipt_batch": 1}

TEMPLATE, NOTICE, MINI = "template/send", "subscribe/bizsend", "subscribe/send"
KINDS = {TEMPLATE: "wechatoa", NOTICE: "wechatoa", MINI: "wechatmp"}  # channel types
REPEAT_SECONDS = 600  # for which a `client_msg_id` is recognised


class WeChat:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tokens = AccessTokens(core, NAME)
        self._requests = Requests(core, NAME, self._tokens)
        self._components = Components(core, NAME, self._tokens, self._requests)
        self._templates = Templates(core, self._requests)
        self._ids = new_ids()
        self.clear()

    def clear(self) -> None:
        # Time and answer of earlier messages, by account, openid and client_msg_id.
        self._earlier: dict[tuple[str, str, str], tuple[float, dict[str, Any]]] = {}
        self._left: set[tuple[str, str]] = set()  # account and openid of former followers

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/cgi-bin/token", self.token, allow_head=False),
            web.post("/cgi-bin/stable_token", self.stable_token),
            *(
                web.post(f"/cgi-bin/message/{path}", self.message)
                for path in (TEMPLATE, NOTICE, MINI)
            ),
            web.post("/_console/unfollow", self.unfollow),
            *self._components.routes(),
            *self._templates.routes(),
        ]

    def no_such(self, status: int) -> Refusal:
        return Refusal(404, status, {})

    async def token(self, request: web.Request) -> web.Response:
        call = Call(provider=NAME, endpoint="GET /cgi-bin/token", outcome=Result.ACCEPTED)
        return self._issue(call, request.query.get("appid", ""), request.query.get("secret", ""))

    async def stable_token(self, request: web.Request) -> web.Response:
        call, body = await self._requests.read(request)
        if body.get("grant_type") != "client_credential":
            raise rules.error(47001).about(call)
        return self._issue(call, str(body.get("appid", "")), str(body.get("secret", "")))

    def _issue(self, call: Call, app_id: str, secret: str) -> web.Response:
        if not app_id or ":" in app_id:
            raise rules.error(40013).about(call)
        account, is_right = self._tokens.issue(app_id, secret)
        if not is_right:
            raise rules.error(40125).about(replace(call, account=app_id))
        return self._requests.answer(call, app_id, self._tokens.fields(account))

    async def message(self, request: web.Request) -> web.Response:
        call, body = await self._requests.read(request)
        account, path = self._requests.holder(request, call), request.path.partition("/message/")[2]
        call = replace(call, account=account.app_key, token=str(body.get("client_msg_id", "")))
        try:
            known = self._templates.check(account, body.get("template_id"))
            openid = rules.check(body, account, known, subscription=path != TEMPLATE)
        except Refusal as error:
            raise error.about(call) from None
        if of(openid) is Behaviour.REJECT or (account.app_key, openid) in self._left:
            raise rules.error(43004 if path == TEMPLATE else 43101).about(call, [openid])
        earlier = self._earlier_answer(account, openid, call.token)
        if earlier is not None:
            call = replace(call, outcome=Result.DUPLICATE, provider_id=str(earlier["msgid"]))
            self._core.log.add(call, [openid])
            return web.json_response(earlier)
        trouble = self._trouble(account, openid, call)
        answer = self._take(call, account, path, openid, body, late=trouble is Behaviour.TIMEOUT)
        if of(openid) is Behaviour.DOUBLE:
            early = self._report(account, path, openid, body, answer["msgid"], time.time())
            await self._core.receipts.send_early_and_again(
                self._components.listener(account), [early]
            )
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(answer if path == TEMPLATE else {"errcode": 0, "errmsg": "ok"})

    def _earlier_answer(self, account: Account, openid: str, token: str) -> dict[str, Any] | None:
        """Return the first answer for a repeated token. WeChat does not document the answer."""
        at, answer = self._earlier.get((account.app_key, openid, token), (0.0, {}))
        return answer if token and time.time() - at < REPEAT_SECONDS else None

    def _trouble(self, account: Account, openid: str, call: Call) -> Behaviour | None:
        wait = account.seconds_to_wait()
        trouble = self._core.troubles.of_call(NAME, [openid])
        if wait or trouble is Behaviour.THROTTLE:
            raise rules.busy(wait or self._core.options.retry_after).about(call, [openid])
        if trouble is Behaviour.FLAKY:
            raise rules.error(-1, result=Result.FAILED).about(call, [openid])
        return trouble

    def _take(
        self,
        call: Call,
        account: Account,
        path: str,
        openid: str,
        body: dict[str, Any],
        *,
        late: bool,
    ) -> dict[str, Any]:
        """Hand the message out, and plan the person's behaviour."""
        msgid = next(self._ids)
        provider_id = str(msgid) if path == TEMPLATE else ""
        outcome = Result.TIMEOUT if late else Result.ACCEPTED
        call = replace(call, outcome=outcome, provider_id=provider_id)
        self._core.log.add(call, [openid], [openid])
        content = {name: value for name, value in body.items() if name != "touser"}
        self._core.log.receive(NAME, openid, provider_id, content, KINDS[path])
        answer = {"errcode": 0, "errmsg": "ok", "msgid": msgid}
        if path == TEMPLATE and call.token:
            self._earlier[account.app_key, openid, call.token] = (time.time(), answer)
        self._behave(account, path, openid, body, msgid)
        return answer

    def _behave(
        self, account: Account, path: str, openid: str, body: dict[str, Any], msgid: int
    ) -> None:
        """Plan the receipt, and the click of a person who clicks."""
        delay, behaviour = account.delay(), of(openid)
        if behaviour is Behaviour.LATE:
            delay += self._core.options.late
        if behaviour not in (Behaviour.SILENT, Behaviour.DOUBLE):
            due = time.time() + delay
            report = self._report(account, path, openid, body, msgid, due)
            self._core.receipts.expect(self._components.listener(account), due, report)
        if behaviour is Behaviour.CLICK and "miniprogram" not in body:
            texts = texts_of([body.get("url"), body.get("page")])
            links.open_first(self._core.outbox, texts, delay, NAME)

    def _report(
        self,
        account: Account,
        path: str,
        openid: str,
        body: Mapping[str, Any],
        msgid: int,
        at: float,
    ) -> Event:
        delivered = of(openid) is not Behaviour.UNDELIVERED
        if path == TEMPLATE:
            return events.finished(
                account.app_key, openid, msgid, "success" if delivered else "failed:user block", at
            )
        return events.notice_sent(
            account.app_key, openid, str(body["template_id"]), msgid, delivered=delivered, at=at
        )

    async def unfollow(self, request: web.Request) -> web.Response:
        """Let a person leave (`{"app_id", "openid"}`): messages are refused from then on."""
        _, body = await self._requests.read(request)
        app_id, openid = str(body.get("app_id", "")), str(body.get("openid", ""))
        self._left.add((app_id, openid))
        account = self._core.accounts.get(NAME, app_id)
        event = events.event(app_id, openid, "unsubscribe", time.time(), EventKey="")
        self._core.receipts.expect(self._components.listener(account), time.time(), event)
        return web.json_response({"sent": "unsubscribe"})

    async def verify_webhook(self, account: Account) -> bool:
        """Verify an address as the console does: it must send `echostr` back."""
        if not account.callback_token:
            return False
        echo = str(secrets.randbelow(10**19))
        status, text = await self._core.outbox.ask(events.proof(account, echo))
        return status == 200 and text == echo
