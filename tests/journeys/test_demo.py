"""The demo runs, and its checks would notice."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from infra.demo import every_channel, strategy
from infra.demo.mix import expected, expected_sends, people
from infra.demo.platforms import PLATFORMS, USUAL
from tests.journeys.conftest import STACK
from tests.liveness import HANG


def test_the_demo_runs_and_every_figure_is_right(stack: Mapping[str, Any]) -> None:
    command = [
        sys.executable,
        "-m",
        "infra.demo.strategy",
        "--name",
        STACK.name,
        "--stage",
        STACK.stage,
        "--within",
        "20",  # seconds: clicks arrive in time on a busy machine too
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "curl" in ended.stdout


def test_the_demo_of_all_channels_runs_and_every_channel_did_what_it_must(
    stack: Mapping[str, Any],
) -> None:
    command = [
        sys.executable,
        "-m",
        "infra.demo.every_channel",
        "--name",
        STACK.name,
        "--stage",
        STACK.stage,
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert all(kind in ended.stdout for kind in USUAL)


def _all_channels(**states: str) -> tuple[Any, list[every_channel.Line], dict[str, Any]]:
    """Build a shop with a right message, except for the named states."""
    shop: Any = SimpleNamespace(
        kinds=tuple(USUAL),
        platform=USUAL.get,
        provider=lambda kind: kind,
        contact=lambda kind, n, word: f"{kind}{n}",
        sandbox=SimpleNamespace(sends=lambda kind: {f"{kind}0": 1, f"{kind}1": 1}),
    )
    lines = [
        every_channel.Line(
            kind, who, states.get(f"{kind}_{who}", PLATFORMS[USUAL[kind]].state(word)), (), ""
        )
        for kind in USUAL
        for who, word in every_channel.PEOPLE.items()
    ]
    return shop, lines, {"balanced": True}


def test_what_went_wrong_on_one_of_all_channels_is_named() -> None:
    assert list(every_channel.differences(*_all_channels())) == []
    (line,) = every_channel.differences(*_all_channels(dingtalk_cc_ben="submitted"))
    assert line == "dingtalk_cc of ben: submitted, but it must be delivered"
    shop, lines, _ = _all_channels()
    assert list(every_channel.differences(shop, lines[1:], {"balanced": False})) == [
        "the ledger does not balance",
        "app: 2 deliveries, but it must be 3",
    ]
    shop.sandbox.sends = lambda kind: {f"{kind}0": 2, f"{kind}1": 1}
    assert len(list(every_channel.differences(shop, lines, {"balanced": True}))) == len(USUAL)


def _right() -> dict[str, Any]:
    """The answer about a message of which everything is as it must be."""
    wanted = expected()
    return {
        "status": "finished",
        "balanced": True,
        "progress": {},
        "steps": [{"step": int(step), "targets": n} for step, n in wanted["steps"].items()],
        "funnel": {
            "users": dict(wanted["users"]),
            "channels": {kind: dict(counts) for kind, counts in wanted["channels"].items()},
        },
        "losses": {
            "users": dict(wanted["losses"]["users"]),
            "channels": {
                kind: {f"{why}:550": n for why, n in wanted["losses"][kind].items()}
                for kind in wanted["channels"]
            },
        },
    }


def test_the_mix_has_a_thousand_people_and_no_contact_twice() -> None:
    everybody = list(people("00c0ffee"))
    contacts = Counter(c for p in everybody for c in (*p.app, p.sms, p.email) if c)
    assert len({p.userid for p in everybody}) == 1000
    assert contacts.most_common(1)[0][1] == 1
    assert not contacts.keys() & {c for p in people("00c0ffef") for c in (*p.app, p.sms, p.email)}


def test_what_must_come_out_balances_and_agrees_with_what_must_be_sent() -> None:
    wanted, sends = expected(), expected_sends(list(people("00c0ffee")))
    assert (
        wanted["users"]["planned"]
        == wanted["users"]["valid"] + sum(wanted["losses"]["users"].values())
        == 1000
    )
    for kind, provider in (("sms", "jsms"), ("email", "smtp")):
        counts = wanted["channels"][kind]
        assert counts["submitted"] == len(sends[provider])
        assert counts["planned"] == counts["submitted"] + wanted["losses"][kind]["invalid_target"]
    # A push takes the refused ones too, and says nothing of them.
    assert wanted["channels"]["app"]["submitted"] == len(sends["jpush"]) + 20


def test_a_right_answer_has_no_differences() -> None:
    assert list(strategy.differences(_right())) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("funnel", "users", "clicked"), "people clicked"),
        (("funnel", "channels", "sms", "delivered"), "sms delivered"),
        (("losses", "users", "no_contact"), "people lost no_contact"),
        (("losses", "channels", "email", "invalid_target:550"), "email lost invalid_target"),
        (("steps", 2, "targets"), "people in step 3"),
    ],
)
def test_one_too_many_is_named(path: tuple[Any, ...], told: str) -> None:
    answer = copy.deepcopy(_right())
    at: Any = answer
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] += 1
    (line,) = strategy.differences(answer)
    assert line == f"{told}: {at[path[-1]]}, but it must be {at[path[-1]] - 1}"


def test_a_contact_that_was_sent_to_twice_is_named() -> None:
    everybody = list(people("00c0ffee"))
    log = expected_sends(everybody)
    shop: Any = SimpleNamespace(sandbox=SimpleNamespace(sends=lambda provider: log[provider]))
    assert list(strategy.wrong_sends(shop, everybody)) == []
    twice = next(iter(log["jsms"]))
    log["jsms"][twice] = 2
    del log["smtp"][next(iter(log["smtp"]))]
    lines = list(strategy.wrong_sends(shop, everybody))
    assert len(lines) == 2
    assert f"jsms sent 2 times to {twice}, but must have 1 times" in lines
