"""Chuanglan (SMS) under `/chuanglan`: texts to numbers of the Chinese mainland, their reports and replies by push or pull."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.local.sandbox import chuanglan_rules as rules
from infra.local.sandbox import links
from infra.local.sandbox.accounts import Account, Event
from infra.local.sandbox.behaviour import Behaviour, of
from infra.local.sandbox.calllog import Call, Result
from infra.local.sandbox.vendor import Core, Refusal, endpoint, never_answer, new_ids

NAME = "chuanglan"
ACCOUNT_DEFAULTS = {"receipt_batch": 1, "receipt_batch_limit": 1}
BALANCE = "1000000"

STATES = {Behaviour.REJECT: "CB:0001", Behaviour.UNDELIVERED: "UNDELIV"}

Messages = Sequence[tuple[str, str]]


class Chuanglan:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ids = new_ids()

    def clear(self) -> None:
        """Nothing is kept here: what waits to be pulled belongs to the accounts."""

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/msg/v1/send/json", self.same),
            web.post("/msg/variable/json", self.variable),
            web.post("/msg/balance/json", self.balance),
            web.post("/msg/pull/report", self.reports),
            web.post("/msg/pull/mo", self.replies),
        ]

    def no_such(self, status: int) -> Refusal:
        return Refusal(status, status, {"status": status})

    async def same(self, request: web.Request) -> web.Response:
        return await self._send(request, rules.same)

    async def variable(self, request: web.Request) -> web.Response:
        return await self._send(request, rules.variable)

    async def _send(self, request: web.Request, read: Callable[[Mapping[str, Any]], Messages]) -> web.Response:
        call, account, body = await self._begin(request)
        try:
            messages = read(body)
        except Refusal as error:
            raise error.about(call, str(body.get("phone", "")).split(",")) from None
        numbers = [number for number, _ in messages]
        trouble = self._core.troubles.of_call(NAME, numbers)
        if trouble is Behaviour.THROTTLE:
            raise rules.error(103, result=Result.THROTTLED).about(call, numbers)
        if trouble is Behaviour.FLAKY:
            raise rules.error(104, result=Result.FAILED).about(call, numbers)
        msg_id = str(next(self._ids))
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome, provider_id=msg_id), numbers, numbers)
        early = [event for number, text in messages for event in self._deliver(account, msg_id, number, text, body)]
        if early:
            await self._core.receipts.send_early_and_again(account, early)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(rules.answer(msg_id, len(numbers)))

    def _deliver(self, account: Account, msg_id: str, number: str, text: str, body: Mapping[str, Any]) -> list[Event]:
        """Hands out one text and plans its report, if one is wanted; it is returned when it goes out before the answer."""
        self._core.log.receive(NAME, number, msg_id, {"msg": text})
        behaviour, now = of(number), time.time()
        due = now + (self._core.options.late if behaviour is Behaviour.LATE else account.delay())
        if behaviour is Behaviour.CLICK:
            links.open_first(self._core.outbox, [text], due - now)
        if str(body.get("report")).lower() != "true" or behaviour is Behaviour.SILENT:
            return []
        event = rules.report(msg_id, number, STATES.get(behaviour, "DELIVRD"), due)
        if behaviour is Behaviour.DOUBLE:
            return [event]
        self._core.receipts.expect(account, due, event)
        return []

    async def balance(self, request: web.Request) -> web.Response:
        call, _, _ = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"code": "0", "balance": BALANCE, "errorMsg": ""})

    async def reports(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        listed = [account.unread.popleft() for _ in range(min(_count(body), len(account.unread)))]
        return web.json_response({"ret": 0, "error": "", "result": listed})

    async def replies(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        listed = [account.replies.popleft() for _ in range(min(_count(body), len(account.replies)))]
        return web.json_response({"ret": 0, "error": "", "result": [_pulled(each) for each in listed]})

    async def _begin(self, request: web.Request) -> tuple[Call, Account, Mapping[str, Any]]:
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            raise rules.error(130).about(call) from None
        if not isinstance(body, dict):
            raise rules.error(130).about(call)
        name, password = body.get("account"), body.get("password")
        if not isinstance(name, str) or not name:
            raise rules.error(101).about(call)
        account = self._core.accounts.get(NAME, name)
        expected = account.master_secret
        given = password if isinstance(password, str) else ""
        if not given or (expected is not None and not hmac.compare_digest(expected.encode(), given.encode())):
            raise rules.error(102).about(replace(call, account=name))
        return replace(call, account=name), account, body


def _count(body: Mapping[str, Any]) -> int:
    count = str(body.get("count", "20"))
    return min(rules.MAX_COUNT, int(count)) if count.isascii() and count.isdigit() else 20


def _pulled(reply: Event) -> Event:
    """Pulls call the text by another name than pushes."""
    return {"spCode": reply["destcode"], "moTime": reply["moTime"], "messageContent": reply["msg"], "mobile": reply["mobile"]}
