"""AND and OR on the running stack, with real waits: the two examples of UMS's guide.

"APP: delivery not completed within 5 minutes" and "WeChat official account: click not completed
within 10 minutes", joined by AND and by OR, lead to an SMS. Here a minute is four seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.demo.client import Shop
from tests.journeys.conftest import at_once, eventually, finished

APP_WITHIN, WECHAT_WITHIN = 20, 40  # seconds
VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}

# The behaviour of the push, that of the message of WeChat, and who gets an SMS: with AND, with OR.
PEOPLE: Mapping[str, tuple[str, str, bool, bool]] = {
    "delivered_clicked": ("deliver", "click", False, False),
    "delivered_unclicked": ("deliver", "deliver", False, True),
    "silent_clicked": ("silent", "click", False, True),
    "late_clicked": ("late", "click", False, True),
    "late_unclicked": ("late", "deliver", False, True),  # with AND, the push came before its time
    "silent_unclicked": ("silent", "deliver", True, True),
    "no_app_unclicked": ("", "deliver", True, True),
    "no_app_clicked": ("", "click", False, True),
}

HELD_BACK = ["delivered_clicked", "silent_clicked"]

# The behaviour of the push and that of the SMS, and who gets the third step: with AND, with OR.
THREE: Mapping[str, tuple[str, str, bool, bool]] = {
    "clicked": ("click", "silent", False, False),  # never enters the second step
    "delivered": ("deliver", "silent", False, False),  # nor does this person
    "texted": ("silent", "deliver", False, True),
    "texted_late": ("silent", "late", True, True),
    "reached_nowhere": ("silent", "silent", True, True),
    "no_phone": ("silent", "", True, True),
}


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    shop = Shop(stack, kinds=("app", "wechatoa", "sms"))
    users = []
    for n, (userid, (push, wechat, _, _)) in enumerate(PEOPLE.items()):
        contacts = {
            "wechatoa": shop.contact("wechatoa", n, wechat),
            "sms": shop.contact("sms", n),
            **({"app": [shop.contact("app", n, push)]} if push else {}),
        }
        users.append(shop.user(userid, **contacts))
    for n, (userid, (push, text, _, _)) in enumerate(THREE.items(), 50):
        contacts = {
            "app": [shop.contact("app", n, push)],
            "wechatoa": shop.contact("wechatoa", n),
            "sms": shop.contact("sms", n, text) if text else "",
        }
        users.append(shop.user(userid, **contacts))
    shop.upload(users)
    return shop


@pytest.fixture(scope="module")
def sent(shop: Shop) -> dict[str, str]:
    """Send all messages at once, so that their waits are one. Return their ids."""
    sends: dict[str, Callable[[], str]] = {
        "and": lambda: send(shop, "and"),
        "or": lambda: send(shop, "or"),
        "held back": lambda: send_held_back(shop),
        "three and": lambda: send_three(shop, "and"),
        "three or": lambda: send_three(shop, "or"),
    }
    return at_once(sends, lambda name: sends[name]())


def send(shop: Shop, operator: str) -> str:
    terms = [
        {"channel": "app", "missing": "delivered", "within": APP_WITHIN},
        {"channel": "wechatoa", "missing": "clicked", "within": WECHAT_WITHIN},
    ]
    condition = {"operator": operator, "terms": terms}
    rule = shop.strategy(
        {"channels": ["app", "wechatoa"]}, {"channels": ["sms"], "condition": condition}
    )
    return shop.api.send(list(PEOPLE), shop.template(**shop.contents()), VALUES, rule_id=rule)


def send_held_back(shop: Shop) -> str:
    """Send a push, then WeChat, then an SMS to whom has not got the push."""
    third = {"terms": [{"channel": "app", "missing": "delivered", "within": WECHAT_WITHIN}]}
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["wechatoa"], "condition": {"missing": "delivered", "within": APP_WITHIN}},
        {"channels": ["sms"], "condition": third},
    )
    return shop.api.send(HELD_BACK, shop.template(**shop.contents()), VALUES, rule_id=rule)


def send_three(shop: Shop, operator: str) -> str:
    """Send a push, an SMS if it is not delivered, then WeChat by AND or OR of both."""
    terms = [
        {"channel": "app", "missing": "clicked", "within": WECHAT_WITHIN},
        {"channel": "sms", "missing": "delivered", "within": APP_WITHIN},
    ]
    second = {"channels": ["sms"], "condition": {"missing": "delivered", "within": APP_WITHIN}}
    third = {"channels": ["wechatoa"], "condition": {"operator": operator, "terms": terms}}
    rule = shop.strategy({"channels": ["app"]}, second, third)
    return shop.api.send(list(THREE), shop.template(**shop.contents()), VALUES, rule_id=rule)


def texted(shop: Shop, msgid: str) -> dict[str, int]:
    """Return the people who got an SMS, with the ms from the message's acceptance to its step."""
    accepted = shop.api.message(msgid)["accepted"]
    lives = {userid: shop.api.target(msgid, userid) for userid in PEOPLE}
    return {
        userid: delivery["decided"] - accepted
        for userid, life in lives.items()
        for delivery in life["deliveries"]
        if delivery["step"] == 2 and delivery["state"] != "skipped"
    }


def test_with_and_the_sms_goes_to_whom_both_conditions_hold_and_with_or_to_whom_one_does(
    shop: Shop, sent: dict[str, str]
) -> None:
    """Expect the words of the guide.

    AND: "if App delivered within 5 minutes, no further text messages will be sent". OR: "even if
    App delivered, but WeChat not clicked within 10 minutes, a text message will also be sent".
    """
    for column, operator in enumerate(("and", "or"), 2):
        msgid = sent[operator]
        expected = {userid for userid, row in PEOPLE.items() if row[column]}
        eventually(
            lambda m=msgid: shop.api.message(m)["steps"][1]["targets"],
            lambda n, e=expected: n >= len(e),
        )
        answer = finished(shop, msgid)
        got = texted(shop, msgid)
        assert set(got) == expected, operator
        assert answer["steps"][1]["targets"] == len(expected)
        early = APP_WITHIN if operator == "or" else WECHAT_WITHIN
        assert got["silent_unclicked"] >= early * 1000
        if operator == "or":
            assert got["delivered_unclicked"] >= WECHAT_WITHIN * 1000
            assert got["no_app_clicked"] < got["delivered_unclicked"]


def test_a_condition_on_the_first_step_holds_back_the_third(
    shop: Shop, sent: dict[str, str]
) -> None:
    """Only the push counts for the SMS, not WeChat."""
    msgid = sent["held back"]
    eventually(lambda: shop.api.message(msgid)["steps"][2]["targets"], bool)
    finished(shop, msgid)
    steps = {
        userid: {d["step"] for d in shop.api.target(msgid, userid)["deliveries"]}
        for userid in HELD_BACK
    }
    assert steps == {"delivered_clicked": {1}, "silent_clicked": {1, 2, 3}}


def test_three_steps_with_a_condition_on_both_earlier_ones(
    shop: Shop, sent: dict[str, str]
) -> None:
    for column, operator in enumerate(("and", "or"), 2):
        msgid = sent[f"three {operator}"]
        expected = {userid for userid, row in THREE.items() if row[column]}
        eventually(
            lambda m=msgid: shop.api.message(m)["steps"][2]["targets"],
            lambda n, e=expected: n >= len(e),
        )
        finished(shop, msgid)
        entered = {
            step: {
                userid
                for userid in THREE
                for delivery in shop.api.target(msgid, userid)["deliveries"]
                if delivery["step"] == step and delivery["state"] != "skipped"
            }
            for step in (2, 3)
        }
        assert entered[3] == expected, operator
        assert entered[2] == {"texted", "texted_late", "reached_nowhere"}, operator
