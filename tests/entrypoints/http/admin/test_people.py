"""All that is known of a person: exported, set, and forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain import audiences
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.plans import ChunkId, Entrants
from chalicelib.domain.traces import DAY, Event, Interacted, Interaction
from chalicelib.domain.users import MAX_EVENTS
from chalicelib.flow import reach
from chalicelib.manage import events
from tests.entrypoints.conftest import KEY, SENDER, Api, message, sha256
from tests.entrypoints.http.admin.management import change, problem
from tests.entrypoints.http.admin.test_caps import CAPS, a_topic

QUIET = {"begin": "22:00", "end": "08:00", "time_zone": "Asia/Shanghai"}


def a_person(api: Api) -> str:
    """Make a user with a consent, a place on a list, and a message that counts. Return its id."""
    api.users([{"userid": "user1", "phone": {"all": "18756432567"}, "attributes": {"name": "Li"}}])
    consent = {"type": "sms", "contact": "18756432567", "purpose": "news", "given": True}
    said = {**consent, "source": "form", "text_version": "2"}
    assert api("POST", "/v1/consents", {"consents": [said]}, auth=SENDER).code == 0
    api.world.audiences.change(audiences.listing(5), ["user1"])
    change(api, CAPS, {"caps": [{"most": 3, "days": 1}]}, "PUT")
    change(api, f"choice/{KEY}", {"own_rates": True}, "PUT")
    msgid: str = api.send(message(aud_userid=["user1"])).json["msgid"]
    accepted = api.fake.messages.stored[msgid]
    chunk = api.fake.ledger.chunk(ChunkId(msgid, 0), accepted)
    assert chunk is not None
    (code,) = chunk.plan.targets[0].contacts
    reported = (Fact(DeliveryRef(0, code, 0), FactKind.SUBMITTED, accepted.accepted),)
    order = {"name": "order", "properties": {"amount": 5}}
    assert api.admin("POST", "users/user1/events", order).status == 200
    today = accepted.accepted // DAY
    clicked = Interacted(Interaction.CLICKED, today, 1, 0)
    api.world.traces.interact(KEY, [("user1", clicked)])
    chunk = replace(chunk, reported=reported, entrants=(Entrants(1, 0, (0,), 0),))
    reach.keep(api.world, [(accepted, chunk)])
    return msgid


def export(api: Api) -> Any:
    reply = api.admin("POST", "users/user1/export")
    assert reply.status == 200, reply.body
    return reply.json


def test_an_export_has_all_that_is_known(configured: Api) -> None:
    msgid = a_person(configured)
    person = export(configured)
    assert person["user"]["attributes"] == {"name": "Li"}
    (consent,) = person["consents"]
    assert (consent["contact"], consent["source"]) == ("18756432567", "form")
    assert (consent["purpose"], consent["given"], consent["text_version"]) == ("news", True, "2")
    assert person["memberships"] == [{"family": "list", "id": 5, "name": "list 5"}]
    assert [entry["msgid"] for entry in person["counted"]] == [msgid]
    (reached,) = person["reached"]
    assert (reached["msgid"], reached["channel"], reached["stage"]) == (msgid, "sms", "submitted")
    (kept,) = person["kept_events"]
    assert (kept["name"], kept["events"][0]["properties"]) == ("order", {"amount": 5})
    (interaction,) = person["interactions"]
    assert (interaction["kind"], interaction["channel_key"]) == ("clicked", KEY)


def test_an_export_names_the_events_for_which_an_answer_has_no_room(configured: Api) -> None:
    configured.users([{"userid": "user1", "attributes": {"name": "Li"}}])
    now, long = configured.world.clock.now(), {"note": "\u0007" * 5_000}  # of 30 KB each in JSON
    names = [f"e{n:03}" for n in range(MAX_EVENTS)]
    happened = [("user1", Event(name, now, properties=long)) for name in names]
    assert events.record(configured.world, happened) == {}
    person = export(configured)
    listed = [kept["name"] for kept in person["kept_events"]]
    assert listed + person["left_out"] == names
    assert 50 < len(listed) < len(names)


def test_an_erasure_forgets_the_person_and_leaves_the_counts(configured: Api) -> None:
    msgid = a_person(configured)
    before = configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json
    erased = configured.admin("POST", "users/user1/erasure")
    assert erased.json == {"userid": "user1", "consents": 1, "memberships": 1}
    problem(configured, "POST", "users/user1/export", status=404)
    problem(configured, "POST", "users/user1/erasure", status=404)
    assert configured("GET", f"/v1/messages/{msgid}", auth=SENDER).json == before
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])
    again = export(configured)
    assert (again["consents"], again["memberships"]) == ([], [])
    assert (again["counted"], again["reached"]) == ([], [])
    assert (again["kept_events"], again["interactions"]) == ([], [])


def counted_meanwhile(api: Api, times: int) -> None:
    """Let others count a message of the person after each of some readings of its marks."""
    left = [times]

    def count(number: int, name: str) -> None:
        if name == "marks.get.done" and left[0]:
            left[0] -= 1
            for key, marks in api.fake.marks.stored.items():
                api.fake.marks.stored[key] = replace(marks, version=f"{left[0]}0")

    api.fake.on_step = count


def test_what_is_counted_during_an_erasure_is_forgotten_too(configured: Api) -> None:
    a_person(configured)
    counted_meanwhile(configured, 3)  # the export's two readings, and one of the erasure's
    assert configured.admin("POST", "users/user1/erasure").status == 200
    assert not any(marks.marks for marks in configured.fake.marks.stored.values())


def test_a_person_who_is_counted_all_the_time_is_not_said_to_be_forgotten(configured: Api) -> None:
    a_person(configured)
    counted_meanwhile(configured, 1000)
    problem(configured, "POST", "users/user1/erasure", status=409)
    configured.fake.spare()
    assert configured.admin("POST", "users/user1/erasure").status == 200
    assert not any(marks.marks for marks in configured.fake.marks.stored.values())


def test_consents_are_recorded_by_a_member_and_listed_masked_for_readers(configured: Api) -> None:
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])
    entry = {"type": "sms", "contact": "187 5643 2567", "purpose": "news", "given": True}
    said = {**entry, "source": "phone call", "text_version": "2026-1"}
    path = f"consents/{KEY}/records"
    assert configured.admin("POST", path, {"consents": [said]}).status == 204
    (listed,) = configured.admin("GET", "users/user1/consents").json["consents"]
    assert (listed["contact"], listed["given"]) == ("18756432567", True)
    assert (listed["channel_key"], listed["text_version"]) == (KEY, "2026-1")
    taken_back = {**entry, "given": False, "time": listed["time"] + 1}
    configured.world.clock.advance(5)
    assert configured.admin("POST", path, {"consents": [taken_back]}).status == 204
    reader = Member("reader", "r", Role.READ_ONLY, sha256("secret"))
    configured.fake.records.of(MEMBERS).put(reader)
    path_of_user = "/admin/v1/users/user1/consents"
    (listed,) = configured("GET", path_of_user, auth="reader:secret").json["consents"]
    assert (listed["contact"], listed["given"]) == ("187****2567", False)
    problem(configured, "GET", "users/nobody/consents", status=404)
    wrong = {"consents": [{**entry, "contact": "x"}]}
    problem(configured, "POST", path, wrong, field="consents[0]")
    problem(configured, "POST", "consents/nothing/records", {"consents": [entry]}, status=404)


def test_an_erasure_is_in_the_audit_log_before_anything_is_deleted(configured: Api) -> None:
    a_person(configured)
    before = export(configured)
    configured.fake.fail(ConnectionError("the table is not there"), "audit.write")
    assert configured.admin("POST", "users/user1/erasure").status >= 500
    configured.fake.spare()
    assert export(configured) == before
    assert configured.admin("POST", "users/user1/erasure").status == 200
    entries = configured.admin("GET", "audit").json["changes"]
    statuses = [each["status"] for each in entries if each["route"].endswith("/erasure")]
    assert sorted(statuses) == [200, 202]


def test_what_a_user_wants_is_shown_for_every_topic(configured: Api) -> None:
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])
    first, second = a_topic(configured), a_topic(configured, name="News")
    path = f"users/user1/preferences/{KEY}"
    body = {"topics": [{"topic": first, "channels": []}], "quiet": QUIET}
    assert configured.admin("PUT", path, body).status == 204
    shown = configured.admin("GET", path).json
    assert shown["kinds"] == ["sms"]
    assert shown["quiet"] == QUIET
    wanted = {topic["topic"]: topic["channels"] for topic in shown["topics"]}
    assert wanted == {first: [], second: ["sms"]}
    problem(configured, "GET", f"users/nobody/preferences/{KEY}", status=404)


def test_an_operator_sets_what_a_user_wants(configured: Api) -> None:
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])
    first, second = a_topic(configured), a_topic(configured, name="News")
    path = f"users/user1/preferences/{KEY}"
    wanted = {"topic": first, "channels": ["email", "sms"], "first": "sms"}
    body = {"topics": [wanted], "quiet": QUIET}
    assert configured.admin("PUT", path, body).status == 204
    assert export(configured)["preferences"][KEY] == {
        "topics": {str(first): ["sms", "email"]},
        "quiet": ["22:00", "08:00", "Asia/Shanghai"],
        "first": {str(first): "sms"},
    }
    other = {"topics": [{"topic": second, "channels": []}], "quiet": QUIET}
    assert configured.admin("PUT", path, other).status == 204
    kept = export(configured)["preferences"][KEY]
    assert kept["topics"] == {str(first): ["sms", "email"], str(second): []}
    assert kept["first"] == {str(first): "sms"}
    nowhere = {"topics": [{"topic": first, "channels": ["sms"], "first": "email"}]}
    problem(configured, "PUT", path, nowhere, field="topics[0]")
    unknown = {"topics": [{"topic": 99, "channels": []}]}
    problem(configured, "PUT", path, unknown, field="topics[0].topic")
    wrong = {"quiet": {**QUIET, "time_zone": "Nowhere/Land"}}
    problem(configured, "PUT", path, wrong, field="quiet.time_zone")
    problem(configured, "PUT", f"users/nobody/preferences/{KEY}", body, status=404)
    problem(configured, "PUT", "users/user1/preferences/nothing", body, status=404)
