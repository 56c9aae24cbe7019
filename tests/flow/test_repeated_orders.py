"""Orders for a provider whose job comes twice, or whose worker died."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Throttled
from chalicelib.domain.jobs import QueryJob
from chalicelib.flow import provider_query
from chalicelib.manage import third_party as manage
from tests.flow.registries import TEMPLATE, Shop
from tests.flow.test_third_party import DRAFT, a_refused, with_images


@pytest.mark.parametrize(
    "ask",
    [
        lambda shop: manage.create(shop.account, with_images()),
        lambda shop: manage.change(shop.account, with_images(), "1", 1),
        lambda shop: manage.import_(shop.account, TEMPLATE, "1"),
        lambda shop: manage.delete(shop.account, TEMPLATE, "1", 1),
        lambda shop: manage.refresh(shop.account, TEMPLATE),
    ],
)
def test_a_repeat_of_what_succeeded_changes_neither_the_answer_nor_the_provider(ask: Any) -> None:
    shop = Shop()
    a_refused(shop)
    id = ask(shop)
    (envelope,) = shop.fake.queues.sent
    assert isinstance(envelope.job, QueryJob)
    shop.work()
    answer, calls, states = shop.answered(id), list(shop.vendor.calls), shop.states()
    assert answer.code == ""
    shop.vendor.fails = Throttled("50009")
    provider_query.answer(shop.world, envelope.job)
    assert (shop.answered(id), shop.vendor.calls, shop.states()) == (answer, calls, states)


def test_a_change_whose_worker_died_is_not_made_again() -> None:
    shop = Shop()
    a_refused(shop)
    id = manage.change(shop.account, with_images(), "1", 1)
    shop.vendor.fails = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        shop.work()
    (envelope,) = shop.fake.queues.sent
    assert isinstance(envelope.job, QueryJob)
    provider_query.answer(shop.world, envelope.job)
    assert shop.vendor.calls == ["change"]
    assert provider_query.result(shop.world, id) is None


def test_a_draft_whose_worker_died_is_not_created_again() -> None:
    shop = Shop()
    id = manage.create(shop.account, DRAFT)
    shop.vendor.fails = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        shop.work()
    (job,) = [envelope.job for envelope in shop.fake.queues.sent]
    assert isinstance(job, QueryJob)
    provider_query.answer(shop.world, job)
    assert shop.vendor.calls == ["create"]
    assert provider_query.result(shop.world, id) is None
