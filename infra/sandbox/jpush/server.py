"""JPush v3 (app push) under `/jpush`.

Sources: "Push API v3" and "Advanced API" (cid, withdrawal), https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push and
…/rest_api_v3_push_advanced; "Report API v3", …/rest_api_v3_report; "Callback", …/rest_api_v3_callback, which does not publish the
format of receipts: they are posted in the shape that a community receiver reads, `{"appKey", "data": [event]}`.
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
MAX_CIDS = 10  # of an application without VIP, whatever it asks for
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
        made, answer = self._answers.get((account.app_key, call.token), (0.0, {}))
        if call.token and time.time() - made < CID_LIFE:
            self._core.log.add(
                replace(call, outcome=Result.DUPLICATE, provider_id=answer["msg_id"]), targets
            )
            return web.json_response(answer)
        trouble = self._core.troubles.of_call(NAME, targets)
        if trouble is Behaviour.THROTTLE:
            raise rules.too_often(self._core.options.retry_after, FREE_QUOTA).about(call, targets)
        if trouble is Behaviour.FLAKY:
            raise rules.error(1000, "System error", result=Result.FAILED).about(call, targets)
        msg_id = next(self._ids)
        reached = [target for target in targets if of(target) is not Behaviour.REJECT]
        if not reached:
            raise rules.no_target(msg_id).about(call, targets)
        answer = {"sendno": _sendno(body), "msg_id": str(msg_id)}
        if call.token:
            self._answers[account.app_key, call.token] = (time.time(), answer)
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(
            replace(call, outcome=outcome, provider_id=str(msg_id)), targets, reached
        )
        early = self._deliver(account, str(msg_id), body, reached)
        if early:
            await self._core.receipts.send_early_and_again(account, early)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(answer, headers={"X-JPush-MsgId": str(msg_id)})

    def _deliver(
        self, account: Account, msg_id: str, body: dict[str, Any], reached: list[str]
    ) -> list[Event]:
        """Hands out the message and plans its receipts; those that go out before the answer are returned."""
        now = time.time()
        early: list[Event] = []
        content = {name: body[name] for name in ("notification", "message") if name in body}
        message = self._messages[msg_id] = Message(account.app_key, dict.fromkeys(reached, NEVER))
        expect = self._core.receipts.expect
        for target in reached:
            self._core.log.receive(NAME, target, msg_id, content)
            behaviour, due = of(target), now + account.delay()
            if behaviour is Behaviour.SILENT:
                continue
            if behaviour is Behaviour.UNDELIVERED:
                expect(account, due, event(msg_id, UNDELIVERED, target, due))
                continue
            if behaviour is Behaviour.DOUBLE:
                due = now
                early.append(event(msg_id, RECEIVED, target, due))
            else:
                due = now + self._core.options.late if behaviour is Behaviour.LATE else due
                expect(account, due, event(msg_id, RECEIVED, target, due))
            message.delivered[target] = due
            if behaviour is Behaviour.CLICK:
                expect(
                    account, due + OPENED_AFTER, event(msg_id, CLICKED, target, due + OPENED_AFTER)
                )
        return early

    async def validate(self, request: web.Request) -> web.Response:
        """All checks of a push, and nothing sent."""
        call, _, body, targets = await self._read_push(request)
        self._core.log.add(call, targets)
        return web.json_response({"sendno": _sendno(body), "msg_id": str(next(self._ids))})

    async def cids(self, request: web.Request) -> web.Response:
        call, account = self._begin(request)
        count, kind = request.query.get("count", "1"), request.query.get("type", "push")
        if not count.isdecimal() or int(count) < 1 or kind not in ("push", "schedule"):
            raise rules.error(1003, "Invalid count or type").about(call)
        self._core.log.add(call)
        return web.json_response(
            {
                "cidlist": [
                    f"{account.app_key}-{uuid.uuid4()}" for _ in range(min(int(count), MAX_CIDS))
                ]
            }
        )

    async def withdraw(self, request: web.Request) -> web.Response:
        """What is not delivered yet stays away. The document says neither what is answered nor with which codes: a guess."""
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
        if (
            not isinstance(ids, list)
            or not 0 < len(ids) <= rules.MAX_TARGETS
            or not all(isinstance(one, str) for one in ids)
        ):
            raise rules.error(1003, "Invalid registration_ids").about(call)
        self._core.log.add(call)
        message, now = self._message(account, str(body.get("msg_id"))), time.time()
        return web.json_response({one: {"status": state(message, one, now)} for one in ids})

    async def received(self, request: web.Request) -> web.Response:
        call, account = self._begin(request, report=True)
        ids = [one for one in request.query.get("msg_ids", "").split(",") if one]
        if not 0 < len(ids) <= MAX_REPORTS:
            raise rules.error(1003, "Invalid msg_ids").about(call)
        self._core.log.add(call)
        now, found = time.time(), {one: self._message(account, one) for one in ids}
        return web.json_response(
            [
                {"msg_id": one, "jpush_received": message.received(now)}
                for one, message in found.items()
                if message
            ]
        )

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
        error = (
            rules.error(3001, "Basic authentication failed")
            if report
            else rules.error(1004, "Authen failed")
        )
        raise error.about(call)


def _sendno(body: dict[str, Any]) -> str:
    return str(body.get("options", {}).get("sendno", 0))


async def _json(request: web.Request) -> Any:
    """None for what is not JSON, which no rule accepts."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None
