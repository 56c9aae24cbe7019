"""A delivery channel whose platform registers templates, and its vendor in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.jobs import QueryJob
from chalicelib.domain.third_party import (
    Action,
    Draft,
    Family,
    Field,
    Keyword,
    Registered,
    Registers,
    Review,
    Sort,
    State,
    Title,
    Use,
)
from chalicelib.flow import provider_query
from chalicelib.manage import third_party as manage
from tests.builders import a_channel, an_access_channel
from tests.fakes.world import FakeWorld

TEXTS = frozenset({*Action} - {Action.SYNC, Action.KEYWORDS, Action.CHOOSE, Action.ENTER})
LISTED = frozenset({Action.REFRESH, Action.SYNC, Action.KEYWORDS, Action.CHOOSE, Action.ENTER})
TEMPLATE = Family.TEMPLATE


def uses(content: Any) -> Sequence[Use]:
    return [Use(TEMPLATE, str(content.get("id")), "id", dict(content.get("para", {})), "para")]


@dataclass
class Vendor:
    """A registry in memory. `fails` is raised by the next call."""

    code: str = "text"
    account: str = ""
    kept: dict[str, Registered] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    fails: Exception | None = None

    def _called(self, name: str) -> None:
        self.calls.append(name)
        error, self.fails = self.fails, None
        if error:
            raise error

    def all(self) -> Sequence[Registered]:
        self._called("all")
        return list(self.kept.values())

    def read(self, sort: Sort, id: str) -> Registered | None:
        self._called(f"read {id}")
        return self.kept.get(id)

    def create(self, draft: Draft) -> Registered:
        self.drafts.append(draft)
        self._called("create")
        return self.has(str(len(self.kept) + 1), title=draft.text, review=Review.IN_REVIEW)

    def change(self, id: str, draft: Draft) -> Registered:
        self.drafts.append(draft)
        self._called("change")
        return self.has(id, title=draft.text, review=Review.IN_REVIEW)

    def delete(self, sort: Sort, id: str) -> None:
        self._called("delete")
        self.kept.pop(id, None)

    def titles(self) -> Sequence[Title]:
        self._called("titles")
        return [Title("1", "Order sent"), Title("2", "Order lost")]

    def keywords(self, id: str) -> Sequence[Keyword]:
        self._called("keywords")
        return [Keyword(1, "Order", kind="number")]

    def choose(self, id: str, keywords: Sequence[int], scene: str) -> str:
        self._called("choose")
        return self.has(f"chosen-{id}").id

    def has(self, id: str, **changes: Any) -> Registered:
        fields = {"title": "t", "fields": (Field("code"),), "account": self.account, **changes}
        self.kept[id] = Registered(self.code, id, Sort.TEXT, **fields)
        return self.kept[id]


class Shop:
    """A delivery channel whose platform registers texts, and its vendor."""

    def __init__(self, actions: frozenset[Action] = TEXTS) -> None:
        self.fake, self.vendor = FakeWorld(), Vendor()
        self.world = self.fake.ports
        registers = Registers(actions={Sort.TEXT: actions}, uses=uses)
        self.fake.providers.text.can(registers=registers)
        self.fake.providers.text.of_session["registry"] = lambda session: self.vendor
        self.fake.settings.put_channel(a_channel("text"))
        self.fake.settings.put_access_channel(an_access_channel(channels=("text",)))
        self.vendor.account = self.channel.credentials_fingerprint

    @property
    def channel(self) -> Channel:
        channel = self.world.settings.channel("text")
        assert channel is not None
        return channel

    @property
    def account(self) -> manage.Account:
        return manage.account(self.world, "text")

    def work(self, times: int = 1) -> None:
        """Do what waits in the queue, each job so many times."""
        while (envelope := self.fake.queues.take()) is not None:
            for _ in range(times):
                assert isinstance(envelope.job, QueryJob)
                provider_query.answer(self.world, envelope.job)

    def states(self) -> dict[str, State]:
        kept = manage.page(self.world, TEMPLATE, "text")
        return {each.id: self.account.state(each) for each in kept}

    def answered(self, id: str) -> provider_query.QueryResult:
        result = provider_query.result(self.world, id)
        assert result is not None
        return result

    def refresh(self) -> provider_query.QueryResult:
        id = manage.refresh(self.account, TEMPLATE)
        self.work()
        return self.answered(id)
