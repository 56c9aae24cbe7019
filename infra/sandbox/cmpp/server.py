"""A CMPP gateway over TCP that speaks versions 2 and 3, as China Mobile's ISMG does: `--cmpp-port`.

Source: "CMPP V3.0.0" (QB-GF-028-2003). The gateway shares the bytes of
chalicelib/providers/sms/cmpp/codec.py, which is tested with published ones. Checks, answers and
reports are the gateway's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import time
from collections.abc import Coroutine
from dataclasses import replace

from aiohttp import web

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.cmpp.messages import (
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Report,
    Submit,
)
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.cmpp import rules
from infra.sandbox.cmpp.connection import Connection, Outgoing, frames
from infra.sandbox.cmpp.phones import Phones
from infra.sandbox.vendor import Core

NAME = "cmpp"
ACCOUNT_DEFAULTS: dict[str, object] = {}
WINDOW = 16
RESEND = 3.0  # seconds until an unanswered DELIVER is sent again, 60 at real gateways
EARLY_SECONDS = 2.0
REPEAT_SECONDS = 0.5


class Gateway:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._connections: list[Connection] = []
        self._waiting: dict[tuple[Connection, int], Outgoing] = {}  # DELIVERs without an answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._counter = itertools.count(int(time.time()) % 0xFFFF)
        self._phones = Phones(core, NAME)
        self.acknowledged = 0
        self._pace = core.options.pace

    async def listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self._core.options.host, port)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sandbox/cmpp", self.state),
            web.post("/_sandbox/cmpp/cut", self.cut),
            web.post("/_sandbox/cmpp/reply", self.reply),
        ]

    def clear(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        self._waiting.clear()
        self._phones.clear()
        self.acknowledged = 0

    # ---- the sandbox's own routes

    async def state(self, request: web.Request) -> web.Response:
        open_now: dict[str, int] = {}
        for connection in self._connections:
            app_key = connection.account.app_key
            open_now[app_key] = open_now.get(app_key, 0) + 1
        return web.json_response(
            {
                "connections": open_now,
                "unanswered": len(self._tasks),
                "acknowledged": self.acknowledged,
            }
        )

    async def cut(self, request: web.Request) -> web.Response:
        """Cut all connections of an account, without a goodbye."""
        account = (await request.json())["account"]
        connections = [
            connection for connection in self._connections if connection.account.app_key == account
        ]
        for connection in connections:
            connection.writer.transport.abort()
        return web.json_response({"cut": len(connections)})

    async def reply(self, request: web.Request) -> web.Response:
        """Deliver a text from a person. Body: `{"account", "from", "text", "to"?}`."""
        raw = await request.json()
        account = self._core.accounts.get(NAME, raw["account"])
        text = str(raw["text"]).encode("utf-16-be")
        number = str(raw["from"])
        to = str(raw.get("to", "10690"))
        deliver = Deliver(id=self._id(), to=to, number=number, content=text, format=8)
        self._start(self._report(Outgoing(account, deliver)))
        return web.json_response({})

    # ---- connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = None
        try:
            received = frames(reader)
            connection = self._greet(await anext(received), writer)
            if connection is not None:
                self._connections.append(connection)
                async for frame in received:
                    if not self._answer(connection, frame):
                        break
                    await writer.drain()
        except (Malformed, ConnectionError, StopAsyncIteration):
            pass
        finally:
            if connection in self._connections:
                self._connections.remove(connection)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _greet(self, frame: bytes, writer: asyncio.StreamWriter) -> Connection | None:
        sequence, body = codec.decode(frame, messages.V2)
        if not isinstance(body, Connect):
            return None
        account = self._core.accounts.get(NAME, body.source)
        secret = account.master_secret or ""
        open_now = sum(connection.account is account for connection in self._connections)
        status = rules.connect_status(body, account, open_now)
        version = messages.V3 if body.version >= messages.V3 else messages.V2
        size = account.status_bytes or (4 if version == messages.V3 else 1)
        proof = codec.counter_authenticator(status, size, body.authenticator, secret)
        writer.write(codec.encode(ConnectResp(status, proof, version), sequence, version))
        call = Call(
            provider=NAME,
            endpoint="CONNECT",
            outcome=Result.REFUSED if status else Result.ACCEPTED,
            account=body.source,
            code=str(status or ""),
        )
        self._core.log.add(call)
        return None if status else Connection(writer, account, version)

    def _answer(self, connection: Connection, frame: bytes) -> bool:
        """Answer a frame, and return True if the connection goes on."""
        sequence, body = codec.decode(frame, connection.version)
        if isinstance(body, Submit):
            too_many = connection.unanswered >= WINDOW
            connection.unanswered += 1
            self._start(self._count(connection, self._submit(connection, sequence, body, too_many)))
        elif isinstance(body, DeliverResp):
            outgoing = self._waiting.pop((connection, sequence), None)
            if outgoing is not None and body.result == 0:
                self.acknowledged += 1
                outgoing.taken.set()
        elif isinstance(body, Plain) and body.command == Command.ACTIVE_TEST:
            connection.write(Plain(Command.ACTIVE_TEST_RESP), sequence)
        elif isinstance(body, Plain) and body.command == Command.TERMINATE:
            connection.write(Plain(Command.TERMINATE_RESP), sequence)
            return False
        return True

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- SUBMIT

    async def _count(self, connection: Connection, work: Coroutine[None, None, None]) -> None:
        """Do the work of one SUBMIT, which then leaves the window."""
        try:
            await work
        finally:
            connection.unanswered -= 1

    async def _submit(
        self, connection: Connection, sequence: int, submit: Submit, too_many: bool
    ) -> None:
        account, numbers = connection.account, list(submit.numbers)
        too_many |= 0 < account.largest_group < len(numbers)
        result = 8 if too_many else rules.submit_result(submit, account.app_key)
        trouble = self._core.troubles.of_call(NAME, numbers) if not result else None
        if trouble in (Behaviour.THROTTLE, Behaviour.FLAKY):
            result = 8 if trouble is Behaviour.THROTTLE else 3
        call = Call(
            provider=NAME, endpoint="SUBMIT", outcome=Result.ACCEPTED, account=account.app_key
        )
        if result:
            outcome = {8: Result.THROTTLED, 3: Result.FAILED}.get(result, Result.REFUSED)
            self._core.log.add(replace(call, outcome=outcome, code=str(result)), numbers)
            await asyncio.sleep(account.answer_delay)
            connection.write(messages.SubmitResp(0, result), sequence)
            return
        first = self._id(len(numbers) if account.consecutive_ids else 1)
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        call = replace(call, outcome=outcome, provider_id=f"{first:016x}")
        self._core.log.add(call, numbers, numbers if submit.part == 1 else ())
        await self._deliver(connection, submit, first)
        await asyncio.sleep(account.answer_delay)
        if trouble is not Behaviour.TIMEOUT:
            connection.write(messages.SubmitResp(first, 0), sequence)

    async def _deliver(self, connection: Connection, submit: Submit, first: int) -> None:
        """Hand out one part to its numbers, and await the reports that precede the answer."""
        early: list[asyncio.Event] = []
        for index, number in enumerate(submit.numbers):
            identity = rules.following(first, index * connection.account.consecutive_ids)
            self._phones.receive(connection.account, submit, number, identity)
            if submit.report and of(number) is not Behaviour.SILENT:
                early += self._plan_report(connection, submit, identity, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(
                asyncio.gather(*(event.wait() for event in early)), EARLY_SECONDS * self._pace
            )

    def _plan_report(
        self, connection: Connection, submit: Submit, identity: int, number: str
    ) -> list[asyncio.Event]:
        """Plan the report of one part. Return its event if the report precedes the answer."""
        behaviour = of(number)
        report = self._outgoing(connection, submit, identity, number)
        if behaviour is Behaviour.DOUBLE:
            repeat = self._outgoing(connection, submit, identity, number)
            self._start(self._report(report))
            self._start(self._report(repeat, REPEAT_SECONDS * self._pace))
            return [report.taken]
        is_late = behaviour is Behaviour.LATE
        delay = self._core.options.late if is_late else connection.account.delay()
        self._start(self._report(report, delay))
        return []

    def _outgoing(
        self, connection: Connection, submit: Submit, identity: int, number: str
    ) -> Outgoing:
        account, now = connection.account, rules.stamp(datetime.datetime.now(datetime.UTC))
        is_lost = of(number) is Behaviour.UNDELIVERED
        stat = account.failure or "UNDELIV" if is_lost else "DELIVRD"
        size = account.report_bytes or (71 if connection.version == messages.V3 else 60)
        number = "" if account.nameless_reports else number
        content = codec.encode_report(Report(identity, stat, now, now, number), size)
        deliver = Deliver(
            id=self._id(),
            to=submit.source,
            number=number,
            content=content,
            is_report=True,
            service=submit.service,
        )
        return Outgoing(account, deliver, connection)

    async def _report(self, outgoing: Outgoing, delay: float = 0.0) -> None:
        """Send a report (DELIVER) again until a connection of the account acknowledges it."""
        await asyncio.sleep(delay)
        while not outgoing.taken.is_set():
            connection = self._pick(outgoing)
            if connection is not None:
                self._waiting[connection, connection.write(outgoing.deliver)] = outgoing
            with contextlib.suppress(TimeoutError):
                seconds = RESEND * self._pace if connection else 0.1
                await asyncio.wait_for(outgoing.taken.wait(), seconds)

    def _pick(self, outgoing: Outgoing) -> Connection | None:
        """Return the connection of the message, or another one.

        Another connection is right if the account is set so, or if the message's one is gone.
        """
        account, origin = outgoing.account, outgoing.origin
        usable = [connection for connection in self._connections if connection.account is account]
        others = [connection for connection in usable if connection is not origin]
        if origin in usable and not (account.other_connection and others):
            return origin
        return others[0] if others else None

    def _id(self, numbers: int = 1) -> int:
        """Build an id of month, day, hour, minute, second, gateway 1, and a counter.

        Every number of a SUBMIT uses a value of the counter.
        """
        at, first = datetime.datetime.now(datetime.UTC), next(self._counter)
        for _ in range(numbers - 1):
            next(self._counter)
        high = (
            at.month << 60
            | at.day << 55
            | at.hour << 50
            | at.minute << 44
            | at.second << 38
            | 1 << 16
        )
        return high | first & 0xFFFF
