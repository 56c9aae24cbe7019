"""A session of a CMPP account: send a call as SUBMITs, and turn their results into outcomes."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Answer, Loss, Outcome, OutgoingCall, derived_name
from chalicelib.providers import refusals
from chalicelib.providers.base import PlainSession
from chalicelib.providers.sms.cmpp import receipts
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.cmpp.gateway import Connection, Gateway
from chalicelib.providers.sms.cmpp.group_ids import GroupWay, canonical, following
from chalicelib.providers.sms.cmpp.messages import Submit, SubmitResp
from chalicelib.providers.sms.cmpp.pace import Pace
from chalicelib.providers.sms.cmpp.settings import Settings
from chalicelib.providers.sms.cmpp.text import Part

# Seconds before a throttled SUBMIT is repeated, when other parts or numbers of its call have gone.
PAUSE = 1.0
THROTTLED = 8
# A group that is throttled after so many tries has more numbers than the gateway takes at a time.
GROUP_TRIES = 3

# Result of SUBMIT_RESP. 9 and 13 are about the numbers, without naming one.
# Unlisted results are the gateway's own and count as refusals.
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
_references = itertools.count(random.randrange(256))  # noqa: S311 - not a secret


class Clock(Protocol):
    """The clock by which a call waits: module `time`, or a clock of a test."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class CmppSession(PlainSession):
    """Implements Session. `away` is entered while the session waits for the gateway."""

    def __init__(
        self,
        gateway: Gateway,
        settings: Settings,
        timeout: float,
        away: Callable[[], AbstractContextManager[None]] = nullcontext,
        clock: Clock = time,
        pace: Pace | None = None,
    ) -> None:
        self._gateway, self._settings, self._timeout = gateway, settings, timeout
        self._away, self._clock, self._pace = away, clock, pace or Pace(settings.rate)

    def check(self) -> None:
        with self._away():
            self._gateway.wait_open(self._clock.monotonic() + self._timeout)

    def send(self, call: OutgoingCall) -> Answer:
        """Send a call in at most two timeouts, however many SUBMITs it needs.

        Raises only while nothing of the call has been taken. After that each recipient has an
        outcome. SUBMITs that have not begun within one timeout are sent later.
        """
        with self._away():
            sending = _Sending(
                self._gateway, self._settings, call, self._timeout, self._clock, self._pace
            )
            return Answer(sending.run())


class _Sending:
    """One call.

    Its numbers go in as few SUBMITs as possible, its text in as many parts as it needs.
    """

    def __init__(
        self,
        gateway: Gateway,
        settings: Settings,
        call: OutgoingCall,
        timeout: float,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._gateway, self._settings, self._timeout = gateway, settings, timeout
        self._clock, self._until = clock, clock.monotonic() + 2 * timeout
        self._contacts = [recipient.contact for recipient in call.recipients]
        self._parts = cmpp_text.parts(_text(call), settings.alphabet, next(_references) & 0xFF)
        if len(self._parts) > cmpp_text.MAX_PARTS:
            raise Rejected("too_long")
        self._tries, self._pace = call.turn, pace
        self._outcomes: dict[int, Outcome] = {}
        self._begin, self._messages = 0.0, 0  # of the reservation, and its messages so far

    def run(self) -> Sequence[Outcome]:
        groups = list(self._groups())
        self._begin = self._pace.reserve(
            sum(map(len, groups)) * len(self._parts), self._clock.monotonic(), self._latest
        )
        for n, members in enumerate(groups):
            if max(self._clock.monotonic(), self._turn) > self._latest:
                self._record(members, Outcome(code="timeout", later=True, untried=True))
                continue
            try:
                self._submit(members)
            except Uncertain as error:
                self._record(members, Outcome(code=error.code, uncertain=True))
            except (Unavailable, Misconfigured) as error:
                self._stop(error, groups[n:])
                break
        return [self._outcomes[n] for n in range(len(self._contacts))]

    @property
    def _latest(self) -> float:
        """The time after which an answer would come too late."""
        return self._until - self._timeout

    def _groups(self) -> Iterator[list[int]]:
        """Yield the positions of the numbers of each SUBMIT. A number may occur once in a SUBMIT:
        its report names it.
        """
        groups: list[dict[str, int]] = []
        for n, contact in enumerate(self._contacts):
            if not _NUMBER.fullmatch(contact):
                self._record([n], Outcome(Loss.INVALID_TARGET, "bad_number"))
                continue
            number = canonical(contact)
            group = self._group_for(number, groups)
            group[number] = n
        yield from (list(group.values()) for group in groups)

    def _group_for(self, number: str, groups: list[dict[str, int]]) -> dict[str, int]:
        for group in groups:
            if number not in group and len(group) < self._settings.numbers_per_submit:
                return group
        groups.append({})
        return groups[-1]

    def _record(self, members: Sequence[int], outcome: Outcome) -> None:
        self._outcomes.update(dict.fromkeys(members, outcome))

    @property
    def _has_begun(self) -> bool:
        """True if anything of the call has been taken, or may have been."""
        return any(outcome.provider_id or outcome.uncertain for outcome in self._outcomes.values())

    def _stop(self, error: ProviderError, left: Sequence[Sequence[int]]) -> None:
        """Send the whole call again if nothing has been taken yet, else only the rest."""
        if not self._has_begun:
            raise error
        for members in left:
            self._record(members, Outcome(code=error.code, later=True, untried=True))

    def _submit(self, members: list[int]) -> None:
        """Send all parts to these numbers."""
        ids: list[int] = []
        on: Connection | None = None
        for n, part in enumerate(self._parts):
            result, identity, on = self._submit_part(members, part, n, on)
            if result:
                self._refused(members, result, first=not ids)
                return
            ids.append(identity)
        # The next worker will not know the number of a SUBMIT.
        is_nameless = self._gateway.group_ids.is_nameless and len(members) == 1
        for position, member in enumerate(members):
            provider_id = self._provider_id(ids, position, self._contacts[member], is_nameless)
            self._record([member], Outcome(provider_id=provider_id))

    def _refused(self, members: Sequence[int], result: int, *, first: bool) -> None:
        """Record a refusal. Sent parts cannot be taken back: without the others the message has
        failed.
        """
        error, code = RESULTS.get(result, Rejected), str(result)
        too_large = result == THROTTLED and len(members) > 1 and self._tries >= GROUP_TRIES
        if not first:
            self._record(members, Outcome(Loss.SUBMIT_FAILED, f"part_{code}"))
        elif result in BAD_NUMBER or too_large:
            contacts = [canonical(self._contacts[member]) for member in members]
            outcomes = refusals.refused(contacts, refusals.invalid(code))
            self._outcomes.update(zip(members, outcomes, strict=True))
        elif error is not Rejected:
            raise error(code)
        else:
            self._record(members, Outcome(Loss.SUBMIT_FAILED, code))

    def _submit_part(
        self, members: Sequence[int], part: Part, n: int, on: Connection | None
    ) -> tuple[int, int, Connection]:
        """Return the Result, the Msg_Id and the connection of one part.

        A throttled part is repeated while there is time, if some of the call has gone.
        """
        while True:
            self._await_turn(len(members))
            try:
                answer, connection = self._exchange(members, self._message(members, part, n), on)
            except Unavailable as error:
                if n:  # some parts have gone, this one has not
                    raise Uncertain("incomplete") from error
                raise
            except Malformed as error:
                raise Misconfigured("settings") from error
            end = self._until if n else self._until - self._timeout
            left = end - self._clock.monotonic()
            if answer.result != THROTTLED or left <= PAUSE or not (n or self._has_begun):
                return answer.result, answer.id, connection
            self._clock.sleep(PAUSE)

    @property
    def _turn(self) -> float:
        """The time at which the rate allows the next message."""
        return self._pace.time_of(self._begin, self._messages)

    def _await_turn(self, messages: int) -> None:
        """Wait for the rate, while an answer can still come in time.

        The parts of a message cannot wait longer for each other. The next call waits instead.
        """
        last = self._until - self._timeout / 2
        wait = min(self._turn, last) - self._clock.monotonic()
        self._messages += messages
        if wait > 0:
            self._clock.sleep(wait)

    def _exchange(
        self, members: Sequence[int], message: Submit, on: Connection | None
    ) -> tuple[SubmitResp, Connection]:
        """Submit a message, and remember its id for the reports, which may come before it."""
        contacts = [self._contacts[member] for member in members]
        until = min(self._until, self._clock.monotonic() + self._timeout)
        group_ids = self._gateway.group_ids
        with group_ids.awaiting(contacts):
            answer, connection = self._gateway.submit(message, until, on)
            if answer.result == 0:
                group_ids.note(answer.id, contacts)
        return answer, connection

    def _message(self, members: Sequence[int], part: Part, n: int) -> Submit:
        settings = self._settings
        return Submit(
            numbers=tuple(receipts.dialled(self._contacts[m]) for m in members),
            content=part.content,
            format=part.format,
            has_header=part.has_header,
            part=n + 1,
            parts=len(self._parts),
            account=settings.line.login.account,
            source=settings.access_number,
            service=settings.service,
            fee_user_type=settings.fee_user_type,
            fee_type=settings.fee_type,
            fee_code=settings.fee_code,
        )

    def _provider_id(
        self, ids: Sequence[int], position: int, contact: str, is_nameless: bool
    ) -> str:
        """Return the ids of all parts for one recipient, each under the names that a report may
        use.
        """
        if is_nameless:
            return " ".join(f"{receipts.name(id, contact)}|{receipts.name(id, '')}" for id in ids)
        way = self._settings.group_ids
        if way is GroupWay.BOTH:
            way = self._gateway.group_ids.way
        return " ".join(_names(first, position, contact, way) for first in ids)


def _names(first: int, position: int, contact: str, way: GroupWay) -> str:
    """Return the names of one part. While the gateway's way is unknown, the second is derived."""
    names = [receipts.name(first, contact), receipts.name(following(first, position), contact)]
    if way is GroupWay.CONSECUTIVE or not position:
        return names[1]
    return names[0] if way is GroupWay.ONE else f"{names[0]}|{derived_name(names[1])}"


def _text(call: OutgoingCall) -> str:
    """Return the text, which is the same for all recipients."""
    texts = {recipient.content.get("content") for recipient in call.recipients}
    text = texts.pop() if len(texts) == 1 else None
    if not isinstance(text, str) or not text:
        raise Rejected("no_content")
    return text
