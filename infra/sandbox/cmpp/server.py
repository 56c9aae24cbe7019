"""A CMPP gateway over TCP that speaks versions 2 and 3, as China Mobile's ISMG does: `--cmpp-port`.

Source: "CMPP V3.0.0" (QB-GF-028-2003). The bytes are those of chalicelib/providers/sms/cmpp/codec.py, which is tested with published
ones; everything else is the gateway's own: what it checks, what it answers, and when and where it reports.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field, replace

from aiohttp import web

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import Framer, Malformed
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
from infra.sandbox import links
from infra.sandbox.accounts import Account
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.cmpp import rules
from infra.sandbox.vendor import Core

NAME = "cmpp"
HOST = "127.0.0.1"
ACCOUNT_DEFAULTS: dict[str, object] = {}
WINDOW = 16
RESEND = 3.0  # seconds until what was not answered is sent again, where real gateways wait for 60
EARLY_SECONDS = 2.0
REPEAT_SECONDS = 0.5


@dataclass(eq=False)
class Connection:
    writer: asyncio.StreamWriter
    account: Account
    version: int
    unanswered: int = 0  # SUBMITs
    sequences: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, body: messages.Body, sequence: int | None = None) -> int:
        number = next(self.sequences) if sequence is None else sequence
        if not self.writer.is_closing():
            self.writer.write(codec.encode(body, number, self.version))
        return number


@dataclass(eq=False)
class Outgoing:
    """A report or reply on its way."""

    account: Account
    deliver: Deliver
    came_from: Connection | None = None
    taken: asyncio.Event = field(default_factory=asyncio.Event)


class Gateway:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._connections: list[Connection] = []
        self._waiting: dict[tuple[Connection, int], Outgoing] = {}  # DELIVERs without an answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._counter = itertools.count(int(time.time()) % 0xFFFF)
        self._parts: defaultdict[tuple[str, str, int], dict[int, str]] = defaultdict(dict)
        self.acknowledged = 0

    async def listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, HOST, port)

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
        self._parts.clear()
        self.acknowledged = 0

    # ---- the sandbox's own routes

    async def state(self, request: web.Request) -> web.Response:
        open_now: dict[str, int] = {}
        for each in self._connections:
            open_now[each.account.app_key] = open_now.get(each.account.app_key, 0) + 1
        return web.json_response(
            {
                "connections": open_now,
                "unanswered": len(self._tasks),
                "acknowledged": self.acknowledged,
            }
        )

    async def cut(self, request: web.Request) -> web.Response:
        """All connections of an account, without a goodbye."""
        account = (await request.json())["account"]
        found = [each for each in self._connections if each.account.app_key == account]
        for each in found:
            each.writer.transport.abort()
        return web.json_response({"cut": len(found)})

    async def reply(self, request: web.Request) -> web.Response:
        """A person writes: `{"account", "from", "text"}`."""
        raw = await request.json()
        account = self._core.accounts.get(NAME, raw["account"])
        text = str(raw["text"]).encode("utf-16-be")
        self._start(
            self._report(
                Outgoing(
                    account,
                    Deliver(
                        id=self._id(), to="10690", number=str(raw["from"]), content=text, format=8
                    ),
                )
            )
        )
        return web.json_response({})

    # ---- connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = None
        try:
            frames = _frames(reader)
            connection = self._greet(await anext(frames), writer)
            if connection is not None:
                self._connections.append(connection)
                async for frame in frames:
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
        open_now = sum(each.account is account for each in self._connections)
        status = rules.connect_status(body, account, open_now)
        version = messages.V3 if body.version >= messages.V3 else messages.V2
        size = 4 if version == messages.V3 else 1
        proof = codec.counter_authenticator(status, size, body.authenticator, secret)
        writer.write(codec.encode(ConnectResp(status, proof, version), sequence, version))
        outcome = Result.REFUSED if status else Result.ACCEPTED
        self._core.log.add(
            Call(
                provider=NAME,
                endpoint="CONNECT",
                outcome=outcome,
                account=body.source,
                code=str(status or ""),
            )
        )
        return None if status else Connection(writer, account, version)

    def _answer(self, connection: Connection, frame: bytes) -> bool:
        """Whether the connection goes on."""
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
        """The window of one SUBMIT."""
        try:
            await work
        finally:
            connection.unanswered -= 1

    async def _submit(
        self, connection: Connection, sequence: int, submit: Submit, too_many: bool
    ) -> None:
        account, numbers = connection.account, list(submit.numbers)
        result = 8 if too_many else rules.submit_result(submit, account.app_key)
        trouble = self._core.troubles.of_call(NAME, numbers) if not result else None
        call = Call(
            provider=NAME, endpoint="SUBMIT", outcome=Result.ACCEPTED, account=account.app_key
        )
        if result or trouble in (Behaviour.THROTTLE, Behaviour.FLAKY):
            result = result or (8 if trouble is Behaviour.THROTTLE else 3)
            outcome = {8: Result.THROTTLED, 3: Result.FAILED}.get(result, Result.REFUSED)
            self._core.log.add(replace(call, outcome=outcome, code=str(result)), numbers)
            await asyncio.sleep(account.answer_delay)
            connection.write(messages.SubmitResp(0, result), sequence)
            return
        first = self._id(len(numbers) if account.consecutive_ids else 1)
        taken = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(
            replace(call, outcome=taken, provider_id=f"{first:016x}"),
            numbers,
            numbers if submit.part == 1 else (),
        )
        early = [
            self._deliver(connection, submit, first + n * account.consecutive_ids, each)
            for n, each in enumerate(numbers)
        ]
        waits = [event.wait() for event in early if event is not None]
        if waits:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*waits), EARLY_SECONDS)
        await asyncio.sleep(account.answer_delay)
        if trouble is not Behaviour.TIMEOUT:
            connection.write(messages.SubmitResp(first, 0), sequence)

    def _deliver(
        self, connection: Connection, submit: Submit, identity: int, number: str
    ) -> asyncio.Event | None:
        """Hands out one part and plans its report; an event when the report goes out before the answer."""
        text = rules.text_of(submit)
        self._receive(connection.account, submit, number, identity, text)
        behaviour = of(number)
        if not submit.report or behaviour is Behaviour.SILENT:
            return None
        stat = "UNDELIV" if behaviour is Behaviour.UNDELIVERED else "DELIVRD"
        size = connection.account.report_bytes or (71 if connection.version == messages.V3 else 60)
        report = self._outgoing(connection, identity, number, stat, size, submit)
        if behaviour is Behaviour.DOUBLE:
            self._start(self._report(report))
            self._start(
                self._report(
                    self._outgoing(connection, identity, number, stat, size, submit), REPEAT_SECONDS
                )
            )
            return report.taken
        late = (
            self._core.options.late if behaviour is Behaviour.LATE else connection.account.delay()
        )
        self._start(self._report(report, late))
        return None

    def _receive(
        self, account: Account, submit: Submit, number: str, identity: int, text: str
    ) -> None:
        """A phone shows a message when it has all its parts."""
        reference = submit.content[3] if submit.has_header else -1
        held = self._parts[account.app_key, number, reference]
        held[submit.part] = text
        if len(held) < submit.parts:
            return
        whole = "".join(held[n] for n in sorted(held))
        del self._parts[account.app_key, number, reference]
        shown = {
            "content": whole,
            "from": submit.source,
            "format": submit.format,
            "parts": submit.parts,
        }
        self._core.log.receive(NAME, number, f"{identity:016x}", shown)
        if of(number) is Behaviour.CLICK:
            links.open_first(self._core.outbox, [whole], 0.0)

    def _outgoing(
        self,
        connection: Connection,
        identity: int,
        number: str,
        stat: str,
        size: int,
        submit: Submit,
    ) -> Outgoing:
        now = rules.stamp(datetime.datetime.now(datetime.UTC))
        content = codec.encode_report(Report(identity, stat, now, now, number), size)
        deliver = Deliver(
            id=self._id(),
            to=submit.source,
            number=number,
            content=content,
            is_report=True,
            service=submit.service,
        )
        return Outgoing(connection.account, deliver, connection)

    async def _report(self, outgoing: Outgoing, delay: float = 0.0) -> None:
        """Sent again until somebody says that it was taken, on any connection of the account."""
        await asyncio.sleep(delay)
        while not outgoing.taken.is_set():
            connection = self._pick(outgoing)
            if connection is not None:
                self._waiting[connection, connection.write(outgoing.deliver)] = outgoing
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(outgoing.taken.wait(), RESEND if connection else 0.1)

    def _pick(self, outgoing: Outgoing) -> Connection | None:
        """The one that the message came on; another one where the account is set so, or when that one is gone."""
        mine = [each for each in self._connections if each.account is outgoing.account]
        others = [each for each in mine if each is not outgoing.came_from]
        if outgoing.came_from in mine and not (outgoing.account.other_connection and others):
            return outgoing.came_from
        return others[0] if others else None

    def _id(self, numbers: int = 1) -> int:
        """Month, day, hour, minute, second, gateway 1, and a counter of which every number of a SUBMIT uses one."""
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


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    framer = Framer()
    while data := await reader.read(65_536):
        for frame in framer.feed(data):
            yield frame
