"""The sandbox's inbox of all contacts, and messages as screens."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
import requests

from infra.sandbox.calllog import CallLog
from infra.sandbox.screens import ROWS, TEXT, screen
from tests.liveness import PATIENCE
from tests.providers.sandboxes import Sandbox
from tests.sandbox.test_server import box as box
from tests.sandbox.test_server import push
from tests.sandbox.test_server import started as started


def newest(box: Sandbox, **body: Any) -> requests.Response:
    return requests.post(f"{box.url}/_sandbox/inbox", json=body, timeout=PATIENCE)


def test_the_inbox_of_all_contacts_has_the_newest_first(box: Sandbox) -> None:
    for contact in ("r1", "r2", "r3"):
        push(box, contact)
    first = newest(box, limit=2).json()["messages"]
    assert [each["contact"] for each in first] == ["r3", "r2"]
    assert (first[0]["type"], first[0]["provider"]) == ("app", "jpush")
    assert first[0]["screen"]["text"] == "hi"
    rest = newest(box, limit=2, before=first[-1]["number"]).json()["messages"]
    assert [each["contact"] for each in rest] == ["r1"]
    assert newest(box, types=["sms"]).json()["messages"] == []
    (one,) = newest(box, types=["app"], contacts=["r2"]).json()["messages"]
    assert one["number"] == 2


@pytest.mark.parametrize("body", [{"before": "x"}, {"limit": []}, {"types": 5}, []])
def test_a_wrong_question_is_refused(box: Sandbox, body: Any) -> None:
    answer = requests.post(f"{box.url}/_sandbox/inbox", json=body, timeout=PATIENCE)
    assert answer.status_code == 400


def test_the_log_forgets_the_inbox() -> None:
    log = CallLog()
    log.receive("jpush", "r1", "m1", {}, "app")
    log.clear()
    assert log.newest((), (), 0, 10) == []


@pytest.mark.parametrize(
    ("kind", "content", "parts"),
    [
        (
            "app",
            {"notification": {"android": {"title": "T", "alert": "A"}, "ios": {"alert": "B"}}},
            {"title": "T", "text": "A"},
        ),
        (
            "app",
            {"notification": {"ios": {"alert": {"title": "T", "body": "B"}}}},
            {"title": "T", "text": "B"},
        ),
        ("app", {"message": {"msg_content": "M", "title": "T"}}, {"title": "T", "text": "M"}),
        ("sms", {"msg": "Hi"}, {"text": "Hi"}),
        ("sms", {"temp_id": 7, "temp_para": {"n": 1}}, {"template": "7", "rows": [["n", "1"]]}),
        (
            "wechatoa",
            {"template_id": "T", "data": {"k": {"value": "v"}, "x": 1}, "url": "https://a.cn"},
            {"template": "T", "rows": [["k", "v"]], "link": "https://a.cn"},
        ),
        ("wechatmp", {"template_id": "T", "page": "p/x"}, {"link": "p/x"}),
        (
            "alipay_life",
            {"template_id": "T", "context": {"keyword1": {"value": "v"}, "url": "u"}},
            {"rows": [["keyword1", "v"]], "link": "u"},
        ),
        ("dingtalk_cc", {"msgtype": "text", "text": {"content": "c"}}, {"text": "c"}),
        (
            "dingtalk_cc",
            {"msgtype": "action_card", "action_card": {"title": "t", "markdown": "m"}},
            {"title": "t", "text": "m"},
        ),
        (
            "wechatwk",
            {"msgtype": "news", "news": {"articles": [{"title": "t", "url": "u"}]}},
            {"title": "t", "link": "u"},
        ),
        ("wechatwk", {"msgtype": "image", "image": {"media_id": "m"}}, {"files": ["m"]}),
        ("wechatwk", "odd", {"text": ""}),
    ],
)
def test_a_message_is_reduced_to_the_parts_of_a_screen(
    kind: str, content: Any, parts: dict[str, Any]
) -> None:
    shown = screen(kind, content)
    assert {name: shown[name] for name in parts} == parts


def test_a_mail_has_its_texts_apart() -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Bill", "Shop <a@b.cn>"
    mail.set_content("plain")
    mail.add_alternative("<p>rich</p>", subtype="html")
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    shown = screen("email", mail.as_bytes())
    assert (shown["title"], shown["sender"]) == ("Bill", "Shop <a@b.cn>")
    assert (shown["text"].strip(), shown["html"].strip()) == ("plain", "<p>rich</p>")
    assert shown["files"] == ["a.pdf"]


def test_a_screen_is_bounded() -> None:
    shown = screen(
        "sms", {"content": "x" * (TEXT + 1), "temp_para": {str(n): n for n in range(99)}}
    )
    assert (len(shown["text"]), len(shown["rows"])) == (TEXT, ROWS)
