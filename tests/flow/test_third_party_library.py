"""A provider's library of templates: what a delivery function makes of it and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Throttled
from chalicelib.domain.third_party import LIBRARIES, Keyword, Registered, State
from chalicelib.flow import provider_query
from chalicelib.manage import third_party_library as library
from tests.flow.registries import LISTED, Shop, Vendor


def test_a_library_is_searched_as_it_was_synced_and_a_template_made_of_it() -> None:
    shop = Shop(LISTED)
    assert library.library(shop.account).titles == ()
    library.sync(shop.account)
    library.ask_keywords(shop.account, "2")
    shop.work(times=2)
    synced = library.library(shop.account)
    assert [title.id for _, title in library.titles(synced, "LOST", 0, 10)] == ["2"]
    assert [place for place, _ in library.titles(synced, "order", 1, 10)] == [2]
    assert synced.keywords["2"] == (Keyword(1, "Order", kind="number"),)
    assert len(shop.world.records.of(LIBRARIES).list()) == 1
    id = library.choose(shop.account, "2", [1], "")
    shop.work(times=2)
    assert shop.vendor.calls.count("choose") == 1
    assert shop.answered(id).made == "chosen-2"
    assert shop.states() == {"chosen-2": State.NORMAL}


@dataclass
class Busy(Vendor):
    """A vendor that makes a template and does not list any right after."""

    is_busy: bool = False

    def choose(self, id: str, keywords: Sequence[int], scene: str) -> str:
        self.is_busy = True
        return super().choose(id, keywords, scene)

    def all(self) -> Sequence[Registered]:
        if self.is_busy:
            self.is_busy, self.fails = False, Throttled("45009")
        return super().all()


def test_a_template_that_was_made_is_told_also_if_it_cannot_be_listed_then() -> None:
    """Operators who hear of a failure make another one."""
    shop = Shop(LISTED)
    shop.vendor = Busy(account=shop.vendor.account)
    id = library.choose(shop.account, "2", [1], "")
    shop.work()
    assert shop.answered(id) == provider_query.QueryResult(made="chosen-2")
    assert shop.refresh() == provider_query.QueryResult()
    assert shop.states() == {"chosen-2": State.NORMAL}
