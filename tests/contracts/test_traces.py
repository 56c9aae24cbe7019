"""Traces of users are found by pages of users, and nobody else's with them."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from typing import Any

from chalicelib.aws.items import to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.traces import DAY, Interacted, Interaction, Occurrence
from chalicelib.ports import Lookup, World
from tests.builders import a_plan, a_user
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, plain, put_lookups

TODAY = time.time_ns() // 1_000_000 // DAY
CLICKED = Interacted(Interaction.CLICKED, TODAY, 3, 4)
LOG = (Occurrence(TODAY * DAY, {"amount": 5, "城市": "杭州"}), Occurrence(TODAY * DAY + 1, {}))


def in_order(*userids: str) -> list[str]:
    return sorted(userids, key=keys.position)


def test_a_log_is_written_with_its_user(container: Container, unique: str) -> None:
    ann, bob = a_user(f"ann-{unique}"), a_user(f"bob-{unique}")
    logs = {(ann.userid, "order"): LOG, (bob.userid, "order"): LOG[:1]}
    assert container().users.save([ann, bob], {}, logs) == frozenset()
    other = container().traces
    wanted = [(ann.userid, "order"), (ann.userid, "login"), (bob.userid, "order")]
    assert other.logs(wanted) == logs
    page = in_order(ann.userid, bob.userid)
    assert other.logs_between(page, "order") == {ann.userid: LOG, bob.userid: LOG[:1]}
    assert other.logs_between(page, "login") == {}


def test_more_logs_of_a_user_are_written_than_a_transaction_takes(
    container: Container, unique: str
) -> None:
    """A request may bring a hundred events of a user, each of another name."""
    logs = {(unique, f"event{number:03d}"): LOG for number in range(100)}
    assert container().users.save([a_user(unique, tags=["vip"])], {}, logs) == frozenset()
    assert container().traces.logs(list(logs)) == logs


def test_logs_of_more_bytes_are_written_than_a_transaction_takes(
    container: Container, unique: str
) -> None:
    """Properties of events may be ids, which hardly shrink."""
    large = (Occurrence(LOG[0].time, {"id": secrets.token_hex(150_000)}),)
    users = [a_user(f"{unique}{number:02d}") for number in range(30)]
    logs = {(user.userid, "order"): large for user in users}
    assert container().users.save(users, {}, logs) == frozenset()
    assert container().traces.logs(list(logs)) == logs


def test_a_log_is_not_written_with_a_user_who_was_changed(
    container: Container, unique: str
) -> None:
    late, ann = container(), a_user(f"ann-{unique}")
    container().users.save([ann])
    assert late.users.save([ann], {}, {(ann.userid, "order"): LOG}) == {ann.userid}
    assert container().traces.logs([(ann.userid, "order")]) == {}


def test_logs_of_a_user_are_forgotten(container: Container, unique: str) -> None:
    ann = a_user(f"ann-{unique}")
    container().users.save([ann], {}, {(ann.userid, n): LOG for n in ("order", "login", "visit")})
    container().traces.forget_logs(ann.userid, ["order", "login", "nothing"])
    wanted = [(ann.userid, name) for name in ("order", "login", "visit")]
    assert set(container().traces.logs(wanted)) == {(ann.userid, "visit")}


def test_interactions_are_kept_once_by_access_channel(container: Container, unique: str) -> None:
    sent = Interacted(Interaction.SENT, TODAY - 1, 0, 0)
    ann, bob = f"ann-{unique}", f"ann-{unique}#1"
    for _ in range(2):
        container().traces.interact(unique, [(ann, CLICKED), (ann, sent), (bob, sent)])
    container().traces.interact(f"{unique}-other", [(bob, CLICKED)])
    other = container().traces
    found = other.interactions_between(unique, in_order(ann, bob, f"nobody-{unique}"))
    rows = {userid: set(of_user) for userid, of_user in found.items()}
    assert rows == {ann: {CLICKED, sent}, bob: {sent}}
    other.forget_interactions(unique, ann)
    assert set(container().traces.interactions_between(unique, in_order(ann, bob))) == {bob}
    assert set(container().traces.interactions_between(f"{unique}-other", [bob])) == {bob}


def test_nobody_between_two_users_is_found_with_them(container: Container, unique: str) -> None:
    """User ids that begin alike stand next to each other."""
    names = [f"{unique}{end}" for end in ("", "!", "#", "-", "1", "10", "a", "￥")]
    container().traces.interact(unique, [(name, CLICKED) for name in names])
    for name in names:
        assert set(container().traces.interactions_between(unique, [name])) == {name}


def test_known_tags_and_ids_of_a_bucket_are_found(container: Container, unique: str) -> None:
    ann = a_user(f"ann-{unique}", tags=["vip", unique])
    container().users.save([ann])
    asked = {("all", unique), ("all", f"{unique}-other"), (unique, unique)}
    assert container().audiences.known_tags(asked) == {("all", unique)}
    bucket = keys.bucket(ann.userid)
    found = container().users.userids(bucket, 100_000)
    assert ann.userid in found
    assert list(found) == sorted(found)
    assert len(container().users.userids(bucket, 1)) == 1


def image(row: dict[str, Any]) -> dict[str, Any]:
    """Return an item as a stream shows it to a function."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in row.items()
    }


# -- on AWS


def test_properties_are_sealed(real: World, aws: Callable[[str], Any], unique: str) -> None:
    ann = a_user(f"ann-{unique}")
    real.users.save([ann], {}, {(ann.userid, "order"): LOG})
    key = {"pk": f"events#order#{keys.bucket(ann.userid):03d}", "sk": f"{ann.userid}\0"}
    item = aws("dynamodb").get_item(TableName=table("messages"), Key=to_item(key))["Item"]
    assert "杭州" not in plain(item)
    assert int(item["expires"]["N"]) == (LOG[-1].time + 90 * DAY) // 1000


def test_a_page_takes_a_request_for_each_bucket(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    page = in_order(*(f"{unique}-{n}" for n in range(500)))
    buckets = {keys.bucket(userid) for userid in page}
    with faults.counted(aws("dynamodb")) as calls:
        real.traces.interactions_between(unique, page)
    assert calls == ["Query"] * len(buckets)


def test_only_facts_of_messages_that_are_followed_tell(
    real: World, aws: Callable[[str], Any]
) -> None:
    fact = Fact(DeliveryRef(0, "push", 0), FactKind.DELIVERED, TODAY * DAY)
    for followed in (False, True):
        message = a_message("ann", followed=followed)
        at = ChunkId(message.msgid, 0)
        real.ledger.put_plan(a_plan(message), message)
        real.ledger.add(at, [fact], message)
        rows = aws("dynamodb").query(
            TableName=table("ledger"),
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": keys.join(*at)}),
        )["Items"]
        images = map(image, rows)
        told = [events for row in images if (events := real.traces.followed(row)) is not None]
        assert [events.facts for events in told] == ([(fact,)] if followed else [])
        lookup = Lookup(at, (0, 0), retention=message.retention)
        put_lookups(real, "push", {message.msgid: lookup}, message.expires)
        found = real.lookups.get("push", [message.msgid], fresh=True)[message.msgid]
        assert found.retention == message.retention
