"""WeCom under `/wecom`: application messages, messages to linked corporations, recall, and clicks on cards as callbacks.

Sources: https://developer.work.weixin.qq.com/document/path/91039 (token), …/path/90236 and …/path/94867 (messages, recall), …/path/90250
(linked corporations). `app_key` is the corporation's id, `master_secret` the application's secret.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox import links
from infra.sandbox.access_tokens import AccessTokens, texts_of
from infra.sandbox.accounts import Account
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core, Refusal, compact, endpoint, never_answer
from infra.sandbox.wecom import callbacks, rules

NAME = "wecom"
ACCOUNT_DEFAULTS = {"receipt_batch": 1}


class WeCom:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tokens = AccessTokens(core.accounts, NAME)
        self.clear()

    def clear(self) -> None:
        self._last: dict[
            tuple[str, str], tuple[float, dict[str, Any]]
        ] = {}  # what was sent, for the duplicate check
        self._sent: set[str] = set()  # ids that can be recalled

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/cgi-bin/gettoken", self.token, allow_head=False),
            web.post("/cgi-bin/message/send", self.message),
            web.post("/cgi-bin/message/recall", self.recall),
            web.post("/cgi-bin/linkedcorp/message/send", self.linked_message),
        ]

    def no_such(self, status: int) -> Refusal:
        return Refusal(404, status, {})

    async def token(self, request: web.Request) -> web.Response:
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        corp_id = request.query.get("corpid", "")
        if not corp_id or ":" in corp_id:
            raise rules.error(40013).about(call)
        account, right = self._tokens.give(corp_id, request.query.get("corpsecret", ""))
        call = replace(call, account=corp_id)
        if not right:
            raise rules.error(40001).about(call)
        self._core.log.add(call)
        return web.json_response(self._tokens.answer(account))

    async def message(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        return await self._send(request, call, account, linked=False)

    async def linked_message(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        return await self._send(request, call, account, linked=True)

    async def _send(
        self, request: web.Request, call: Call, account: Account, *, linked: bool
    ) -> web.Response:
        body = await _body(request, call)
        try:
            users = rules.check(body, account.agent_id, linked=linked)
        except Refusal as error:
            raise error.about(call) from None
        good = [user for user in users if _is_there(user, linked=linked)]
        if not good:
            raise rules.error(81013).about(call, users)
        known = None if linked else self._known(account, body)
        if known is not None:
            self._core.log.add(
                replace(call, outcome=Result.DUPLICATE, provider_id=str(known.get("msgid", ""))),
                users,
            )
            return web.json_response(known)
        trouble = self._core.troubles.of_call(NAME, users)
        if trouble is Behaviour.THROTTLE:
            raise rules.busy(self._core.options.retry_after).about(call, users)
        if trouble is Behaviour.FLAKY:
            raise rules.error(-1, result=Result.FAILED).about(call, users)
        answer = self._take(
            call, account, body, users, good, linked=linked, late=trouble is Behaviour.TIMEOUT
        )
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(answer)

    def _known(self, account: Account, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to the same JSON within the interval that the request names."""
        if body.get("enable_duplicate_check") != 1:
            return None
        at, answer = self._last.get((account.app_key, compact(body)), (0.0, {}))
        interval = min(int(body.get("duplicate_check_interval") or 1800), rules.MAX_INTERVAL)
        return answer if time.time() - at < interval else None

    def _take(
        self,
        call: Call,
        account: Account,
        body: dict[str, Any],
        users: Sequence[str],
        good: Sequence[str],
        *,
        linked: bool,
        late: bool,
    ) -> dict[str, Any]:
        """Hands the message out, and plans what people do with it."""
        msgid = "" if linked else secrets.token_urlsafe(24)
        outcome = Result.TIMEOUT if late else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome, provider_id=msgid), users, good)
        content = {"msgtype": body["msgtype"], body["msgtype"]: body[body["msgtype"]]}
        for user in good:
            self._core.log.receive(NAME, user, msgid, content)
            if of(user) is Behaviour.CLICK:
                self._click(account, user, content)
        bad = [user.lower() for user in users if user not in good]
        if linked:
            answer: dict[str, Any] = {"errcode": 0, "errmsg": "ok"} | (
                {"invaliduser": bad} if bad else {}
            )
        else:
            self._sent.add(msgid)
            answer = {"errcode": 0, "errmsg": "ok", "msgid": msgid} | (
                {"invaliduser": "|".join(bad)} if bad else {}
            )
        self._last[account.app_key, compact(body)] = (time.time(), answer)
        return answer

    def _click(self, account: Account, user: str, content: Mapping[str, Any]) -> None:
        card = content.get("template_card")
        if isinstance(card, dict) and card.get("task_id") and account.encoding_aes_key:
            due = time.time() + account.delay() + links.OPENED_AFTER
            self._core.receipts.expect(
                account, due, callbacks.click(account, user, str(card["task_id"]), card, due)
            )
        links.open_first(self._core.outbox, texts_of(content), account.delay(), NAME)

    async def recall(self, request: web.Request) -> web.Response:
        call, _ = self._begin(request)
        body = await _body(request, call)
        msgid = str(body.get("msgid", "")) if isinstance(body, dict) else ""
        if msgid not in self._sent:
            raise rules.error(40058).about(call)
        self._sent.discard(msgid)
        self._core.log.add(replace(call, provider_id=msgid))
        return web.json_response({"errcode": 0, "errmsg": "ok"})

    async def verify_webhook(self, account: Account) -> bool:
        """What the console does when an address is entered: it must send back the decrypted word."""
        if not account.encoding_aes_key or not account.callback_token:
            return False
        word = str(secrets.randbelow(10**19))
        status, text = await self._core.outbox.ask(callbacks.proof(account, word))
        return status == 200 and text == word

    def _begin(self, request: web.Request) -> tuple[Call, Account]:
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        token = request.query.get("access_token", "")
        if not token:
            raise rules.error(41001).about(call)
        account, alive = self._tokens.holder(token)
        if account is None:
            raise rules.error(40014).about(call)
        call = replace(call, account=account.app_key)
        if not alive:
            raise rules.error(42001).about(call)
        return call, account


def _is_there(user: str, *, linked: bool) -> bool:
    """Whether the corporation, or one that is linked with it, has such a user, whom the application may see."""
    corp, slash, userid = user.rpartition("/")
    is_named = (
        bool(rules.USERID.fullmatch(userid)) and bool(corp) is bool(slash) and (linked or not slash)
    )
    return is_named and of(user) is not Behaviour.REJECT


async def _body(request: web.Request, call: Call) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise rules.error(47001).about(call) from None
