"""Montnets (SMS) under `/montnets`: texts in batches, their reports and replies by push or get_rpt and get_mo."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.local.sandbox import links
from infra.local.sandbox import montnets_rules as rules
from infra.local.sandbox.accounts import Account, Event
from infra.local.sandbox.behaviour import Behaviour, of
from infra.local.sandbox.calllog import Call, Result
from infra.local.sandbox.vendor import Core, Refusal, endpoint, never_answer, new_ids

NAME = "montnets"
ACCOUNT_DEFAULTS = {"receipt_batch": rules.MAX_REPORTS, "receipt_batch_limit": rules.MAX_REPORTS}
BALANCE = 1_000_000
PATH = "/sms/v2/std/"

STATES = {Behaviour.REJECT: "CB:0001", Behaviour.UNDELIVERED: "UNDELIV"}


class Montnets:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ids = new_ids()

    def clear(self) -> None:
        """Nothing is kept here: what waits to be fetched belongs to the accounts."""

    def routes(self) -> Sequence[web.RouteDef]:
        sending = [web.post(PATH + name, self.send) for name in rules.INTERFACES]
        asking = [("get_balance", self.balance), ("get_rpt", self.reports), ("get_mo", self.replies)]
        return [*sending, *(web.post(PATH + name, handler) for name, handler in asking)]

    def no_such(self, status: int) -> Refusal:
        return Refusal(status, status, {"result": -status})

    async def send(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        name = request.path.rpartition("/")[2]
        read = rules.several if "multi" in name else rules.same
        try:
            messages = read(body, rules.INTERFACES[name])
        except Refusal as error:
            raise error.about(call, str(body.get("mobile", "")).split(",")) from None
        numbers = [number for number, _ in messages]
        trouble = self._core.troubles.of_call(NAME, numbers)
        if trouble is Behaviour.THROTTLE:
            raise rules.error(100056, result=Result.THROTTLED).about(call, numbers)
        if trouble is Behaviour.FLAKY:
            raise rules.error(100999, result=Result.FAILED).about(call, numbers)
        ids = [next(self._ids) for _ in numbers]
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome, provider_id=str(ids[0])), numbers, numbers)
        custid = str(body.get("custid") or ids[0])
        early = [event for n, (number, text) in enumerate(messages) for event in self._deliver(account, ids[n], number, text, custid)]
        if early:
            await self._core.receipts.send_early_and_again(account, early)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response({"result": 0, "desc": "success", "msgid": ids[0], "custid": custid})

    def _deliver(self, account: Account, msgid: int, number: str, text: str, custid: str) -> Sequence[Event]:
        """Hands out one text and plans its reports, which are returned when they go out before the answer."""
        self._core.log.receive(NAME, number, str(msgid), {"content": text})
        behaviour, now = of(number), time.time()
        due = now + (self._core.options.late if behaviour is Behaviour.LATE else account.delay())
        if behaviour is Behaviour.CLICK:
            links.open_first(self._core.outbox, [text], due - now)
        if behaviour is Behaviour.SILENT:
            return []
        events = rules.reports(msgid, number, text, STATES.get(behaviour, "DELIVRD"), due, custid)
        if behaviour is Behaviour.DOUBLE:
            return events
        for event in events:
            self._core.receipts.expect(account, due, event)
        return []

    async def balance(self, request: web.Request) -> web.Response:
        call, _, _ = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"result": 0, "desc": "success", "balance": BALANCE})

    async def reports(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"result": 0, "rpts": _take(account.unread, body, rules.MAX_REPORTS)})

    async def replies(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"result": 0, "mos": _take(account.replies, body, rules.MAX_REPLIES)})

    async def _begin(self, request: web.Request) -> tuple[Call, Account, Mapping[str, Any]]:
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            raise rules.error(100093).about(call) from None
        if not isinstance(body, dict):
            raise rules.error(100093).about(call)
        account = self._core.accounts.get(NAME, str(body.get("userid", "")).upper())
        if not rules.is_authentic(body, account.master_secret):
            raise rules.error(100001).about(call)
        return replace(call, account=account.app_key), account, body


def _take(waiting: deque[Event], body: Mapping[str, Any], limit: int) -> list[Event]:
    size = body.get("retsize")
    wanted = min(limit, size) if isinstance(size, int) and not isinstance(size, bool) and size > 0 else limit
    return [waiting.popleft() for _ in range(min(wanted, len(waiting)))]
