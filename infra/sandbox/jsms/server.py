"""JSMS (SMS) under `/jsms`: template messages, single or in batches, and their receipts.

Receipts and people's replies come by callback or poll.
Sources: "SMS API", "Balance", "Receipts" and "Callback",
https://docs.jiguang.cn/jsms/server/rest_api_jsms, …/rest_jsms_api_account,
…/rest_api_jsms_inquire, …/callback.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.jsms import rules
from infra.sandbox.jsms.registry import Registry
from infra.sandbox.outbox import Parcel
from infra.sandbox.sms import SmsPlatform, Text, pulled
from infra.sandbox.vendor import Core, Refusal, authenticated

NAME = "jsms"
ACCOUNT_DEFAULTS = {"receipt_batch": 1}

MAX_PULLED = 500
BALANCE = 1_000_000

Recipient = Mapping[str, Any]


class Jsms(SmsPlatform):
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._registry = Registry(core, self._begin)

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            *self._registry.routes(),
            web.post("/v1/messages", self.message),
            web.post("/v1/messages/batch", self.batch),
            web.get("/v1/report", self.reports, allow_head=False),
            web.get("/v1/reply", self.replies, allow_head=False),
            web.get("/v1/accounts/app", self.balance, allow_head=False),
        ]

    def no_such(self, status: int) -> Refusal:
        return rules.error(50018 if status == 405 else 50016)

    async def message(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        body = await _body(request, call)
        try:
            message = rules.message(body)
            self._registry.check(account, body)
        except Refusal as error:
            raise error.about(call, _mobile(body)) from None
        if of(message["mobile"]) is Behaviour.REJECT:
            raise rules.error(50006).about(call, [message["mobile"]])
        (msg_id,) = await self._send(request, call, account, body, [message])
        return web.json_response({"msg_id": msg_id})

    async def batch(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        body = await _body(request, call)
        try:
            recipients = rules.batch(body)
            self._registry.check(account, body)
        except Refusal as error:
            raise error.about(call) from None
        ids = await self._send(request, call, account, body, recipients)
        answers = [_answer(*answered) for answered in zip(recipients, ids, strict=True)]
        taken = sum(msg_id is not None for msg_id in ids)
        return web.json_response(
            {"success_count": taken, "failure_count": len(answers) - taken, "recipients": answers}
        )

    async def _send(
        self,
        request: web.Request,
        call: Call,
        account: Account,
        body: Recipient,
        recipients: Sequence[Recipient],
    ) -> list[int | None]:
        """Return the ids of the messages, None for refused numbers."""
        mobiles = [str(recipient["mobile"]) for recipient in recipients]
        ids = [next(self._ids) if _is_accepted(mobile) else None for mobile in mobiles]
        common = {name: body[name] for name in ("sign_id", "temp_id", "tag") if name in body}
        texts = [
            _text(str(msg_id), recipient, common)
            for recipient, msg_id in zip(recipients, ids, strict=True)
            if msg_id is not None
        ]
        throttled = rules.too_often(self._core.options.retry_after)
        failed = rules.error(50019, result=Result.FAILED)
        await self._take(request, call, account, mobiles, texts, throttled, failed)
        return ids

    async def reports(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        account.last_report = self._not_too_often(call, account, account.last_report)
        return self._pulled(call, account, account.unread)

    async def replies(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        account.last_reply = self._not_too_often(call, account, account.last_reply)
        return self._pulled(call, account, account.replies)

    def _not_too_often(self, call: Call, account: Account, last: float) -> float:
        """Return the current time, or refuse a poll too soon after `last`."""
        now = time.time()
        if now - last < account.report_interval:
            raise rules.error(50009, result=Result.THROTTLED).about(call)
        return now

    def _pulled(self, call: Call, account: Account, waiting: deque[Event]) -> web.Response:
        """Answer with the waiting events. An account with a callback has none to pull."""
        self._core.log.add(call)
        return web.json_response(pulled(waiting, MAX_PULLED) if account.webhook_url is None else [])

    async def balance(self, request: web.Request) -> web.Response:
        call, _ = self._begin(request)
        self._core.log.add(call)
        return web.json_response({"app_balance": BALANCE})

    async def verify_webhook(self, account: Account) -> bool:
        """Verify an address as the console does: it must send `echostr` (8 characters) back."""
        echo = secrets.token_hex(4)
        url = str(account.webhook_url)
        url += f"{'&' if '?' in url else '?'}{urlencode({'echostr': echo})}"
        status, text = await self._core.outbox.ask(Parcel(NAME, url, method="GET"))
        return status == 200 and text == echo

    def _begin(self, request: web.Request) -> tuple[Call, Account]:
        call = self._call(request)
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


def _mobile(body: Any) -> list[str]:
    """Return the number of a body that may be malformed, if it has one."""
    mobile = body.get("mobile") if isinstance(body, dict) else None
    return [mobile] if isinstance(mobile, str) else []


def _is_accepted(mobile: str) -> bool:
    return rules.is_mobile(mobile) and of(mobile) is not Behaviour.REJECT


def _text(msg_id: str, recipient: Recipient, common: Mapping[str, Any]) -> Text:
    phone, parameters = str(recipient["mobile"]), dict(recipient.get("temp_para") or {})

    def reports(behaviour: Behaviour, at: float) -> Sequence[Event]:
        status = rules.PHONE_OFF if behaviour is Behaviour.UNDELIVERED else rules.DELIVERED
        return [rules.report(msg_id, phone, status, at)]

    content = {**common, "temp_para": parameters}
    values = [str(value) for value in parameters.values()]
    return Text(phone, msg_id, content, values, reports)


def _answer(recipient: Recipient, msg_id: int | None) -> dict[str, Any]:
    mobile = recipient["mobile"]
    if msg_id is not None:
        return {"msg_id": str(msg_id), "mobile": mobile}
    refused = {"error_code": "50006", "error_message": rules.CODES[50006][1], "mobile": mobile}
    return refused | {name: recipient[name] for name in ("temp_para",) if name in recipient}
