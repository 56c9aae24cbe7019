"""JPush v3 (app push) under `/jpush`.

Sources: "Push API v3", https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push,
"Advanced API" (cid, withdrawal), …/rest_api_v3_push_advanced,
"Report API v3", …/rest_api_v3_report, and "Callback", …/rest_api_v3_callback.

"Callback" does not publish the format of receipts. Receipts have the format that a community
receiver reads, `{"appKey", "data": [event]}`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.jpush import rules
from infra.sandbox.jpush.receipts import (
    CLICKED,
    NEVER,
    RECEIVED,
    UNDELIVERED,
    Message,
    event,
    state,
)
from infra.sandbox.links import OPENED_AFTER
from infra.sandbox.vendor import Core, Refusal, authenticated, endpoint, never_answer, new_ids

NAME = "jpush"
ACCOUNT_DEFAULTS = {"receipt_batch": 100}

FREE_QUOTA = 600  # pushes a minute of a free application
CID_LIFE = 86_400
MAX_CIDS = 10  # for an application without VIP, also if it requests more
MAX_REPORTS = 100


class JPush:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ids = new_ids()
        self.clear()

    def clear(self) -> None:
        self._messages: dict[str, Message] = {}
        self._answers: dict[tuple[str, str], tuple[float, dict[str, str]]] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v3/push", self.push),
            web.post("/v3/push/validate", self.validate),
            web.get("/v3/push/cid", self.cids, allow_head=False),
            web.delete("/v3/push/{msg_id}", self.withdraw),
            web.post("/v3/status/message", self.status),
            web.get("/v3/received/detail", self.received, allow_head=False),
        ]

    def no_such(self, status: int) -> Refusal:
        error = rules.error(1001, "Only POST is supported" if status == 405 else "No such API")
        error.status = status
        return error

    async def push(self, request: web.Request) -> web.Response:
        call, account, body, targets = await self._read_push(request)
        answered_at, answer = self._answers.get((account.app_key, call.token), (0.0, {}))
        if call.token and time.time() - answered_at < CID_LIFE:
            call = replace(call, outcome=Result.DUPLICATE, provider_id=answer["msg_id"])
            self._core.log.add(call, targets)
            return web.json_response(answer)
        trouble = self._trouble(call, targets)
        msg_id = str(next(self._ids))
        reached = [target for target in targets if of(target) is not Behaviour.REJECT]
        if not reached:
            raise rules.no_target(int(msg_id)).about(call, targets)
        answer = {"sendno": _sendno(body), "msg_id": msg_id}
        if call.token:
            self._answers[account.app_key, call.token] = (time.time(), answer)
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome, provider_id=msg_id), targets, reached)
        early = self._deliver(account, msg_id, body, reached)
        if early:
            await self._core.receipts.send_early_and_again(account, early)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(answer, headers={"X-JPush-MsgId": msg_id})

    def _trouble(self, call: Call, targets: list[str]) -> Behaviour | None:
        trouble = self._core.troubles.of_call(NAME, targets)
        if trouble is Behaviour.THROTTLE:
            raise rules.too_often(self._core.options.retry_after, FREE_QUOTA).about(call, targets)
        if trouble is Behaviour.FLAKY:
            raise rules.error(1000, "System error", result=Result.FAILED).about(call, targets)
        return trouble

    def _deliver(
        self, account: Account, msg_id: str, body: dict[str, Any], reached: list[str]
    ) -> list[Event]:
        """Hand out the message and plan its receipts. Return those that precede the answer."""
        now = time.time()
        early: list[Event] = []
        content = {name: body[name] for name in ("notification", "message") if name in body}
        message = self._messages[msg_id] = Message(account.app_key, dict.fromkeys(reached, NEVER))
        for target in reached:
            self._core.log.receive(NAME, target, msg_id, content, "app")
            behaviour, due = of(target), now + account.delay()
            if behaviour is Behaviour.DOUBLE:
                message.delivered[target] = now
                early.append(event(msg_id, RECEIVED, target, now))
                continue
            if behaviour is Behaviour.LATE:
                due = now + self._core.options.late
            if behaviour not in (Behaviour.SILENT, Behaviour.UNDELIVERED):
                message.delivered[target] = due
            self._expect(account, msg_id, target, due)
        return early

    def _expect(self, account: Account, msg_id: str, target: str, due: float) -> None:
        """Plan the receipts that follow the answer."""
        behaviour, expect = of(target), self._core.receipts.expect
        if behaviour is Behaviour.SILENT:
            return
        kind = UNDELIVERED if behaviour is Behaviour.UNDELIVERED else RECEIVED
        expect(account, due, event(msg_id, kind, target, due))
        if behaviour is Behaviour.CLICK:
            opened = due + OPENED_AFTER
            expect(account, opened, event(msg_id, CLICKED, target, opened))

    async def validate(self, request: web.Request) -> web.Response:
        """Check a push without sending it."""
        call, _, body, targets = await self._read_push(request)
        self._core.log.add(call, targets)
        return web.json_response({"sendno": _sendno(body), "msg_id": str(next(self._ids))})

    async def cids(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        count, kind = request.query.get("count", "1"), request.query.get("type", "push")
        if not count.isdecimal() or int(count) < 1 or kind not in ("push", "schedule"):
            raise rules.error(1003, "Invalid count or type").about(call)
        self._core.log.add(call)
        number = min(int(count), MAX_CIDS)
        cids = [f"{account.app_key}-{uuid.uuid4()}" for _ in range(number)]
        return web.json_response({"cidlist": cids})

    async def withdraw(self, request: web.Request) -> web.Response:
        """Stop the deliveries that are still due.

        Answer and codes are a guess, because the document names neither.
        """
        call, account = self._begin(request)
        msg_id = request.match_info["msg_id"]
        message = self._message(account, msg_id)
        if message is None:
            raise rules.error(1003, "Invalid msg_id").about(call)
        self._core.receipts.drop(lambda receipt: receipt.get("msg_id") == msg_id)
        message.withdraw(time.time())
        self._core.log.add(replace(call, provider_id=msg_id))
        return web.json_response({})

    async def status(self, request: web.Request) -> web.Response:
        call, account = self._begin(request, report=True)
        body = await _json(request)
        ids = body.get("registration_ids") if isinstance(body, dict) else None
        invalid = rules.error(1003, "Invalid registration_ids").about(call)
        if not isinstance(ids, list) or not 0 < len(ids) <= rules.MAX_TARGETS:
            raise invalid
        if not all(isinstance(target, str) for target in ids):
            raise invalid
        self._core.log.add(call)
        message, now = self._message(account, str(body.get("msg_id"))), time.time()
        states = {target: {"status": state(message, target, now)} for target in ids}
        return web.json_response(states)

    async def received(self, request: web.Request) -> web.Response:
        call, account = self._begin(request, report=True)
        ids = [msg_id for msg_id in request.query.get("msg_ids", "").split(",") if msg_id]
        if not 0 < len(ids) <= MAX_REPORTS:
            raise rules.error(1003, "Invalid msg_ids").about(call)
        self._core.log.add(call)
        now = time.time()
        messages = {msg_id: self._message(account, msg_id) for msg_id in ids}
        reports = [
            {"msg_id": msg_id, "jpush_received": message.received(now)}
            for msg_id, message in messages.items()
            if message
        ]
        return web.json_response(reports)

    def _message(self, account: Account, msg_id: str) -> Message | None:
        message = self._messages.get(msg_id)
        return message if message is not None and message.app_key == account.app_key else None

    async def _read_push(
        self, request: web.Request
    ) -> tuple[Call, Account, dict[str, Any], list[str]]:
        call, account = self._begin(request)
        seconds = account.seconds_to_wait()
        if seconds:
            raise rules.too_often(seconds, account.rate_limit).about(call)
        body = await _json(request)
        try:
            targets = rules.targets(body)
        except Refusal as error:
            raise error.about(call) from None
        return replace(call, token=body.get("cid", "")), account, body, targets

    def _begin(self, request: web.Request, *, report: bool = False) -> tuple[Call, Account]:
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        account = authenticated(self._core, NAME, request)
        if account is not None:
            return replace(call, account=account.app_key), account
        if report:
            raise rules.error(3001, "Basic authentication failed").about(call)
        raise rules.error(1004, "Authen failed").about(call)


def _sendno(body: dict[str, Any]) -> str:
    return str(body.get("options", {}).get("sendno", 0))


async def _json(request: web.Request) -> Any:
    """Read the body. Return None, which every rule refuses, if it is not JSON."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None
