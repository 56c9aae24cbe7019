"""WeCom under `/wecom`: messages of applications and to linked corporations, recall, card clicks.

Sources: https://developer.work.weixin.qq.com/document/path/91039 (token), …/path/90236 and
…/path/94867 (messages, recall), …/path/90250 (linked corporations).
`app_key` is the corporation's id, `master_secret` the application's secret.
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
        self._tokens = AccessTokens(core, NAME)
        self.clear()

    def clear(self) -> None:
        # The time and answer of earlier messages, for the duplicate check.
        self._last: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
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
        return self._tokens.answer(
            request,
            "corpid",
            "corpsecret",
            bad_id=rules.error(40013),
            bad_secret=rules.error(40001),
        )

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
        earlier = None if linked else self._earlier_answer(account, body)
        if earlier is not None:
            call = replace(
                call, outcome=Result.DUPLICATE, provider_id=str(earlier.get("msgid", ""))
            )
            self._core.log.add(call, users)
            return web.json_response(earlier)
        trouble = self._trouble(call, users)
        answer = self._take(
            call, account, body, users, good, linked=linked, late=trouble is Behaviour.TIMEOUT
        )
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(answer)

    def _trouble(self, call: Call, users: Sequence[str]) -> Behaviour | None:
        trouble = self._core.troubles.of_call(NAME, users)
        if trouble is Behaviour.THROTTLE:
            raise rules.busy(self._core.options.retry_after).about(call, users)
        if trouble is Behaviour.FLAKY:
            raise rules.error(-1, result=Result.FAILED).about(call, users)
        return trouble

    def _earlier_answer(self, account: Account, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer to equal JSON within the interval that the request names."""
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
        """Hand the message out, and plan people's clicks."""
        msgid = "" if linked else secrets.token_urlsafe(24)
        outcome = Result.TIMEOUT if late else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome, provider_id=msgid), users, good)
        content = {"msgtype": body["msgtype"], body["msgtype"]: body[body["msgtype"]]}
        kind = "wechatwk_linkedcorp" if linked else "wechatwk"
        for user in good:
            self._core.log.receive(NAME, user, msgid, content, kind)
            if of(user) is Behaviour.CLICK:
                self._click(account, user, content)
        bad = [user.lower() for user in users if user not in good]
        answer: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
        if not linked:
            self._sent.add(msgid)
            answer["msgid"] = msgid
        if bad:
            answer["invaliduser"] = bad if linked else "|".join(bad)
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
        """Verify an address as the console does: it must send the decrypted text back."""
        if not account.encoding_aes_key or not account.callback_token:
            return False
        echo = str(secrets.randbelow(10**19))
        status, text = await self._core.outbox.ask(callbacks.proof(account, echo))
        return status == 200 and text == echo

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
    """Return True if the application may see such a user, of its own or a linked corporation."""
    corp, slash, userid = user.rpartition("/")
    if bool(corp) is not bool(slash) or (slash and not linked):
        return False
    return bool(rules.USERID.fullmatch(userid)) and of(user) is not Behaviour.REJECT


async def _body(request: web.Request, call: Call) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise rules.error(47001).about(call) from None
