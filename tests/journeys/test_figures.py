"""Figures on a running stack: they equal the reports of the messages, by whatever way they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from infra.bench import quiet
from infra.demo.client import Shop
from tests.journeys.conftest import eventually, finished

STAGES = ("planned", "valid", "submitted", "delivered", "clicked")
MANY = 120  # more than are planned in the request, so that their chunk is recounted


def test_figures_and_rows_equal_the_reports_of_small_and_large_messages(
    stack: Mapping[str, Any], shop: Shop
) -> None:
    people = [f"{shop.mark}-f{number}" for number in range(MANY)]
    shop.upload([shop.user(userid, app=[f"reg{userid}"]) for userid in people])
    template = shop.template(app={"title": "t", "alert": "a"})
    audiences = [people[:1], people[1:2], [*people[:3], "nobody"], people]
    sent = [shop.api.send(each, template, {}, option={"name": "figures"}) for each in audiences]
    expected = Counter[str]()
    for msgid, audience in zip(sent, audiences, strict=True):
        reached = len([each for each in audience if each != "nobody"])
        expected.update(finished(shop, msgid, delivered=reached)["funnel"]["users"])

    def figures() -> dict[str, Any]:
        quiet.sweep(stack)  # as the schedule does every few minutes
        rows = shop.admin.ask("GET", f"/admin/v1/statistics?channel_key={shop.key}")["figures"]
        return {
            "requests": sum(row["requests"] for row in rows),
            **{stage: sum(row["users"][stage] for row in rows) for stage in STAGES},
        }

    wanted = {"requests": len(sent), **{stage: expected[stage] for stage in STAGES}}
    assert eventually(figures, lambda counted: counted == wanted) == wanted
    rows = shop.admin.ask("GET", f"/admin/v1/messages?channel_key={shop.key}&text=figures")
    assert {row["msgid"]: row["status"] for row in rows["messages"]} == dict.fromkeys(
        sent, "finished"
    )
    assert sum(row["users"]["delivered"] for row in rows["messages"]) == expected["delivered"]


def test_targets_of_a_message_are_exported(shop: Shop) -> None:
    people = [f"{shop.mark}-e{number}" for number in range(3)]
    shop.upload([shop.user(userid, app=[f"reg{userid}"]) for userid in people])
    msgid = shop.api.send([*people, "nobody"], shop.template(app={"title": "t", "alert": "a"}), {})
    finished(shop, msgid, delivered=len(people))
    id = shop.admin.ask("POST", "/admin/v1/exports/targets", {"msgid": msgid})["id"]

    def export() -> dict[str, Any]:
        return shop.admin.ask("GET", f"/admin/v1/exports/{id}")

    done = eventually(export, lambda export: export["state"] == "done")
    assert (done["rows"], len(done["files"])) == (4, 1)
