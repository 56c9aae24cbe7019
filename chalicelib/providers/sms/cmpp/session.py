"""A session of a CMPP account: send a call as SUBMITs, and turn their results into outcomes."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import deque
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
from chalicelib.domain.provider_io import Answer, Loss, Outcome, OutgoingCall
from chalicelib.providers.base import PlainSession
from chalicelib.providers.sms.cmpp import receipts
from chalicelib.providers.sms.cmpp import settings as cmpp_settings
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.cmpp.gateway import Connection, Gateway
from chalicelib.providers.sms.cmpp.messages import Submit
from chalicelib.providers.sms.cmpp.text import Part

# Seconds before a throttled SUBMIT is repeated, when other parts or numbers of its call have gone.
PAUSE = 1.0
THROTTLED = 8

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
        """Send a call in at most two timeouts, however many SUBMITs it needs.

        Raises only while nothing of the call has been taken. After that each recipient has an
        outcome. SUBMITs that have not begun within one timeout are sent later.
        """
        with self._away():
            return Answer(_Sending(self._gateway, call, self._timeout, self._clock).run())


class _Sending:
    """One call.

    Its numbers go in as few SUBMITs as possible, its text in as many parts as it needs.
    """

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
            if self._clock.monotonic() > self._until - self._timeout:  # too late for the answer
                self._record(members, Outcome(code="timeout", later=True, untried=True))
                continue
            try:
                split = self._submit(members)
            except Uncertain as error:
                self._record(members, Outcome(code=error.code, uncertain=True))
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
        """Yield the positions of the numbers of each SUBMIT. A number may occur once in a SUBMIT:
        its report names it.
        """
        groups: list[dict[str, int]] = []
        for n, contact in enumerate(self._contacts):
            if not _NUMBER.fullmatch(contact):
                self._record([n], Outcome(Loss.INVALID_TARGET, "bad_number"))
                continue
            number = receipts.canonical(contact)
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

    def _submit(self, members: list[int]) -> list[list[int]]:
        """Send all parts to these numbers, and return the groups to try instead.

        A gateway refuses a SUBMIT without naming the bad number, so the group is halved.
        """
        ids: list[int] = []
        on: Connection | None = None
        for n, part in enumerate(self._parts):
            result, identity, on = self._submit_part(members, part, n, on)
            if result in BAD_NUMBER and not ids:
                if len(members) == 1:
                    self._record(members, Outcome(Loss.INVALID_TARGET, str(result)))
                    return []
                return [members[: len(members) // 2], members[len(members) // 2 :]]
            if result:
                self._refused(members, result, first=not ids)
                return []
            ids.append(identity)
        for position, member in enumerate(members):
            provider_id = self._provider_id(ids, position, self._contacts[member])
            self._record([member], Outcome(provider_id=provider_id))
        return []

    def _refused(self, members: Sequence[int], result: int, *, first: bool) -> None:
        """Record a refusal. Sent parts cannot be taken back: without the others the message has
        failed.
        """
        error = RESULTS.get(result, Rejected)
        if first and error is not Rejected:
            raise error(str(result))
        self._record(
            members, Outcome(Loss.SUBMIT_FAILED, str(result) if first else f"part_{result}")
        )

    def _submit_part(
        self, members: Sequence[int], part: Part, n: int, on: Connection | None
    ) -> tuple[int, int, Connection]:
        """Return the Result, the Msg_Id and the connection of one part.

        A throttled part is repeated while there is time, if some of the call has gone.
        """
        while True:
            until = min(self._until, self._clock.monotonic() + self._timeout)
            try:
                answer, connection = self._gateway.submit(
                    self._message(members, part, n), until, on
                )
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

    def _message(self, members: Sequence[int], part: Part, n: int) -> Submit:
        settings = self._settings
        return Submit(
            numbers=tuple(receipts.dialled(self._contacts[m]) for m in members),
            content=part.content,
            format=part.format,
            has_header=part.has_header,
            part=n + 1,
            parts=len(self._parts),
            account=settings.login.account,
            source=settings.access_number,
            service=settings.service,
            fee_user_type=settings.fee_user_type,
            fee_type=settings.fee_type,
            fee_code=settings.fee_code,
        )

    def _provider_id(self, ids: Sequence[int], position: int, contact: str) -> str:
        """Return the ids of all parts for one recipient, each under every name that a report may
        use.
        """
        positions = {
            cmpp_settings.CONSECUTIVE: (position,),
            cmpp_settings.ONE: (0,),
            cmpp_settings.BOTH: (0, position),
        }[self._settings.group_ids]
        parts = []
        for first in ids:
            followers = (receipts.following(first, n) for n in dict.fromkeys(positions))
            parts.append("|".join(receipts.name(follower, contact) for follower in followers))
        return " ".join(parts)


def _text(call: OutgoingCall) -> str:
    """Return the text, which is the same for all recipients."""
    texts = {recipient.content.get("content") for recipient in call.recipients}
    text = texts.pop() if len(texts) == 1 else None
    if not isinstance(text, str) or not text:
        raise Rejected("no_content")
    return text
