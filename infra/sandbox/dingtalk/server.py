"""DingTalk work notices under `/dingtalk`: a task per call, its results over time, its recall.

Sources: https://developer.alibaba.com/docs/api.htm?apiId=37692, …?apiId=37024.
A user does not get the same notice twice within a day. Only the task's result shows the refusal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from infra.sandbox import links
from infra.sandbox.access_tokens import AccessTokens, texts_of
from infra.sandbox.accounts import Account
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.dingtalk import rules
from infra.sandbox.vendor import Core, Refusal, compact, endpoint, never_answer, new_ids

NAME = "dingtalk"
ACCOUNT_DEFAULTS: dict[str, Any] = {}
DAY = 86400

LISTS = {
    Behaviour.REJECT: "invalid_user_id_list",
    Behaviour.UNDELIVERED: "failed_user_id_list",
    Behaviour.CLICK: "read_user_id_list",
}


@dataclass
class Task:
    account: Account
    users: Sequence[str]
    repeated: frozenset[str]
    begun: float
    due: dict[str, float]  # the time of a user's result


class DingTalk:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tokens = AccessTokens(core, NAME)
        self._ids = new_ids()
        self.clear()

    def clear(self) -> None:
        self._tasks: dict[int, Task] = {}
        self._had: dict[tuple[str, str, str], float] = {}  # time by application, user and notice

    def routes(self) -> Sequence[web.RouteDef]:
        path = "/topapi/message/corpconversation"
        return [
            web.get("/gettoken", self.token, allow_head=False),
            web.post(f"{path}/asyncsend_v2", self.notice),
            web.post(f"{path}/getsendprogress", self.progress),
            web.post(f"{path}/getsendresult", self.result),
            web.post(f"{path}/recall", self.recall),
        ]

    def no_such(self, status: int) -> Refusal:
        return rules.error(22)

    async def token(self, request: web.Request) -> web.Response:
        return self._tokens.answer(
            request,
            "appkey",
            "appsecret",
            bad_id=rules.error(40089),
            bad_secret=rules.error(40089),
        )

    async def notice(self, request: web.Request) -> web.Response:
        call, account, body = await self._begin(request)
        try:
            users = rules.check(body, account.agent_id)
        except Refusal as error:
            raise error.about(call) from None
        trouble = self._core.troubles.of_call(NAME, users)
        if trouble is Behaviour.THROTTLE:
            raise rules.busy(self._core.options.retry_after).about(call, users)
        if trouble is Behaviour.FLAKY:
            raise rules.error(-1, result=Result.FAILED).about(call, users)
        task_id = self._take(call, account, body["msg"], users, late=trouble is Behaviour.TIMEOUT)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response(
            {"errcode": 0, "errmsg": "ok", "task_id": task_id, "request_id": "r"}
        )

    def _take(
        self, call: Call, account: Account, msg: dict[str, Any], users: Sequence[str], *, late: bool
    ) -> int:
        """Hand the notice out to the users who have not had it within a day."""
        task_id, now, text = next(self._ids), time.time(), compact(msg)
        repeated = frozenset(
            user for user in users if now - self._had.get((account.app_key, user, text), 0.0) < DAY
        )
        reached = [
            user for user in users if user not in repeated and of(user) is not Behaviour.REJECT
        ]
        outcome = Result.TIMEOUT if late else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome, provider_id=str(task_id)), users, reached)
        due = {
            user: now + (self._core.options.late if of(user) is Behaviour.LATE else account.delay())
            for user in users
        }
        for user in reached:
            self._had[account.app_key, user, text] = now
            self._core.log.receive(NAME, user, str(task_id), msg, "dingtalk_cc")
            if of(user) is Behaviour.CLICK:
                links.open_first(self._core.outbox, texts_of(msg), due[user] - now, NAME)
        self._tasks[task_id] = Task(account, users, repeated, now, due)
        return task_id

    async def progress(self, request: web.Request) -> web.Response:
        call, _, task = await self._task(request, "task_id")
        known = sum(time.time() >= due for due in task.due.values()) * 100 // len(task.due)
        self._core.log.add(call)
        progress = {"progress_in_percent": known, "status": 2 if known == 100 else 1}
        return web.json_response(
            {"errcode": 0, "errmsg": "ok", "progress": progress, "request_id": "r"}
        )

    async def result(self, request: web.Request) -> web.Response:
        call, _, task = await self._task(request, "task_id")
        lists: dict[str, list[Any]] = {
            name: [] for name in (*LISTS.values(), "unread_user_id_list", "forbidden_user_id_list")
        }
        for user in task.users:
            if user in task.repeated:
                lists["forbidden_user_id_list"].append(user)
                lists.setdefault("forbidden_list", []).append(
                    {"code": rules.REPEATED, "count": 1, "userid": user}
                )
            elif of(user) is not Behaviour.SILENT and time.time() >= task.due[user]:
                lists[LISTS.get(of(user), "unread_user_id_list")].append(user)
                if of(user) is Behaviour.DOUBLE:
                    lists["read_user_id_list"].append(user)
        self._core.log.add(call)
        return web.json_response(
            {"errcode": 0, "errmsg": "ok", "send_result": lists, "request_id": "r"}
        )

    async def recall(self, request: web.Request) -> web.Response:
        call, task_id, _ = await self._task(request, "msg_task_id")
        del self._tasks[task_id]
        self._core.log.add(replace(call, provider_id=str(task_id)))
        return web.json_response({"errcode": 0, "errmsg": "ok", "request_id": "r"})

    async def _task(self, request: web.Request, name: str) -> tuple[Call, int, Task]:
        """Return the account's task that a request names. Refuse tasks older than a day."""
        call, account, body = await self._begin(request)
        try:
            rules.check_agent(body if isinstance(body, dict) else {}, account.agent_id)
        except Refusal as error:
            raise error.about(call) from None
        task = self._tasks.get(body.get(name)) if isinstance(body.get(name), int) else None
        if task is None or task.account is not account or time.time() - task.begun > DAY:
            raise rules.error(41).about(call)
        return call, body[name], task

    async def _begin(self, request: web.Request) -> tuple[Call, Account, Any]:
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
        try:
            return call, account, json.loads(await request.read())
        except (ValueError, RecursionError):
            raise rules.error(47001).about(call) from None
