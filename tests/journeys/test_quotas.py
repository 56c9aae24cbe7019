"""The daily quota of a delivery channel, on the running stack."""

from __future__ import annotations

from typing import Any

from infra.demo.client import Shop
from tests.journeys.conftest import change, eventually, finished

EMAIL = {"email": {"subject": "Hello", "text": "Hello"}}


def test_what_a_days_quota_has_no_room_for_waits_and_goes_when_there_is(
    stack: dict[str, Any],
) -> None:
    """Ten mails a day are allowed, two of them for urgent messages.

    The stack's clock ticks each second, so that the quota is tried again each minute.
    """
    shop = Shop(stack, settings={"email": {"deliveries_per_day": 10}}, kinds=("email",))
    path = f"/admin/v1/channels/{shop.code('email')}"
    people = [f"quota{n}" for n in range(14)]
    shop.upload(
        [shop.user(each, email=f"{shop.mark}{each}-deliver@example.com") for each in people]
    )
    template = shop.template(**EMAIL)

    def sent() -> list[int]:
        return [
            times
            for contact, times in shop.sandbox.sends("smtp").items()
            if contact.startswith(shop.mark)
        ]

    msgid = shop.api.send(people[:12], template, {})
    eventually(lambda: len(sent()), lambda found: found == 8)
    assert {name: shop.admin.ask("GET", path)["today"][name] for name in ("reserved", "limit")} == {
        "reserved": 8,
        "limit": 10,
    }
    urgent = shop.api.send(people[12:], template, {}, option={"priority": 1})
    finished(shop, urgent, delivered=2)
    assert len(sent()) == 10
    progress = shop.api.message(msgid)["progress"]
    assert progress["unsubmitted"] == 4

    change(shop, "PATCH", f"channels/{shop.code('email')}", {"deliveries_per_day": 1000})
    finished(shop, msgid, delivered=12)
    assert sent() == [1] * 14
