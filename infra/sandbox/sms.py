"""The common part of SMS platforms over HTTP.

A call has many numbers, each with its behaviour. A receipt or reply is pulled once.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from infra.sandbox import links
from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core, Refusal, endpoint, never_answer, new_ids


@dataclass(frozen=True)
class Text:
    """A text to one number.

    Its person opens the first link in `links`. `reports` builds its receipts for a time.
    """

    number: str
    id: str
    content: Mapping[str, Any]
    links: Sequence[str]
    reports: Callable[[Behaviour, float], Sequence[Event]]


class SmsPlatform:
    """Implements HttpProvider, except for the vendor's routes, codes and fields."""

    name: str

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ids = new_ids()

    def clear(self) -> None:
        """Forget nothing: receipts and replies that wait to be pulled belong to the accounts."""

    def _call(self, request: web.Request) -> Call:
        return Call(
            provider=self.name, endpoint=endpoint(request, self.name), outcome=Result.ACCEPTED
        )

    async def _take(
        self,
        request: web.Request,
        call: Call,
        account: Account,
        numbers: Sequence[str],
        texts: Sequence[Text],
        throttled: Refusal,
        failed: Refusal,
    ) -> None:
        """Hand out the texts, and return when the call may be answered.

        Raises `throttled` or `failed` if the trouble of a number refuses the whole call.
        `numbers` are all numbers of the call. Every call sends again, for want of a token.
        """
        trouble = self._core.troubles.of_call(self.name, numbers)
        if trouble in (Behaviour.THROTTLE, Behaviour.FLAKY):
            raise (throttled if trouble is Behaviour.THROTTLE else failed).about(call, numbers)
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome), numbers, [text.number for text in texts])
        early: list[Event] = []
        for text in texts:
            early += self._deliver(account, text)
        if early:
            await self._core.receipts.send_early_and_again(account, early)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)

    def _deliver(self, account: Account, text: Text) -> Sequence[Event]:
        """Plan the reports of a text. Return the reports that go out before the answer."""
        self._core.log.receive(self.name, text.number, text.id, text.content, "sms")
        behaviour, now = of(text.number), time.time()
        due = now + (self._core.options.late if behaviour is Behaviour.LATE else account.delay())
        if behaviour is Behaviour.CLICK:
            links.open_first(self._core.outbox, text.links, due - now)
        if behaviour is Behaviour.SILENT:
            return []
        events = text.reports(behaviour, due)
        if behaviour is Behaviour.DOUBLE:
            return events
        for event in events:
            self._core.receipts.expect(account, due, event)
        return []


async def body_of(request: web.Request, unreadable: Refusal) -> Mapping[str, Any]:
    """Return the JSON object in a call's body."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise unreadable from None
    if not isinstance(body, dict):
        raise unreadable
    return body


def pulled(waiting: deque[Event], most: int) -> list[Event]:
    """Take at most `most` of the waiting events. An event is handed out once."""
    return [waiting.popleft() for _ in range(min(most, len(waiting)))]
