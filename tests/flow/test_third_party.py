"""Third-party templates: what a delivery function asks, keeps and marks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.domain.errors import Invalid, NotFound, Rejected, Stale, Throttled
from chalicelib.domain.third_party import (
    REGISTERED,
    Draft,
    Family,
    Registers,
    Report,
    Review,
    Sort,
    State,
)
from chalicelib.flow import provider_query, third_party
from chalicelib.manage import access_channels
from chalicelib.manage import third_party as manage
from chalicelib.manage import third_party_library as library
from tests.flow.registries import LISTED, TEMPLATE, Shop, uses

DRAFT = Draft(Sort.TEXT, "Code {{code}}", "notice")


def test_what_the_provider_lists_is_kept_and_what_it_lists_no_more_is_invalid() -> None:
    shop = Shop(LISTED)
    shop.vendor.has("a")
    shop.vendor.has("b")
    assert shop.refresh() == provider_query.QueryResult()
    del shop.vendor.kept["a"]
    shop.refresh()
    assert shop.states() == {"a": State.INVALID, "b": State.NORMAL}
    shop.vendor.has("a")
    shop.refresh()
    assert shop.states() == {"a": State.NORMAL, "b": State.NORMAL}


def test_a_refresh_that_finds_nothing_new_writes_nothing() -> None:
    shop = Shop(LISTED)
    shop.vendor.has("a")
    shop.refresh()
    before = manage.get(shop.world, TEMPLATE, "text", "a")
    shop.refresh()
    assert manage.get(shop.world, TEMPLATE, "text", "a") == before


def test_what_was_entered_by_hand_is_not_missed_in_a_list() -> None:
    shop = Shop(LISTED)
    manage.enter(shop.account, "mine", "Mine", "")
    shop.refresh()
    assert shop.states() == {"mine": State.NORMAL}
    manage.enter(shop.account, "mine", "Mine, again", "")
    assert manage.get(shop.world, TEMPLATE, "text", "mine").version == 2


def test_templates_without_a_list_are_asked_for_one_by_one_in_several_jobs() -> None:
    shop = Shop()
    for n in range(third_party.ROUND + 3):
        shop.vendor.has(f"{n:03d}")
        shop.world.records.of(REGISTERED[TEMPLATE]).put(shop.vendor.kept[f"{n:03d}"])
    del shop.vendor.kept["001"]
    del shop.vendor.kept["027"]
    shop.refresh()
    assert len(shop.vendor.calls) == third_party.ROUND + 3
    assert [id for id, state in shop.states().items() if state is State.INVALID] == ["001", "027"]


def test_a_draft_is_created_once_however_often_its_job_comes() -> None:
    shop = Shop()
    id = manage.create(shop.account, DRAFT)
    shop.work(times=3)
    assert shop.vendor.calls == ["create"]
    assert shop.answered(id).made == "1"
    assert manage.get(shop.world, TEMPLATE, "text", "1").review is Review.IN_REVIEW


def a_refused(shop: Shop) -> None:
    kept = shop.vendor.has("1", review=Review.REFUSED)
    shop.world.records.of(REGISTERED[TEMPLATE]).put(kept)


def test_a_provider_that_refuses_says_so_and_keeps_nothing() -> None:
    shop = Shop()
    shop.vendor.fails = Throttled("50009")
    id = manage.create(shop.account, DRAFT)
    shop.work()
    assert (shop.answered(id).code, shop.answered(id).kind) == ("50009", "throttled")
    assert shop.states() == {}


def test_an_import_keeps_what_the_account_has_and_refuses_the_rest() -> None:
    shop = Shop()
    shop.vendor.has("7")
    ids = [manage.import_(shop.account, TEMPLATE, id) for id in ("7", "8")]
    shop.work(times=2)
    assert [shop.answered(id).made for id in ids] == ["7", ""]
    assert shop.answered(ids[1]).code == "no_such_template"
    assert shop.states() == {"7": State.NORMAL}


def test_only_what_was_refused_is_changed_and_only_from_its_version() -> None:
    shop = Shop()
    shop.vendor.has("7")
    manage.import_(shop.account, TEMPLATE, "7")
    shop.work()
    with pytest.raises(Invalid, match="refused"):
        manage.change(shop.account, DRAFT, "7", 1)
    third_party.take_reviews(
        shop.world, shop.channel, [Report(TEMPLATE, "7", Review.REFUSED, "spam")]
    )
    stored = manage.get(shop.world, TEMPLATE, "text", "7")
    assert (stored.review, stored.reason, stored.version) == (Review.REFUSED, "spam", 2)
    with pytest.raises(Stale):
        manage.change(shop.account, DRAFT, "7", 1)
    manage.change(shop.account, DRAFT, "7", 2)
    shop.work()
    assert manage.get(shop.world, TEMPLATE, "text", "7").review is Review.IN_REVIEW


def test_a_refresh_that_does_not_say_why_keeps_why_it_was_refused() -> None:
    shop = Shop()
    shop.vendor.has("7", review=Review.REFUSED)
    manage.import_(shop.account, TEMPLATE, "7")
    shop.work()
    refused = Report(TEMPLATE, "7", Review.REFUSED, "spam")
    third_party.take_reviews(shop.world, shop.channel, [refused, refused])
    shop.refresh()
    stored = manage.get(shop.world, TEMPLATE, "text", "7")
    assert (stored.reason, stored.version) == ("spam", 2)
    shop.vendor.has("7")
    shop.refresh()
    assert manage.get(shop.world, TEMPLATE, "text", "7").reason == ""


def test_a_repeated_report_and_one_of_an_unknown_text_write_nothing() -> None:
    shop = Shop()
    reports = [
        Report(TEMPLATE, "7", Review.APPROVED),
        Report(Family.SIGNATURE, "7", Review.REFUSED),
    ]
    third_party.take_reviews(shop.world, shop.channel, reports)
    assert shop.states() == {}


def test_a_deletion_is_the_providers_too_and_then_forgotten_here() -> None:
    shop = Shop()
    shop.vendor.has("7")
    manage.import_(shop.account, TEMPLATE, "7")
    shop.work()
    assert manage.delete(shop.account, TEMPLATE, "7", None)
    shop.work(times=2)
    assert shop.vendor.kept == {}
    assert shop.states() == {"7": State.INVALID}
    manage.forget(shop.account, TEMPLATE, "7")
    manage.forget(shop.account, TEMPLATE, "7")
    assert shop.states() == {}


def test_what_is_invalid_or_unknown_is_deleted_here_alone() -> None:
    shop = Shop()
    for id, account in (("gone", shop.vendor.account), ("unknown", "other")):
        found = replace(shop.vendor.has(id), account=account, is_invalid=id == "gone")
        shop.world.records.of(REGISTERED[TEMPLATE]).put(found)
        assert manage.delete(shop.account, TEMPLATE, id, None) == ""
    assert shop.states() == {}
    assert not shop.fake.queues.sent


def test_other_credentials_make_every_state_unknown_until_a_refresh() -> None:
    shop = Shop(LISTED)
    shop.vendor.has("a")
    shop.refresh()
    sealed = shop.fake.credentials.seal_credentials({"key": "another"})
    before = shop.channel
    shop.fake.settings.update_channel(before, replace(before, sealed_credentials=sealed, version=9))
    assert shop.states() == {"a": State.UNKNOWN}
    shop.vendor.account = shop.channel.credentials_fingerprint
    shop.vendor.has("a")
    shop.refresh()
    assert shop.states() == {"a": State.NORMAL}


def test_without_an_authorisation_every_state_is_unknown() -> None:
    shop = Shop(LISTED)
    shop.vendor.has("a")
    shop.refresh()
    access_channels.authorise(shop.world, "shop", "text", None)
    assert shop.states() == {"a": State.UNKNOWN}
    access_channels.authorise(shop.world, "shop", "text", enabled=True)
    assert shop.states() == {"a": State.NORMAL}


def test_templates_of_a_deleted_channel_can_be_seen_and_deleted() -> None:
    shop = Shop()
    shop.world.records.of(REGISTERED[TEMPLATE]).put(shop.vendor.has("a"))
    shop.fake.records.of(DELIVERY_CHANNELS).stored.clear()
    account = manage.account(shop.world, "text", TEMPLATE)
    assert manage.actions(account, TEMPLATE) == []
    with pytest.raises(NotFound):
        manage.refresh(account, TEMPLATE)
    assert manage.delete(account, TEMPLATE, "a", None) == ""
    with pytest.raises(NotFound):
        manage.account(shop.world, "text", TEMPLATE)


def test_the_channel_says_that_templates_are_kept_before_the_first_one_is() -> None:
    shop = Shop()
    assert not shop.channel.has_templates
    manage.refresh(shop.account, TEMPLATE)
    assert shop.channel.has_templates
    version = shop.channel.version
    manage.refresh(shop.account, TEMPLATE)
    assert shop.channel.version == version


@pytest.mark.parametrize("action", [manage.refresh, lambda account, family: library.sync(account)])
def test_a_platform_without_templates_is_not_asked(action: Any) -> None:
    shop = Shop()
    shop.fake.providers.text.can(registers=None)
    with pytest.raises(Invalid, match="does not offer"):
        action(shop.account, TEMPLATE)
    shop.fake.providers.text.can(registers=Registers(actions={}, uses=uses))
    with pytest.raises(Invalid, match="does not offer"):
        action(shop.account, TEMPLATE)
    assert not shop.fake.queues.sent


# -- certificates


IMAGES = (b"\x89PNG\r\n\x1a\nA", b"\xff\xd8\xffB")


def with_images() -> Draft:
    return replace(DRAFT, images=IMAGES)


def files(shop: Shop) -> dict[str, bytes]:
    return {name: body for name, body in shop.fake.files.stored.items() if "certificates" in name}


def test_images_wait_sealed_and_are_deleted_when_the_provider_has_them() -> None:
    shop = Shop()
    manage.create(shop.account, with_images())
    ((name, sealed),) = files(shop).items()
    assert name.startswith("certificates/sms/")
    assert not any(image in sealed for image in IMAGES)
    shop.work(times=2)
    assert [draft.images for draft in shop.vendor.drafts] == [IMAGES]
    assert not files(shop)


def test_images_are_deleted_when_the_provider_refuses_them() -> None:
    shop = Shop()
    shop.vendor.fails = Rejected("50101")
    id = manage.create(shop.account, with_images())
    shop.work()
    assert shop.answered(id).code == "50101"
    assert not files(shop)


def test_images_that_are_gone_are_not_left_out_silently() -> None:
    shop = Shop()
    id = manage.create(shop.account, with_images())
    shop.fake.files.stored.clear()
    shop.work()
    assert shop.answered(id).code == "images_gone"
    assert not shop.vendor.calls


def test_a_change_brings_its_own_images() -> None:
    shop = Shop()
    a_refused(shop)
    manage.change(shop.account, with_images(), "1", 1)
    shop.work()
    assert [draft.images for draft in shop.vendor.drafts] == [IMAGES]


def test_an_order_without_images_writes_no_file() -> None:
    shop = Shop()
    manage.create(shop.account, DRAFT)
    assert not shop.fake.files.stored
