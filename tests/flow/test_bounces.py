"""Mails that came back: their deliveries, and what becomes of their contacts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import funnel
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan, TargetLoss
from chalicelib.domain.provider_io import ContactReport, Receipt, ReceiptKind
from chalicelib.domain.users import Suppression
from chalicelib.flow import audience, bounces, receipts
from chalicelib.flow.candidates import Known
from chalicelib.flow.content import references
from chalicelib.reports import message as shown
from tests.builders import SHOP, a_channel, a_message, a_user, an_access_channel, at_once
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.people import EMAIL, user

ANN = "Ann@example.org"
REF = DeliveryRef(0, "mail", 0)
BOUNCED, COMPLAINED = ReceiptKind.BOUNCED, ReceiptKind.COMPLAINED


@pytest.fixture
def fake() -> FakeWorld:
    return a_world(soft_bounces=2)


def a_world(**options: bool | int) -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("mail", options=options))
    fake.settings.put_access_channel(an_access_channel(SHOP, ("mail",)))
    fake.settings.put_access_channel(an_access_channel("bank", ("mail",)))
    fake.users.has(a_user("ann", mail=ANN))
    return fake


def mailed(fake: FakeWorld, number: int = 1, *, is_sent: bool = True) -> tuple[Message, Plan]:
    """Plan a mail, and let the server take it, which counts as delivered."""
    message = a_message("ann", number=number, strategy=at_once("email"))
    fake.messages.has(message)
    plan = fake.ledger.put_plan(audience.make_plan(fake.ports, message, 0, ""), message)
    if is_sent:
        taken = [FactKind.SUBMITTED, FactKind.DELIVERED]
        facts = [Fact(REF, kind, START, "", "call") for kind in taken]
        fake.ledger.add(plan.id, facts, message)
    return message, plan


def report(fake: FakeWorld, plan: Plan, kind: ReceiptKind = BOUNCED, **more: object) -> None:
    reference = references.make(fake.vault, plan.id, REF)
    receipt = Receipt(reference, kind, START + 1, "", "5.1.1", **more)  # type: ignore[arg-type]
    receipts.record(fake.ports, "mail", [receipt])


def counts(fake: FakeWorld, message: Message, plan: Plan) -> funnel.Counts:
    chunk = fake.ledger.chunk(plan.id)
    assert chunk is not None
    return funnel.count(message, chunk)


def test_a_mail_that_came_back_was_not_delivered_and_its_contact_is_dead(fake: FakeWorld) -> None:
    message, plan = mailed(fake)
    for _ in range(2):  # a repeat changes nothing
        report(fake, plan, undeliverable=True)
    chunk = fake.ledger.chunk(plan.id)
    assert chunk is not None
    assert chunk.state_of(REF).state == "bounced"
    counted = counts(fake, message, plan)
    assert counted.channels["email"] == {"planned": 1, "valid": 1, "submitted": 1}
    assert counted.channel_losses["email"] == {"bounced:5.1.1": 1}
    assert counted.open["awaiting_receipt"] == 0
    assert shown.message(fake.ports, SHOP, message.msgid)["balanced"]
    assert user(fake).undeliverable == {EMAIL: {ANN: Suppression("5.1.1", START + 1)}}
    assert mailed(fake, 2, is_sent=False)[1].targets[0].loss is TargetLoss.CONTACT_GONE


def test_a_report_that_comes_before_the_answer_counts_too(fake: FakeWorld) -> None:
    message, plan = mailed(fake, is_sent=False)
    report(fake, plan)
    fake.ledger.add(plan.id, [Fact(REF, FactKind.DELIVERED, START, "", "call")], message)
    assert counts(fake, message, plan).channels["email"]["submitted"] == 1
    assert counts(fake, message, plan).channels["email"].get("delivered", 0) == 0


def test_soft_bounces_count_up_and_each_mail_counts_once(fake: FakeWorld) -> None:
    _, first = mailed(fake, 1)
    for _ in range(3):
        report(fake, first, soft=True)
    assert user(fake).undeliverable == {}
    report(fake, mailed(fake, 2)[1], soft=True)
    assert user(fake).undeliverable == {EMAIL: {ANN: Suppression("5.1.1", START + 1)}}


def test_a_mail_that_one_post_reports_twice_counts_once(fake: FakeWorld) -> None:
    _, plan = mailed(fake)
    reference = references.make(fake.vault, plan.id, REF)
    full = Receipt(reference, BOUNCED, START + 1, "", "4.2.2", soft=True)
    again = replace(full, time=START + 2, code="4.2.1")
    receipts.record(fake.ports, "mail", [full, again])
    assert user(fake).undeliverable == {}


def test_soft_bounces_of_another_month_do_not_count(fake: FakeWorld) -> None:
    report(fake, mailed(fake, 1)[1], soft=True)
    fake.clock.advance(bounces.WINDOW)
    report(fake, mailed(fake, 2)[1], soft=True)
    assert user(fake).undeliverable == {}


def test_an_operator_may_let_them_never_count() -> None:
    fake = a_world(soft_bounces=0)
    for number in range(1, 9):
        report(fake, mailed(fake, number)[1], soft=True)
    assert user(fake).undeliverable == {}


def test_a_complaint_opts_out_of_the_access_channel_that_sent_the_mail(fake: FakeWorld) -> None:
    message, plan = mailed(fake)
    report(fake, plan, COMPLAINED)
    assert user(fake).opt_outs == {EMAIL: {ANN: {SHOP: Suppression("complaint", START)}}}
    counted = counts(fake, message, plan)
    assert counted.channels["email"]["complained"] == 1
    assert counted.channels["email"]["delivered"] == 1
    assert mailed(fake, 2, is_sent=False)[1].targets[0].loss is TargetLoss.OPTED_OUT


def test_a_reference_of_another_channel_or_a_changed_one_names_nothing(fake: FakeWorld) -> None:
    message, plan = mailed(fake)
    reference = references.make(fake.vault, plan.id, REF)
    last = "0" if reference[-1] != "0" else "1"
    for channel, id in (("post", reference), ("mail", reference[:-1] + last), ("mail", "x" * 40)):
        receipts.record(fake.ports, channel, [Receipt(id, BOUNCED, START, undeliverable=True)])
    assert counts(fake, message, plan).channels["email"]["delivered"] == 1
    assert user(fake).undeliverable == {}


def test_a_reference_survives_servers_that_change_its_case(fake: FakeWorld) -> None:
    _, plan = mailed(fake)
    reference = references.make(fake.vault, plan.id, REF)
    lookup = references.read(fake.vault, "mail", reference.upper())
    assert lookup is not None
    assert (lookup.chunk, lookup.ref) == (plan.id, (0, 0))
    assert len(reference) == 40


@pytest.mark.parametrize("more", [{"undeliverable": True}, {"soft": True}])
def test_an_address_in_the_place_of_a_code_is_not_kept(more: dict[str, bool]) -> None:
    """A mail system may post its server's words. Facts, figures, users and files have the code."""
    fake = a_world(soft_bounces=1)
    _, plan = mailed(fake)
    reference = references.make(fake.vault, plan.id, REF)
    words = f"550 <{ANN.lower()}>: no such user"
    receipts.record(fake.ports, "mail", [Receipt(reference, BOUNCED, START, "", words, **more)])
    chunk = fake.ledger.chunk(plan.id)
    assert chunk is not None
    assert chunk.state_of(REF).facts[FactKind.BOUNCED].code == "***"
    assert user(fake).undeliverable == {EMAIL: {ANN: Suppression("***", START)}}


def test_an_address_in_the_place_of_the_code_of_a_contact_is_not_kept(fake: FakeWorld) -> None:
    report = ContactReport(ANN, BOUNCED, START, f"no {ANN}", undeliverable=True)
    bounces.record(fake.ports, a_channel("mail"), [report])
    assert user(fake).undeliverable == {EMAIL: {ANN: Suppression("***", START)}}


def test_a_report_may_name_a_contact_alone(fake: FakeWorld) -> None:
    channel = a_channel("mail", options={"soft_bounces": 2})
    hard = ContactReport(ANN, BOUNCED, START, "550", undeliverable=True)
    bounces.record(fake.ports, channel, [hard])
    assert user(fake).undeliverable == {EMAIL: {ANN: Suppression("550", START)}}
    bounces.record(fake.ports, channel, [ContactReport(ANN, COMPLAINED, START)])
    assert set(user(fake).opt_outs[EMAIL][ANN]) == {SHOP, "bank"}


def test_soft_reports_of_a_contact_count_up_too(fake: FakeWorld) -> None:
    channel = a_channel("mail", options={"soft_bounces": 2})
    soft = ContactReport(ANN, BOUNCED, START, "full", soft=True)
    bounces.record(fake.ports, channel, [soft])
    assert user(fake).undeliverable == {}
    bounces.record(fake.ports, channel, [soft])
    assert user(fake).undeliverable == {EMAIL: {ANN: Suppression("full", START)}}


@pytest.mark.parametrize(
    ("priority", "options", "loss"),
    [
        (Priority.HIGH, {}, None),
        (Priority.HIGH, {"unsubscribe": True}, TargetLoss.OPTED_OUT),
        (Priority.MEDIUM, {}, TargetLoss.OPTED_OUT),
        (Priority.MEDIUM, {"unsubscribe": False}, TargetLoss.OPTED_OUT),
    ],
)
def test_an_opt_out_does_not_stop_the_mails_that_offer_none(
    priority: Priority, options: dict[str, bool], loss: TargetLoss | None
) -> None:
    fake = a_world(**options)
    report(fake, mailed(fake)[1], COMPLAINED)
    message = a_message("ann", number=2, strategy=at_once("email"), priority=priority)
    assert audience.make_plan(fake.ports, message, 0, "").targets[0].loss is loss
    names = Audience(AudienceKind.CONTACTS)
    message = replace(message, userids=("email#0123456789abcdef",), audience=names)
    plan = audience.make_plan(fake.ports, message, 0, "", Known((ANN.upper(),)))
    assert (plan.targets[0].loss, bool(plan.contacts[0])) == (loss, loss is None)
