"""CMPP (China Mobile Peer to Peer, 2.0 and 3.0): SMS over connections that stay open, from a worker of its own (cmpp_worker.py).

Source: "CMPP V3.0.0" (QB-GF-028-2003). CMPP has no idempotency token: what happens with a SUBMIT whose answer stayed away is the
operator's choice per channel. A long message goes in parts, each with an id and a report of its own: it is delivered when all are.
"""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
)
from chalicelib.ports import Session
from chalicelib.providers.base import (
    PLACEHOLDER,
    PlainProvider,
    PlainSession,
    check_names,
    required_text,
)
from chalicelib.providers.sms.cmpp import receipts
from chalicelib.providers.sms.cmpp import settings as cmpp_settings
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.codec import MAX_NUMBERS, Submit
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.cmpp.gateway import (
    USUAL,
    Connection,
    Gateway,
    Incoming,
    Stream,
    Waits,
)
from chalicelib.providers.sms.cmpp.settings import Settings
from chalicelib.providers.sms.cmpp.text import Part
from chalicelib.web.egress import Policy

WORKER = "cmpp"
PAUSE = 1.0  # seconds before what was throttled is sent again, when other parts or numbers of its call have gone
THROTTLED = 8

# Result of SUBMIT_RESP. 9 and 13 are about the numbers, without saying which. What is not listed is the gateway's own: refused.
RESULTS: Mapping[int, type[ProviderError]] = {
    1: Rejected,  # structure
    2: Misconfigured,  # command
    3: Unavailable,  # sequence repeated
    4: Rejected,  # length
    5: Misconfigured,  # fee code
    6: Rejected,  # too long
    7: Misconfigured,  # service code
    THROTTLED: Throttled,
    10: Misconfigured,  # Src_Id: the access number
    11: Misconfigured,  # Msg_src: the account
    12: Misconfigured,  # Fee_terminal_Id
}
BAD_NUMBER = frozenset({9, 13})

_NUMBER = re.compile(r"\+?[0-9]{5,20}", re.ASCII)
_references = itertools.count(random.randrange(256))  # noqa: S311 - tells messages apart, keeps no secret


class Clock(Protocol):
    """The clock by which a call waits: module `time`, or a clock of a test."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class Cmpp(PlainProvider):
    """Implements Provider."""

    capabilities = Capabilities(
        type=ChannelType.SMS,
        platform="cmpp",
        call_size=MAX_NUMBERS,
        content_per_recipient=False,
        provider_ids=ProviderIds.PER_RECIPIENT,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        credentials=cmpp_settings.CREDENTIALS,
        options=cmpp_settings.OPTIONS,
        worker=WORKER,
    )

    def __init__(self, policy: Policy, timeout: float = 10.0, waits: Waits = USUAL) -> None:
        self._policy, self._timeout, self._waits = policy, timeout, waits

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        cmpp_settings.check(raw, options)

    def check_content(self, content: Mapping[str, Any]) -> None:
        check_names(content, ("content",), "")
        text = PLACEHOLDER.sub("", required_text(content, "content", limit=20_000))
        if (
            len(cmpp_text.parts(text, "gsm", 0)) > cmpp_text.MAX_PARTS
        ):  # whatever the gateway's alphabet, it is at least so many
            raise Invalid("content", f"must fit into {cmpp_text.MAX_PARTS} SMS")

    @contextmanager
    def connect(self, account: Account) -> Iterator[Session]:
        """A connection for the length of the session. Reports that come on it are not answered, and come again on another one."""
        settings = replace(self.settings(account), connections=1)
        gateway = self.gateway(account.code, settings, lambda incoming: None)
        gateway.start()
        try:
            yield CmppSession(gateway, self._timeout)
        finally:
            gateway.stop()

    def settings(self, account: Account) -> Settings:
        """Raises Misconfigured for what cannot be used."""
        try:
            return cmpp_settings.read(account)
        except (Invalid, KeyError) as error:
            raise Misconfigured("settings") from error

    def gateway(self, code: str, settings: Settings, take: Callable[[Incoming], None]) -> Gateway:
        """Not started yet."""
        return Gateway(code, settings, lambda: self._dial(settings), take, self._waits)

    def _dial(self, settings: Settings) -> Stream:
        from chalicelib.web import tcp

        return tcp.dial(
            self._policy,
            settings.server,
            settings.port,
            ports=cmpp_settings.PORTS,
            timeout=self._timeout,
        )


class CmppSession(PlainSession):
    """Implements Session. `away` is entered while the gateway is waited for."""

    def __init__(
        self,
        gateway: Gateway,
        timeout: float,
        away: Callable[[], AbstractContextManager[None]] = nullcontext,
        clock: Clock = time,
    ) -> None:
        self._gateway, self._timeout, self._away = gateway, timeout, away
        self._clock = clock

    def check(self) -> None:
        with self._away():
            self._gateway.wait_open(self._clock.monotonic() + self._timeout)

    def send(self, call: OutgoingCall) -> Answer:
        """Raises only while nothing of the call has been taken; after that each recipient has an outcome of its own.

        At most two timeouts in all, however many SUBMITs it takes: what is not begun within one comes later.
        """
        with self._away():
            return Answer(_Sending(self._gateway, call, self._timeout, self._clock).run())


class _Sending:
    """One call: its numbers in as few SUBMITs as may be, its text in as many parts as it has."""

    def __init__(self, gateway: Gateway, call: OutgoingCall, timeout: float, clock: Clock) -> None:
        self._gateway, self._settings, self._timeout = gateway, gateway.settings, timeout
        self._clock, self._until = clock, clock.monotonic() + 2 * timeout
        self._contacts = [recipient.contact for recipient in call.recipients]
        self._parts = cmpp_text.parts(
            _text(call), self._settings.alphabet, next(_references) & 0xFF
        )
        if len(self._parts) > cmpp_text.MAX_PARTS:
            raise Rejected("too_long")
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> Sequence[Outcome]:
        work = deque(self._groups())
        while work:
            members = work.popleft()
            if (
                self._clock.monotonic() > self._until - self._timeout
            ):  # its answer might not be waited for
                self._say(members, Outcome(code="timeout", later=True))
                continue
            try:
                split = self._submit(members)
            except Uncertain as error:
                self._say(members, Outcome(code=error.code, uncertain=True))
                continue
            except Unavailable as error:
                self._stop(error, [members, *work])
                break
            except Misconfigured as error:
                self._stop(error, [members, *work])
                break
            work.extendleft(reversed(split))
        return [self._outcomes[n] for n in range(len(self._contacts))]

    def _groups(self) -> Iterator[list[int]]:
        """Positions of numbers that go in one SUBMIT: a number once in each, so that its report is known."""
        groups: list[dict[str, int]] = []
        for n, contact in enumerate(self._contacts):
            if not _NUMBER.fullmatch(contact):
                self._say([n], Outcome(Loss.INVALID_TARGET, "bad_number"))
                continue
            number = receipts.canonical(contact)
            free = (
                g for g in groups if number not in g and len(g) < self._settings.numbers_per_submit
            )
            group = next(free, None)
            if group is None:
                group = {}
                groups.append(group)
            group[number] = n
        yield from (list(group.values()) for group in groups)

    def _say(self, members: Sequence[int], outcome: Outcome) -> None:
        self._outcomes.update(dict.fromkeys(members, outcome))

    @property
    def _has_begun(self) -> bool:
        """Whether something of the call has been taken, or may have been."""
        return any(outcome.provider_id or outcome.uncertain for outcome in self._outcomes.values())

    def _stop(self, error: ProviderError, left: Sequence[Sequence[int]]) -> None:
        """Nothing taken yet: the whole call comes again. Else the rest alone does."""
        if not self._has_begun:
            raise error
        for members in left:
            self._say(members, Outcome(code=error.code, later=True))

    def _submit(self, members: list[int]) -> list[list[int]]:
        """Send all parts to these numbers. When some number is refused, nobody knows which: what is returned is to be tried instead."""
        ids: list[int] = []
        on: Connection | None = None
        for n, part in enumerate(self._parts):
            result, identity, on = self._one(members, part, n, on)
            if result in BAD_NUMBER and not ids:
                if len(members) == 1:
                    self._say(members, Outcome(Loss.INVALID_TARGET, str(result)))
                    return []
                return [members[: len(members) // 2], members[len(members) // 2 :]]
            if result:
                self._refused(members, result, first=not ids)
                return []
            ids.append(identity)
        for position, member in enumerate(members):
            self._say(
                [member], Outcome(provider_id=self._name(ids, position, self._contacts[member]))
            )
        return []

    def _refused(self, members: Sequence[int], result: int, *, first: bool) -> None:
        """Parts that have gone cannot be taken back: without the others the message has failed."""
        error = RESULTS.get(result, Rejected)
        if first and error is not Rejected:
            raise error(str(result))
        self._say(members, Outcome(Loss.SUBMIT_FAILED, str(result) if first else f"part_{result}"))

    def _one(
        self, members: Sequence[int], part: Part, n: int, on: Connection | None
    ) -> tuple[int, int, Connection]:
        """Result, Msg_Id, and where it went. What is throttled when some of the call has gone is tried again while there is time."""
        while True:
            until = min(self._until, self._clock.monotonic() + self._timeout)
            try:
                answer, connection = self._gateway.submit(self._pdu(members, part, n), until, on)
            except Unavailable as error:
                if n:
                    raise Uncertain(
                        "incomplete"
                    ) from error  # some parts have gone, this one has not
                raise
            except Malformed as error:
                raise Misconfigured("settings") from error
            end = self._until if n else self._until - self._timeout
            left = end - self._clock.monotonic()
            if answer.result != THROTTLED or left <= PAUSE or not (n or self._has_begun):
                return answer.result, answer.id, connection
            self._clock.sleep(PAUSE)

    def _pdu(self, members: Sequence[int], part: Part, n: int) -> Submit:
        own = self._settings
        return Submit(
            numbers=tuple(self._contacts[m].removeprefix("+") for m in members),
            content=part.content,
            format=part.format,
            has_header=part.has_header,
            part=n + 1,
            parts=len(self._parts),
            account=own.login.account,
            source=own.access_number,
            service=own.service,
            fee_user_type=own.fee_user_type,
            fee_type=own.fee_type,
            fee_code=own.fee_code,
        )

    def _name(self, ids: Sequence[int], position: int, contact: str) -> str:
        """The id of each part of one recipient, under each name that the gateway may use in its report."""
        either = {
            cmpp_settings.CONSECUTIVE: (position,),
            cmpp_settings.ONE: (0,),
            cmpp_settings.BOTH: (0, position),
        }[self._settings.group_ids]
        names = (
            [receipts.name(receipts.following(i, n), contact) for n in dict.fromkeys(either)]
            for i in ids
        )
        return " ".join("|".join(each) for each in names)


def _text(call: OutgoingCall) -> str:
    """What all recipients get."""
    texts = {recipient.content.get("content") for recipient in call.recipients}
    text = texts.pop() if len(texts) == 1 else None
    if not isinstance(text, str) or not text:
        raise Rejected("no_content")
    return text
