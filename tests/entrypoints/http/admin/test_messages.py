"""Messages, as operators list and read them."""

from __future__ import annotations

import base64

from chalicelib.domain import keys
from tests.builders import a_message
from tests.entrypoints.conftest import KEY, SENDER, Api
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
        "audience": "users",
        "targets": 1,
        "priority": 2,
        "template": None,
        "rule_id": 0,
        "channels": ["app"],
        "sendno": "",
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
