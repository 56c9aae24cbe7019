"""Every spelling of a contact is one contact: for opt-outs, marks, targets, receipts, sending."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.domain.users import ALL, Bindings, Suppression, User, UserChange, apply
from chalicelib.flow import receipts, select, submit, suppressions
from chalicelib.flow.content import email
from chalicelib.manage import users
from chalicelib.ports import Lookup
from tests.builders import SHOP, a_template, a_user
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.people import DEAD, EMAIL, PHONE, SMS, a_world, named, planned, user
from tests.simulation.world import Simulation

ABROAD = ("85291234567", "+85291234567", "0085291234567", "852-9123 4567")
MAILBOX = ("Ann@Example.com", "ann@exam\u200bple.com", "ann@example\u3002com", "ANN@example.com")


@pytest.fixture
def fake() -> FakeWorld:
    return a_world()


@pytest.mark.parametrize("spelling", ABROAD)
def test_a_word_from_one_spelling_of_a_number_stops_all(fake: FakeWorld, spelling: str) -> None:
    fake.users.has(*(a_user(f"u{n}", text=other) for n, other in enumerate(ABROAD)))
    receipts.record_replies(fake.ports, "text", [Reply(spelling, "TD", START)])
    _, plan = planned(fake, *(f"u{n}" for n in range(len(ABROAD))))
    assert {target.loss for target in plan.targets} == {TargetLoss.OPTED_OUT}
    assert {target.loss for target in named(fake, *ABROAD)[1].targets} == {TargetLoss.OPTED_OUT}
    for other in ABROAD:
        users.change(fake.ports, [UserChange("new", set=Bindings({SMS: {ALL: (other,)}}))])
        assert user(fake, "new").suppression(SMS, "+85291234567", SHOP) == "opted_out"
    receipts.record_replies(fake.ports, "text", [Reply(ABROAD[0], "START", START + 1)])
    assert {target.loss for target in named(fake, *ABROAD)[1].targets} == {None}
    assert [user(fake, f"u{n}").opt_outs for n in range(len(ABROAD))] == [{}] * len(ABROAD)


@pytest.mark.parametrize("spelling", MAILBOX)
def test_who_unsubscribes_one_spelling_of_a_mailbox_gets_no_mail_at_any(
    fake: FakeWorld, spelling: str
) -> None:
    fake.users.has(*(a_user(f"u{n}", mail=other) for n, other in enumerate(MAILBOX)))
    token = email.unsubscribe_token(fake.ports.vault, EMAIL, SHOP, spelling)
    email.unsubscribe(fake.ports, token)
    for n, other in enumerate(MAILBOX):
        assert user(fake, f"u{n}").suppression(EMAIL, other, SHOP) == "opted_out"
    assert set(fake.ports.audiences.opt_outs({EMAIL: MAILBOX})[EMAIL]) == set(MAILBOX)


def test_an_opt_out_that_users_hold_under_an_older_spelling_holds(fake: FakeWorld) -> None:
    """The contact was spelt anew since, or the flag was stored before there was one spelling."""
    out = {SMS: {"0085291234567": {SHOP: Suppression("reply", START)}}}
    fake.users.has(replace(a_user("old", text="+85291234567"), opt_outs=out))
    assert planned(fake, "old")[1].targets[0].loss is TargetLoss.OPTED_OUT
    receipts.record_replies(fake.ports, "text", [Reply("85291234567", "START", START + 1)])
    assert user(fake, "old").opt_outs == {}


def test_a_dead_number_is_marked_for_every_spelling_and_lives_for_every_spelling(
    fake: FakeWorld,
) -> None:
    fake.users.has(*(a_user(f"u{n}", text=other) for n, other in enumerate(ABROAD)))
    message, plan = named(fake, ABROAD[2])
    ref = DeliveryRef(0, "text", 0)
    dead = suppressions.ContactFeedback(message, plan, ref, True, DEAD)
    suppressions.apply_feedback(fake.ports, [dead])
    _, marked = planned(fake, *(f"u{n}" for n in range(len(ABROAD))))
    assert {target.loss for target in marked.targets} == {TargetLoss.CONTACT_GONE}
    lives = replace(dead, undeliverable=False, suppression=Suppression("", START + 9))
    suppressions.apply_feedback(fake.ports, [lives])
    assert [user(fake, f"u{n}").undeliverable for n in range(len(ABROAD))] == [{}] * len(ABROAD)


def test_a_user_of_an_earlier_release_is_asked_for_opt_outs_when_a_message_is_planned(
    fake: FakeWorld,
) -> None:
    """The rows of such a user are named by the spelling, and the opt-out does not find them."""
    fake.ports.audiences.set_opt_out(SMS, ABROAD[0], [SHOP], START, True)
    fake.users.has(
        replace(a_user("old", text=ABROAD[2]), is_older=True),
        replace(a_user("usual", text="13900003333"), is_older=True),
        a_user("new", text="13900004444"),
    )
    fake.log.clear()
    plan = planned(fake, "old", "usual", "new")[1]
    assert [target.loss for target in plan.targets] == [TargetLoss.OPTED_OUT, None, None]
    assert fake.log.count("audiences.opted") == 1
    fake.log.clear()
    planned(fake, "usual", "new", number=2)
    assert "audiences.opted" not in fake.log


def test_naming_a_dead_contact_in_another_spelling_revives_it(fake: FakeWorld) -> None:
    fake.users.has(replace(user(fake), undeliverable={SMS: {PHONE: DEAD}}))
    users.change(fake.ports, [UserChange("ann", set=Bindings({SMS: {ALL: (f"+86{PHONE}",)}}))])
    assert user(fake).undeliverable == {}


def test_spellings_of_one_number_are_one_target_and_one_sms() -> None:
    simulation = Simulation()
    simulation.world.settings.put_template(a_template(2, ("sms",)))
    contacts = {SMS: ("13900001111", *ABROAD, "+86 139 0000 1111")}
    request = replace(simulation.request(), userids=(), rule_id=0, template=2, contacts=contacts)
    submit.submit(simulation.world.ports, request)
    simulation.run()
    assert simulation.world.providers.text.sent() == {"13900001111": 1, "+85291234567": 1}


def test_a_target_has_one_name_for_every_spelling(fake: FakeWorld) -> None:
    names = {select.target_of(fake.ports.vault, SMS, spelling) for spelling in ABROAD}
    assert len(names) == 1


def test_what_was_stored_in_another_spelling_is_sent_in_the_canonical_one(fake: FakeWorld) -> None:
    fake.users.has(a_user("old", text="0085291234567"))
    assert planned(fake, "old")[1].contacts == ({"text": ("+85291234567",)},)


@pytest.mark.parametrize("spelling", ABROAD)
def test_a_receipt_finds_its_delivery_however_the_provider_writes_the_number(spelling: str) -> None:
    _, plan = named(a_world(), "0085291234567")
    receipt = Receipt("id", ReceiptKind.DELIVERED, START, spelling)
    (fact,) = receipts._facts(FakeWorld().ports, plan, "text", SMS, receipt, Lookup(plan.id))
    assert (fact.kind, fact.ref) == (FactKind.DELIVERED, DeliveryRef(0, "text", 0))


def test_two_ids_of_one_person_in_wecom_are_one_contact() -> None:
    kind = ChannelType.WECHATWK_LINKEDCORP
    both = ("Corp/ZhangSan", "Corp/zhangsan")
    change = UserChange("u", add=Bindings({kind: {ALL: both}}))
    added = apply(User("u"), change)
    assert added.contacts == {kind: {ALL: both[1:]}}
    taken = UserChange("u", remove=Bindings({kind: {ALL: both[:1]}}))
    assert apply(added, taken).contacts == {}
