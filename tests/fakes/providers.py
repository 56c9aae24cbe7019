"""Providers that follow a test's script and log the deliveries that they took."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid, Misconfigured, ProviderError, Unverified
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
    Receipt,
    ReceiptKind,
    Reply,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Provider
from chalicelib.providers.base import PlainSession
from tests.fakes.steps import Steps

PUSH = Capabilities(
    type=ChannelType.APP,
    platform="push",
    call_size=1000,
    content_per_recipient=False,
    provider_ids=ProviderIds.PER_CALL,
    polled_by_call=True,
    delivery_report=DeliveryReport.REAL,
    click_report=ClickReport.PROVIDER,
    receipt_modes=frozenset({ReceiptMode.WEBHOOK, ReceiptMode.POLL}),
    token_life=86400,
    recall=True,
    hands_on_token=True,
    options={"server": False},
)
TEXT = Capabilities(
    type=ChannelType.SMS,
    platform="text",
    call_size=1000,
    content_per_recipient=True,
    provider_ids=ProviderIds.PER_RECIPIENT,
    delivery_report=DeliveryReport.REAL,
    click_report=ClickReport.LINK,
    receipt_modes=frozenset({ReceiptMode.WEBHOOK, ReceiptMode.POLL}),
    options={"server": False},
)
MAIL = Capabilities(
    type=ChannelType.EMAIL,
    platform="mail",
    call_size=25,
    content_per_recipient=True,
    provider_ids=ProviderIds.NONE,
    delivery_report=DeliveryReport.ACCEPTED,
    click_report=ClickReport.LINK,
    options={"server": False},
)


@dataclass(frozen=True)
class Taken:
    """One delivery that the provider took."""

    contact: str
    content: Mapping[str, Any]
    provider_id: str  # of the call or of the recipient, or empty
    token: str | None


def raised(error: Exception) -> NoReturn:
    raise error


class ScriptedProvider:
    """A provider that takes every delivery, unless its script says otherwise.

    `fail` scripts the next calls, `answers` the outcome for a contact. `watchers` see a call first.
    `instead` takes calls in the provider's place. `judge` may refuse a content. `of_session`
    replaces methods of its sessions, by name.
    """

    def __init__(self, capabilities: Capabilities, steps: Steps) -> None:
        self.capabilities, self.steps = capabilities, steps
        self.calls: list[OutgoingCall] = []  # every request, also those that failed
        self.taken: list[Taken] = []  # deliveries that reached a person, once per token
        self.answers: dict[str, Outcome] = {}
        self.watchers: list[Callable[[OutgoingCall], None]] = []
        self.instead: Callable[[OutgoingCall], Answer] | None = None
        self.judge: Callable[[Mapping[str, Any]], None] = lambda content: None
        self.at_end: Exception | None = None  # of a session, when it is closed
        self.of_session: dict[str, Callable[..., Any]] = {}
        self.to_poll: list[Receipt | Reply] = []
        self.recalled: list[tuple[str, str]] = []  # provider id, contact
        self._failures: deque[tuple[ProviderError | None, bool]] = deque()
        self._by_token: dict[str, Answer] = {}
        self._tokens = 0
        self._ids = 0

    # -- for tests

    def can(self, **changes: Any) -> None:
        """Change the capabilities of the provider."""
        self.capabilities = replace(self.capabilities, **changes)

    def fail(self, *errors: ProviderError, taken: bool = False) -> None:
        """Let the next calls raise errors. `taken`: the provider took the call all the same."""
        self._failures.extend((error, taken) for error in errors)

    def succeed(self, times: int = 1) -> None:
        """Let the next calls succeed, after those that are scripted already."""
        self._failures.extend([(None, False)] * times)

    def sent(self) -> Counter[str]:
        """Return the number of deliveries per contact."""
        return Counter(taken.contact for taken in self.taken)

    def receipts(self, kind: ReceiptKind, time: int, *contacts: str) -> list[Receipt]:
        """Return the provider's receipts for contacts (default: all that it took)."""
        reported = set(contacts) or {taken.contact for taken in self.taken}
        per_call = self.capabilities.provider_ids is ProviderIds.PER_CALL
        return [
            Receipt(t.provider_id, kind, time, t.contact if per_call else "")
            for t in self.taken
            if t.contact in reported
        ]

    # -- the port

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        if not isinstance(raw.get("key"), str):
            raise Invalid("credentials.key", "is required and must be a text")

    def check_content(self, content: Mapping[str, Any]) -> None:
        if not isinstance(content.get("text"), str):
            raise Invalid("text", "is required and must be a text")
        self.judge(content)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return {"secret": f"webhook-of-{credentials['key']}"}

    @contextmanager
    def connect(self, account: Account) -> Iterator[ScriptedSession]:
        session = ScriptedSession(self, account)
        for name, method in self.of_session.items():
            setattr(session, name, partial(method, session))
        yield session
        if self.at_end is not None:
            raise self.at_end

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        if request.headers.get("x-secret") != secret["secret"]:
            raise Unverified("wrong secret")
        try:
            rows = json.loads(request.body)
            replies = [Reply(r["from"], r["text"], r["time"]) for r in rows if "from" in r]
            receipts = [
                Receipt(
                    r["id"],
                    ReceiptKind(r["kind"]),
                    r["time"],
                    r.get("contact", ""),
                    r.get("code", ""),
                    r.get("gone", False),
                )
                for r in rows
                if "from" not in r
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid("body", "cannot be read") from error
        return Webhook(receipts, "ok", request.headers.get("x-nonce", ""), replies)

    def webhook_request(
        self,
        receipts: Sequence[Receipt],
        key: str = "k",
        nonce: str = "",
        now: int = 0,
        replies: Sequence[Reply] = (),
    ) -> WebhookRequest:
        """Return the request that the provider would send to us."""
        rows: list[dict[str, Any]] = [
            {
                "id": r.provider_id,
                "kind": r.kind,
                "time": r.time,
                "contact": r.contact,
                "code": r.code,
                "gone": r.undeliverable,
            }
            for r in receipts
        ]
        rows += [{"from": r.contact, "text": r.text, "time": r.time} for r in replies]
        headers = {"x-secret": f"webhook-of-{key}", **({"x-nonce": nonce} if nonce else {})}
        return WebhookRequest("POST", headers, {}, json.dumps(rows).encode(), now)

    # -- for sessions

    def take(self, call: OutgoingCall) -> Answer:
        for watcher in self.watchers:
            watcher(call)
        self.calls.append(call)
        error, is_taken = self._failures.popleft() if self._failures else (None, False)
        if error is not None and not is_taken:
            raise error
        answer = self._by_token.get(call.token) if call.token else None
        if answer is None:
            answer = (self.instead or self.deliver)(call)
            if call.token:
                self._by_token[call.token] = answer
        if error is not None:
            raise error
        return answer

    def deliver(self, call: OutgoingCall) -> Answer:
        ids = self.capabilities.provider_ids
        call_id = self._next_id("call") if ids is ProviderIds.PER_CALL else ""
        outcomes = []
        for recipient in call.recipients:
            outcome = self.answers.get(recipient.contact, Outcome())
            if not (outcome.loss or outcome.later):
                has_id = ids is ProviderIds.PER_RECIPIENT and not outcome.uncertain
                own_id = self._next_id("mt") if has_id else ""
                self.taken.append(
                    Taken(recipient.contact, recipient.content, own_id or call_id, call.token)
                )
                outcome = Outcome(
                    code=outcome.code, provider_id=own_id, uncertain=outcome.uncertain
                )
            outcomes.append(outcome)
        return Answer(outcomes, call_id)

    def _next_id(self, kind: str) -> str:
        self._ids += 1
        return f"{self.capabilities.platform}-{kind}-{self._ids}"

    def next_token(self) -> str:
        self._tokens += 1
        return f"{self.capabilities.platform}-token-{self._tokens}"


class ScriptedSession(PlainSession):
    def __init__(self, provider: ScriptedProvider, account: Account) -> None:
        self.provider, self.account = provider, account

    def token(self) -> str | None:
        if self.provider.capabilities.token_life is None:
            return None
        with self.provider.steps.around("provider.token", write=True):
            return self.provider.next_token()

    def check(self) -> None:
        if self.account.credentials.get("key") == "wrong":
            raise Misconfigured("wrong_key")

    def send(self, call: OutgoingCall) -> Answer:
        if not 0 < len(call.recipients) <= self.provider.capabilities.call_size:
            raise ValueError(f"a call of {len(call.recipients)} recipients")
        with self.provider.steps.around("provider.send", write=True):
            return self.provider.take(call)

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Recall a call from contacts, except those whose name says that they have clicked."""
        with self.provider.steps.around("provider.recall", write=True):
            self.provider.recalled += [(provider_id, contact) for contact in contacts]
            return [
                Outcome(Loss.SUBMIT_FAILED, "clicked") if "clicked" in contact else Outcome()
                for contact in contacts
            ]

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        with self.provider.steps.around("provider.poll", write=True):
            if not self.provider.capabilities.polled_by_call:
                reports, self.provider.to_poll = self.provider.to_poll, []
                return reports
            receipts = (r for r in self.provider.to_poll if isinstance(r, Receipt))
            return [r for r in receipts if r.contact in provider_ids.get(r.provider_id, ())]


class FakeProviders:
    """Three providers: `push`, `text` and `mail`.

    `push` has ids per call, and tokens. `text` has ids per recipient, and no tokens. `mail` counts
    accepted as delivered, has no ids, and takes 25 recipients a call.
    """

    def __init__(self, steps: Steps) -> None:
        self.push, self.text, self.mail = (ScriptedProvider(c, steps) for c in (PUSH, TEXT, MAIL))
        self.uses: Counter[str] = Counter()  # calls of `of` by platform
        self._by_platform = {p.capabilities.platform: p for p in (self.push, self.text, self.mail)}

    def of(self, platform: str) -> Provider:
        self.uses[platform] += 1
        return self._by_platform[platform]

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        return [
            name
            for name, provider in self._by_platform.items()
            if provider.capabilities.type is channel_type
        ]
