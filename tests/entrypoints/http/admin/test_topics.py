"""Topics: made, changed, named by messages, and gone."""

from __future__ import annotations

from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.admin.management import change, pages, problem
from tests.entrypoints.http.admin.test_caps import a_topic


def test_a_topic_is_changed_in_part(configured: Api) -> None:
    path = f"topics/{a_topic(configured, description='Sales')}"
    reply = change(configured, path, {"opt_in": True})
    assert reply.json == {
        "topic": 1,
        "channel_key": KEY,
        "name": "Offers",
        "description": "Sales",
        "opt_in": True,
        "purpose": "",
        "version": 2,
    }
    assert configured.admin("GET", path).json == reply.json
    assert configured.admin("DELETE", path).status == 204
    problem(configured, "GET", path, status=404)


def test_a_name_is_given_once(configured: Api) -> None:
    a_topic(configured)
    body = {"channel_key": KEY, "name": "Offers"}
    problem(configured, "POST", "topics", body, status=409, field="name")
    other = a_topic(configured, name="News")
    problem(
        configured,
        "PATCH",
        f"topics/{other}",
        {"name": "Offers"},
        status=409,
        headers={"If-Match": "*"},
    )


def test_topics_are_listed_page_by_page(configured: Api) -> None:
    names = [f"topic {n}" for n in range(5)]
    for name in names:
        a_topic(configured, name=name)
    listed = pages(configured, f"topics?channel_key={KEY}&limit=2", "topics")
    assert [topic["name"] for page in listed for topic in page] == names


def test_an_access_channel_has_fifty_topics_at_most(configured: Api) -> None:
    for n in range(50):
        a_topic(configured, name=f"topic {n}")
    body = {"channel_key": KEY, "name": "one more"}
    problem(configured, "POST", "topics", body, field="channel_key")


def test_a_purpose_is_a_plain_word(configured: Api) -> None:
    body = {"channel_key": KEY, "name": "Offers", "purpose": "Marketing mails"}
    problem(configured, "POST", "topics", body, field="purpose")
    assert a_topic(configured, purpose="marketing")


def test_a_message_may_name_a_topic_of_its_access_channel(configured: Api) -> None:
    topic = a_topic(configured)
    assert configured.send(message(option={"topic": topic})).code == 0
    assert configured.send(message(option={"topic": 0})).code == 0
    unknown = configured.send(message(option={"topic": 99}))
    assert (unknown.status, unknown.code) == (400, 1019007)
    assert "option.topic" in unknown.json["message"]
