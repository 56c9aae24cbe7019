"""Messages, as operators list and read them."""

from __future__ import annotations

import base64
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.lambdas.schedules import schedules as wake
from chalicelib.flow import figures
from tests.builders import a_message, a_plan
from tests.entrypoints import conftest
from tests.entrypoints.conftest import ADMIN, KEY, SENDER, Api
from tests.entrypoints.http.admin.management import pages


def test_messages_are_listed_newest_first_and_shown_as_their_sender_sees_them(
    configured: Api,
) -> None:
    fake = configured.fake
    made = [
        a_message("ann", channel_key=KEY, accepted=fake.clock.now() - n * 3_600_000, number=n)
        for n in range(5)
    ]
    for message in (*made, a_message("ann", channel_key="other", number=9)):
        fake.messages.has(message)
    listed = pages(configured, f"messages?channel_key={KEY}&limit=2", "messages")
    assert [[each["msgid"] for each in page] for page in listed] == [
        [m.msgid for m in made[:2]],
        [m.msgid for m in made[2:4]],
        [made[4].msgid],
    ]
    assert listed[0][0] == {
        "msgid": made[0].msgid,
        "accepted": made[0].accepted,
        "ended": None,
        "audience": "users",
        "targets": 1,
        "priority": 2,
        "template": None,
        "rule_id": 0,
        "channels": ["app"],
        "sendno": "",
        "owner": "",
        "name": "",
        "origin": "api",
        "sender": None,
        "status": "accepted",
        "users": None,
        "cost": None,
    }
    for since, until, expected in (
        (made[3].accepted, made[1].accepted, made[2:4]),
        (made[0].accepted, 10**14 - 1, made[:1]),
        (0, made[4].accepted, []),
        (made[1].accepted, made[1].accepted + 1, made[1:2]),
        (made[1].accepted, made[3].accepted, []),
        (10**14 - 1, 0, []),
    ):
        listed = pages(
            configured,
            f"messages?channel_key={KEY}&limit=1&since={since}&until={until}",
            "messages",
        )
        assert [each["msgid"] for page in listed for each in page] == [m.msgid for m in expected]
    future = (
        base64.urlsafe_b64encode(keys.message_id(2**48 - 1, bytes(4)).encode()).decode().rstrip("=")
    )
    assert (
        len(configured.admin("GET", f"messages?channel_key={KEY}&cursor={future}").json["messages"])
        == 5
    )


def test_a_list_is_refused_without_its_channel_or_with_an_unreadable_place(
    configured: Api,
) -> None:
    for wrong in ("since=-1", "since=x", "since=100000000000000", "until=1.5"):
        assert configured.admin("GET", f"messages?channel_key={KEY}&{wrong}").status == 400
    assert configured.admin("GET", "messages?channel_key=nobody").status == 404
    assert configured.admin("GET", "messages").status == 400
    assert configured.admin("GET", f"messages?channel_key={KEY}&cursor=AAAA").status == 400


def test_any_message_is_shown_as_its_sender_sees_it(configured: Api) -> None:
    configured.users([{"userid": "user1", "set": {"app": {"app1": ["r1"]}}}])
    msgid = configured.send(
        {
            "aud_userid": ["user1"],
            "template_id": 1,
            "template_para": {"name": "Li"},
            "app_para": {"platform": "all"},
            "rule_id": 1,
        }
    ).json["msgid"]
    assert (
        configured.admin("GET", f"messages/{msgid}").json
        == configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json
    )
    for missing in (
        "messages/nothing",
        "messages/" + "0" * 16,
        f"messages/{'0' * 16}/targets/user1",
    ):
        assert configured.admin("GET", missing).status == 404
    assert [
        each["msgid"]
        for each in configured.admin("GET", f"messages?channel_key={KEY}").json["messages"]
    ] == [msgid]


def counted(configured: Api) -> None:
    """Note every message as the stream does, and count what is due."""
    fake = configured.fake
    notes = [Note(ChunkId(id, 0), message) for id, message in fake.messages.stored.items()]
    figures.note(fake.ports, [*notes, *fake.ledger.noted])
    figures.count_blocks(fake.ports, fake.timers.waiting())


def sent(configured: Api, name: str, **option: Any) -> str:
    body = {
        "aud_userid": ["user1"],
        "template_id": 1,
        "template_para": {"name": "Li"},
        "app_para": {"platform": "all"},
        "option": {"name": name, **option},
    }
    answer = configured.send(body)
    assert answer.status == 200, answer.json
    return str(answer.json["msgid"])


def listed(configured: Api, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = configured.admin(
        "GET", f"messages?channel_key={KEY}{query}"
    ).json["messages"]
    return found


def test_rows_have_state_and_figures_of_each_message(configured: Api) -> None:
    configured.users([{"userid": "user1", "set": {"app": {"app1": ["r1"]}}}])
    sent(configured, "Sale", owner="shop", sendno="A-1")
    assert [(row["status"], row["users"]) for row in listed(configured)] == [("accepted", None)]
    counted(configured)
    (row,) = listed(configured)
    assert (row["name"], row["owner"], row["origin"]) == ("Sale", "shop", "api")
    assert row["status"] == "sending"
    assert row["users"]["planned"] == row["users"]["valid"] == 1
    assert row["users"]["delivery_rate"] is None


def test_messages_are_found_by_name_number_owner_template_and_state(configured: Api) -> None:
    for number, name in enumerate(("Winter sale", "Code", "Summer SALE")):
        sent(configured, name, owner=f"o{number}", sendno=f"N-{number}")
        configured.fake.clock.advance(1)
    counted(configured)
    for query, names in (
        ("text=sale", ["Summer SALE", "Winter sale"]),
        ("text=n-1", ["Code"]),
        ("owner=o2", ["Summer SALE"]),
        ("template=1&text=code", ["Code"]),
        ("template=2", []),
        ("origin=api&text=code", ["Code"]),
        ("origin=console", []),
        ("status=finished&text=winter", ["Winter sale"]),
        ("status=withdrawn", []),
    ):
        assert [row["name"] for row in listed(configured, f"&{query}")] == names, query
    assert configured.admin("GET", f"messages?channel_key={KEY}&status=lost").status == 400


def test_rows_say_who_sent_a_message_and_on_which_way(configured: Api) -> None:
    """By an access channel, by a member, and by a schedule of a member."""
    fake = configured.fake
    body = conftest.message(rule_id=0)
    by_channel = sent(configured, "")
    fake.clock.advance(1)
    by_member = configured.admin("POST", "messages", {"channel_key": KEY, "message": body}).json[
        "msgid"
    ]
    later = {"at": "2027-02-01T18:00", "time_zone": "Asia/Shanghai"}
    waiting = configured.admin(
        "POST", "schedules", {"channel_key": KEY, "message": body, "schedule": later}
    ).json["id"]
    assert configured.admin("GET", f"messages/{waiting}").json["origin"] == "schedule"
    fake.clock.time = fake.wakeups.next() or 0
    wake({"id": waiting}, None)
    assert [(row["origin"], row["sender"]) for row in listed(configured)] == [
        ("schedule", ADMIN),
        ("console", ADMIN),
        ("api", None),
    ]
    for query, msgids in (("origin=console", [by_member]), ("origin=api", [by_channel])):
        assert [row["msgid"] for row in listed(configured, f"&{query}")] == msgids
    assert len(listed(configured, f"&sender={ADMIN}")) == 2
    report = configured.admin("GET", f"messages/{by_member}").json
    assert (report["origin"], report["sender"]) == ("console", ADMIN)


def test_a_message_that_is_over_says_when_its_last_fact_was(configured: Api) -> None:
    fake = configured.fake
    message = a_message("ann", channel_key=KEY, accepted=fake.clock.now())
    plan = a_plan(message)
    fake.messages.has(message)
    fake.ledger.put_plan(plan, message)
    path = f"messages/{message.msgid}"
    assert configured.admin("GET", path).json["ended"] is None
    at = message.accepted + 5_000
    for kind, time in ((FactKind.SUBMITTED, at), (FactKind.DELIVERED, at + 60_000)):
        fact = Fact(DeliveryRef(0, "push", 0), kind, time)
        fake.ledger.add(plan.id, [fact], message)
    assert configured.admin("GET", path).json["ended"] == at + 60_000
    counted(configured)
    assert [row["ended"] for row in listed(configured)] == [at + 60_000]


def test_a_search_goes_on_where_its_page_ended(configured: Api) -> None:
    configured.has_sizes(searched_messages=2)
    for name in ("rare", "usual", "usual", "usual"):
        sent(configured, name)
        configured.fake.clock.advance(1)
    found = pages(configured, f"messages?channel_key={KEY}&text=rare", "messages")
    assert [[row["name"] for row in page] for page in found] == [[], ["rare"]]
