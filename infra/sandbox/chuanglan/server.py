"""Chuanglan (SMS) under `/chuanglan`: texts to numbers of the Chinese mainland.

Their reports and replies come by push or pull.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour
from infra.sandbox.calllog import Call, Result
from infra.sandbox.chuanglan import rules
from infra.sandbox.sms import SmsPlatform, Text, body_of, pulled
from infra.sandbox.vendor import Refusal

NAME = "chuanglan"
ACCOUNT_DEFAULTS = {"receipt_batch": 1, "receipt_batch_limit": 1}
BALANCE = "1000000"

STATES = {Behaviour.REJECT: "CB:0001", Behaviour.UNDELIVERED: "UNDELIV"}

Messages = Sequence[tuple[str, str]]


class Chuanglan(SmsPlatform):
    """Implements HttpProvider."""

    name = NAME

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

    async def _send(
        self, request: web.Request, read: Callable[[Mapping[str, Any]], Messages]
    ) -> web.Response:
        call, account, body = await self._begin(request)
        try:
            messages = read(body)
        except Refusal as error:
            raise error.about(call, str(body.get("phone", "")).split(",")) from None
        numbers, msg_id = [number for number, _ in messages], str(next(self._ids))
        has_report = str(body.get("report")).lower() == "true"
        texts = [_text(msg_id, number, text, has_report) for number, text in messages]
        throttled = rules.error(103, result=Result.THROTTLED)
        failed = rules.error(104, result=Result.FAILED)
        await self._take(
            request, replace(call, provider_id=msg_id), account, numbers, texts, throttled, failed
        )
        return web.json_response(rules.answer(msg_id, len(numbers)))

    async def balance(self, request: web.Request) -> web.Response:
        call, _, _ = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"code": "0", "balance": BALANCE, "errorMsg": ""})

    async def reports(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        return web.json_response(
            {"ret": 0, "error": "", "result": pulled(account.unread, _count(body))}
        )

    async def replies(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        self._core.log.add(call)
        listed = [_pulled(reply) for reply in pulled(account.replies, _count(body))]
        return web.json_response({"ret": 0, "error": "", "result": listed})

    async def _begin(self, request: web.Request) -> tuple[Call, Account, Mapping[str, Any]]:
        call = self._call(request)
        body = await body_of(request, rules.error(130).about(call))
        name, password = body.get("account"), body.get("password")
        if not isinstance(name, str) or not name:
            raise rules.error(101).about(call)
        account = self._core.accounts.get(NAME, name)
        expected = account.master_secret
        secret = password if isinstance(password, str) else ""
        if not secret or (
            expected is not None and not hmac.compare_digest(expected.encode(), secret.encode())
        ):
            raise rules.error(102).about(replace(call, account=name))
        return replace(call, account=name), account, body


def _text(msg_id: str, number: str, text: str, has_report: bool) -> Text:
    def reports(behaviour: Behaviour, at: float) -> Sequence[Event]:
        state = STATES.get(behaviour, "DELIVRD")
        return [rules.report(msg_id, number, state, at)] if has_report else []

    return Text(number, msg_id, {"msg": text}, [text], reports)


def _count(body: Mapping[str, Any]) -> int:
    count = str(body.get("count", "20"))
    return min(rules.MAX_COUNT, int(count)) if count.isascii() and count.isdigit() else 20


def _pulled(reply: Event) -> Event:
    """Rename the fields of a push as pulls have them."""
    return {
        "spCode": reply["destcode"],
        "moTime": reply["moTime"],
        "messageContent": reply["msg"],
        "mobile": reply["mobile"],
    }
