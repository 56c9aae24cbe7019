"""JSMS (SMS) under `/jsms`: template messages, one or in batches, and their receipts by callback or poll.

Sources: "SMS API", "Balance" and "Callback", https://docs.jiguang.cn/jsms/server/rest_api_jsms, …/rest_jsms_api_account, …/callback.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from infra.local.sandbox import jsms_rules as rules
from infra.local.sandbox import links
from infra.local.sandbox.accounts import Account, Event
from infra.local.sandbox.behaviour import Behaviour, of
from infra.local.sandbox.calllog import Call, Result
from infra.local.sandbox.outbox import Parcel
from infra.local.sandbox.vendor import Core, Refusal, authenticated, endpoint, never_answer, new_ids

NAME = "jsms"
ACCOUNT_DEFAULTS = {"receipt_batch": 1}

MAX_REPORTS = 500
BALANCE = 1_000_000

Recipient = Mapping[str, Any]


class Jsms:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ids = new_ids()

    def clear(self) -> None:
        """Nothing is kept here: what waits to be polled belongs to the accounts."""

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v1/messages", self.message),
            web.post("/v1/messages/batch", self.batch),
            web.get("/v1/report", self.report, allow_head=False),
            web.get("/v1/accounts/app", self.balance, allow_head=False),
        ]

    def no_such(self, status: int) -> Refusal:
        return rules.error(50018 if status == 405 else 50016)

    async def message(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        body = await _body(request, call)
        try:
            one = rules.message(body)
        except Refusal as error:
            raise error.about(call, _mobiles([body])) from None
        if of(one["mobile"]) is Behaviour.REJECT:
            raise rules.error(50006).about(call, [one["mobile"]])
        sent = await self._send(request, call, account, body, [one])
        return web.json_response({"msg_id": sent[0]})

    async def batch(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        body = await _body(request, call)
        try:
            recipients = rules.batch(body)
        except Refusal as error:
            raise error.about(call) from None
        sent = await self._send(request, call, account, body, recipients)
        answers = [_answer(one, msg_id) for one, msg_id in zip(recipients, sent, strict=True)]
        taken = sum(msg_id is not None for msg_id in sent)
        return web.json_response({"success_count": taken, "failure_count": len(answers) - taken, "recipients": answers})

    async def _send(
        self, request: web.Request, call: Call, account: Account, body: Recipient, recipients: Sequence[Recipient]
    ) -> list[int | None]:
        """The id of every message, None for numbers that are refused. There is no token: every call sends again."""
        mobiles = [str(one["mobile"]) for one in recipients]
        trouble = self._core.troubles.of_call(NAME, mobiles)
        if trouble is Behaviour.THROTTLE:
            raise rules.too_often(self._core.options.retry_after).about(call, mobiles)
        if trouble is Behaviour.FLAKY:
            raise rules.error(50019, result=Result.FAILED).about(call, mobiles)
        good = [rules.is_mobile(mobile) and of(mobile) is not Behaviour.REJECT for mobile in mobiles]
        ids = [next(self._ids) if valid else None for valid in good]
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        reached = [mobile for mobile, valid in zip(mobiles, good, strict=True) if valid]
        self._core.log.add(replace(call, outcome=outcome), mobiles, reached)
        early: list[Event] = []
        common = {name: body[name] for name in ("sign_id", "temp_id", "tag") if name in body}
        for one, msg_id in zip(recipients, ids, strict=True):
            if msg_id is not None:
                early += self._deliver(account, str(msg_id), one, common)
        if early:
            await self._core.receipts.send_early_and_again(account, early)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return ids

    def _deliver(self, account: Account, msg_id: str, one: Recipient, common: Mapping[str, Any]) -> list[Event]:
        """Hands out one message and plans its receipt, which is returned when it goes out before the answer."""
        phone, parameters = str(one["mobile"]), dict(one.get("temp_para") or {})
        self._core.log.receive(NAME, phone, msg_id, {**common, "temp_para": parameters})
        behaviour, now = of(phone), time.time()
        due = now + (self._core.options.late if behaviour is Behaviour.LATE else account.delay())
        if behaviour is Behaviour.DOUBLE:
            return [rules.report(msg_id, phone, rules.DELIVERED, now)]
        if behaviour is not Behaviour.SILENT:
            status = rules.PHONE_OFF if behaviour is Behaviour.UNDELIVERED else rules.DELIVERED
            self._core.receipts.expect(account, due, rules.report(msg_id, phone, status, due))
        if behaviour is Behaviour.CLICK:
            links.open_first(self._core.outbox, map(str, parameters.values()), due - now)
        return []

    async def report(self, request: web.Request) -> web.Response:
        """Each report once, and none to an account that has a callback."""
        call, account = self._begin(request)
        now = time.time()
        if now - account.last_report < account.report_interval:
            raise rules.error(50009, result=Result.THROTTLED).about(call)
        account.last_report = now
        self._core.log.add(call)
        if account.webhook_url is not None:
            return web.json_response([])
        return web.json_response([account.unread.popleft() for _ in range(min(MAX_REPORTS, len(account.unread)))])

    async def balance(self, request: web.Request) -> web.Response:
        call, _ = self._begin(request)
        self._core.log.add(call)
        return web.json_response({"app_balance": BALANCE})

    async def verify_webhook(self, account: Account) -> bool:
        """What the console does when an address is entered: it must send back the 8 characters of `echostr`."""
        echo = secrets.token_hex(4)
        url = str(account.webhook_url)
        asked = f"{url}{'&' if '?' in url else '?'}{urlencode({'echostr': echo})}"
        status, text = await self._core.outbox.ask(Parcel(NAME, asked, method="GET"))
        return status == 200 and text == echo

    def _begin(self, request: web.Request) -> tuple[Call, Account]:
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        if "Authorization" not in request.headers:
            raise rules.error(50001).about(call)
        account = authenticated(self._core, NAME, request)
        if account is not None:
            return replace(call, account=account.app_key), account
        raise rules.error(50002).about(call)


async def _body(request: web.Request, call: Call) -> Any:
    raw = await request.read()
    if not raw:
        raise rules.error(50003).about(call)
    if request.content_type != "application/json":
        raise rules.error(50017).about(call)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise rules.error(50007).about(call) from None


def _mobiles(entries: Sequence[Any]) -> list[str]:
    return [one["mobile"] for one in entries if isinstance(one, dict) and isinstance(one.get("mobile"), str)]


def _answer(one: Recipient, msg_id: int | None) -> dict[str, Any]:
    if msg_id is not None:
        return {"msg_id": str(msg_id), "mobile": one["mobile"]}
    refused = {"error_code": "50006", "error_message": rules.CODES[50006][1], "mobile": one["mobile"]}
    return refused | ({"temp_para": one["temp_para"]} if "temp_para" in one else {})
