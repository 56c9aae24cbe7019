"""Montnets (SMS) under `/montnets`: texts in batches.

Their reports and replies come by push, or by get_rpt and get_mo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour
from infra.sandbox.calllog import Call, Result
from infra.sandbox.montnets import rules
from infra.sandbox.sms import SmsPlatform, Text, body_of, pulled
from infra.sandbox.vendor import Refusal

NAME = "montnets"
ACCOUNT_DEFAULTS = {"receipt_batch": rules.MAX_REPORTS, "receipt_batch_limit": rules.MAX_REPORTS}
BALANCE = 1_000_000
PATH = "/sms/v2/std/"

STATES = {Behaviour.REJECT: "CB:0001", Behaviour.UNDELIVERED: "UNDELIV"}


class Montnets(SmsPlatform):
    """Implements HttpProvider."""

    name = NAME

    def routes(self) -> Sequence[web.RouteDef]:
        sending = [web.post(PATH + name, self.send) for name in rules.INTERFACES]
        asking = [
            ("get_balance", self.balance),
            ("get_rpt", self.reports),
            ("get_mo", self.replies),
        ]
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
        numbers, ids = [number for number, _ in messages], [next(self._ids) for _ in messages]
        custid = str(body.get("custid") or ids[0])
        texts = [
            _text(msgid, number, text, custid)
            for msgid, (number, text) in zip(ids, messages, strict=True)
        ]
        call = replace(call, provider_id=str(ids[0]))
        throttled = rules.error(100056, result=Result.THROTTLED)
        failed = rules.error(100999, result=Result.FAILED)
        await self._take(request, call, account, numbers, texts, throttled, failed)
        return web.json_response(
            {"result": 0, "desc": "success", "msgid": ids[0], "custid": custid}
        )

    async def balance(self, request: web.Request) -> web.Response:
        call, _, _ = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"result": 0, "desc": "success", "balance": BALANCE})

    async def reports(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        return web.json_response(
            {"result": 0, "rpts": pulled(account.unread, _size(body, rules.MAX_REPORTS))}
        )

    async def replies(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        return web.json_response(
            {"result": 0, "mos": pulled(account.replies, _size(body, rules.MAX_REPLIES))}
        )

    async def _begin(self, request: web.Request) -> tuple[Call, Account, Mapping[str, Any]]:
        call = self._call(request)
        body = await body_of(request, rules.error(100093).about(call))
        account = self._core.accounts.get(NAME, str(body.get("userid", "")).upper())
        if not rules.is_authentic(body, account.master_secret):
            raise rules.error(100001).about(call)
        return replace(call, account=account.app_key), account, body


def _text(msgid: int, number: str, text: str, custid: str) -> Text:
    def reports(behaviour: Behaviour, at: float) -> Sequence[Event]:
        return rules.reports(msgid, number, text, STATES.get(behaviour, "DELIVRD"), at, custid)

    return Text(number, str(msgid), {"content": text}, [text], reports)


def _size(body: Mapping[str, Any], limit: int) -> int:
    size = body.get("retsize")
    is_size = isinstance(size, int) and not isinstance(size, bool) and size > 0
    return min(limit, size) if is_size else limit
