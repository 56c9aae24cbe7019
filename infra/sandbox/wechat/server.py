"""WeChat under `/wechat`: messages of Official Accounts and mini-programs, and third-party platforms (wechat_component.py).

Sources: developers.weixin.qq.com, see wechat_rules.py and wechat_events.py. `app_key` is the AppID, `master_secret` the AppSecret.
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

NAME = "wechat"
ACCOUNT_DEFAULTS = {"receipt_batch": 1}

TEMPLATE, NOTICE, MINI = "template/send", "subscribe/bizsend", "subscribe/send"
REPEAT_SECONDS = 600  # for which a `client_msg_id` is recognised


class WeChat:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tokens = AccessTokens(core.accounts, NAME)
        self._requests = Requests(core, NAME, self._tokens)
        self._components = Components(core, NAME, self._tokens, self._requests)
        self._ids = new_ids()
        self.clear()

    def clear(self) -> None:
        self._known: dict[
            tuple[str, str, str], tuple[float, dict[str, Any]]
        ] = {}  # by account, openid and client_msg_id
        self._left: set[tuple[str, str]] = set()  # who no longer follows which account

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
        ]

    def no_such(self, status: int) -> Refusal:
        return Refusal(404, status, {})

    async def token(self, request: web.Request) -> web.Response:
        call = Call(provider=NAME, endpoint="GET /cgi-bin/token", outcome=Result.ACCEPTED)
        return self._give(call, request.query.get("appid", ""), request.query.get("secret", ""))

    async def stable_token(self, request: web.Request) -> web.Response:
        call, body = await self._requests.read(request)
        if body.get("grant_type") != "client_credential":
            raise rules.error(47001).about(call)
        return self._give(call, str(body.get("appid", "")), str(body.get("secret", "")))

    def _give(self, call: Call, app_id: str, secret: str) -> web.Response:
        if not app_id or ":" in app_id:
            raise rules.error(40013).about(call)
        account, right = self._tokens.give(app_id, secret)
        if not right:
            raise rules.error(40125).about(replace(call, account=app_id))
        answer = self._tokens.answer(account)
        return self._requests.answer(
            call, app_id, {name: answer[name] for name in ("access_token", "expires_in")}
        )

    async def message(self, request: web.Request) -> web.Response:
        call, body = await self._requests.read(request)
        account, path = self._requests.holder(request, call), request.path.partition("/message/")[2]
        call = replace(call, account=account.app_key, token=str(body.get("client_msg_id", "")))
        try:
            openid = rules.check(body, account, subscription=path != TEMPLATE)
        except Refusal as error:
            raise error.about(call) from None
        if of(openid) is Behaviour.REJECT or (account.app_key, openid) in self._left:
            raise rules.error(43004 if path == TEMPLATE else 43101).about(call, [openid])
        known = self._repeated(account, openid, call.token)
        if known is not None:
            self._core.log.add(
                replace(call, outcome=Result.DUPLICATE, provider_id=str(known["msgid"])), [openid]
            )
            return web.json_response(known)
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

    def _repeated(self, account: Account, openid: str, token: str) -> dict[str, Any] | None:
        """What such a call is answered is a guess: the same again."""
        at, answer = self._known.get((account.app_key, openid, token), (0.0, {}))
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
        msgid, delay, behaviour = next(self._ids), account.delay(), of(openid)
        named = str(msgid) if path == TEMPLATE else ""
        self._core.log.add(
            replace(call, outcome=Result.TIMEOUT if late else Result.ACCEPTED, provider_id=named),
            [openid],
            [openid],
        )
        self._core.log.receive(
            NAME, openid, named, {name: value for name, value in body.items() if name != "touser"}
        )
        answer = {"errcode": 0, "errmsg": "ok", "msgid": msgid}
        if path == TEMPLATE and call.token:
            self._known[account.app_key, openid, call.token] = (time.time(), answer)
        if behaviour is Behaviour.LATE:
            delay += self._core.options.late
        if behaviour not in (Behaviour.SILENT, Behaviour.DOUBLE):
            due = time.time() + delay
            self._core.receipts.expect(
                self._components.listener(account),
                due,
                self._report(account, path, openid, body, msgid, due),
            )
        if behaviour is Behaviour.CLICK and "miniprogram" not in body:
            links.open_first(
                self._core.outbox, texts_of([body.get("url"), body.get("page")]), delay, NAME
            )
        return answer

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
        """`{"app_id", "openid"}`: the person leaves; messages are refused from then on."""
        _, body = await self._requests.read(request)
        app_id, openid = str(body.get("app_id", "")), str(body.get("openid", ""))
        self._left.add((app_id, openid))
        account = self._core.accounts.get(NAME, app_id)
        event = events.event(app_id, openid, "unsubscribe", time.time(), EventKey="")
        self._core.receipts.expect(self._components.listener(account), time.time(), event)
        return web.json_response({"sent": "unsubscribe"})

    async def verify_webhook(self, account: Account) -> bool:
        """What the console does when an address is entered: it must send back `echostr`."""
        if not account.callback_token:
            return False
        word = str(secrets.randbelow(10**19))
        status, text = await self._core.outbox.ask(events.proof(account, word))
        return status == 200 and text == word
