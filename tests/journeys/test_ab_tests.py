"""An A/B test on the running stack: on the channel, to its end, and to the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

from infra.demo.client import Shop
from tests.journeys.conftest import eventually, finished

PEOPLE = [f"person{n:02d}" for n in range(50)]


def test_the_channel_that_reaches_people_goes_to_the_rest_once(shop: Shop) -> None:
    """Nobody's device answers, and every phone does. So the SMS has won after a minute."""
    phones = {name: shop.contact("sms", n) for n, name in enumerate(PEOPLE)}
    devices = {name: shop.contact("app", n, "silent") for n, name in enumerate(PEOPLE)}
    shop.upload([shop.user(name, app=[devices[name]], sms=phones[name]) for name in PEOPLE])
    body = {
        "channel_key": shop.key,
        "name": "push or SMS",
        "message": {
            "aud_userid": PEOPLE,
            "template_id": shop.template(app={"title": "Hello", "alert": "Hello"}),
            "app_para": {"platform": "all"},
        },
        "variants": [
            {"name": "push", "share": 40},
            {
                "name": "sms",
                "share": 30,
                "message": {"template_id": shop.template(sms={"temp_id": 1}), "app_para": None},
            },
        ],
        "holdout": 10,
        "metric": "delivered",
        "minutes": 1,
    }
    simulated = shop.admin.ask("POST", "/admin/v1/ab-tests/simulate", body)
    started = shop.admin.ask("POST", "/admin/v1/ab-tests", body)
    assert (started["state"], started["winner"]) == ("running", None)
    path = f"/admin/v1/ab-tests/{started['id']}"
    early = shop.admin.call("POST", f"{path}/winner", {"variant": "sms"})
    assert early.status_code == 409
    ended = eventually(lambda: shop.admin.ask("GET", path), lambda test: test["state"] == "sent")
    assert (ended["winner"], ended["sent"]["variant"], ended["sent"]["by"]) == ("sms", "sms", None)
    push, sms = ended["variants"]
    assert (push["figures"]["delivered"], push["final"]) == (0, True)
    assert sms["figures"]["delivered"] == sms["figures"]["planned"] > 5
    (comparison,) = ended["comparisons"]
    assert comparison["certain"]
    rest = finished(shop, ended["sent"]["msgid"])
    assert rest["ab_test"] == {"id": started["id"], "variant": "sms"}

    groups = {name: shop.admin.ask("GET", f"{path}/targets/{name}") for name in PEOPLE}
    of_push = [name for name in PEOPLE if groups[name]["variant"] == "push"]
    held = [name for name in PEOPLE if groups[name]["group"] == "holdout"]
    of_sms = [name for name in PEOPLE if name not in of_push + held]
    assert _got(shop, "app", devices) == Counter(of_push)
    assert _got(shop, "sms", phones) == Counter(of_sms)
    assert simulated["variants"][0]["simulation"]["losses"]["users"].get("holdout", 0) == len(held)
    for name in held[:1]:
        life = shop.api.target(push["msgid"], name)
        assert life["loss"] == "holdout"
    listed: Any = shop.admin.ask("GET", f"/admin/v1/ab-tests?channel_key={shop.key}")["ab_tests"]
    assert [test["id"] for test in listed] == [started["id"]]


def _got(shop: Shop, kind: str, contacts: dict[str, str]) -> Counter[str]:
    """Return how many messages each person got on a channel."""
    sends = shop.sandbox.sends(shop.provider(kind))
    return Counter({name: sends[of] for name, of in contacts.items() if of in sends})
