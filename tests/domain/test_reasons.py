"""Every loss, fact and code of ours has one sentence in Chinese and English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.domain import reasons
from chalicelib.domain.facts import FactKind
from chalicelib.domain.plans import TargetLoss, Unchosen
from chalicelib.domain.reasons import Reason
from chalicelib.domain.rules.checks import CHECKS, Stage

ROOT = Path(__file__).parents[2]
ALL = {**reasons.LOSSES, **reasons.LEFT_OUT, **reasons.FACTS, **reasons.CODES}
CHINESE = re.compile(r"[一-鿿]")


def test_no_loss_of_a_target_is_without_a_sentence() -> None:
    assert set(reasons.LOSSES) == set(TargetLoss)
    assert set(reasons.LEFT_OUT) == set(Unchosen)


def test_no_hold_is_without_a_sentence() -> None:
    holding = (check for check in CHECKS if check.stage is not Stage.TARGET)
    names = {name for check in holding for name in check.outcomes if not name.isdigit()}
    assert names - {*TargetLoss} <= set(reasons.HOLDS)
    assert {"quiet_hours", "quiet_time"} <= names


def test_no_fact_is_without_a_sentence() -> None:
    assert set(reasons.FACTS) == set(FactKind)


def test_every_code_is_one_that_the_code_gives() -> None:
    sources = [path.read_text() for path in sorted((ROOT / "chalicelib").rglob("*.py"))]
    others = "".join(source for source in sources if "one sentence, in Chinese" not in source)
    assert [code for code in reasons.CODES if f'"{code}"' not in others] == []


@pytest.mark.parametrize("reason", [*ALL.values(), *reasons.HOLDS.values()])
def test_a_sentence_is_short_and_in_both_languages(reason: Reason) -> None:
    assert CHINESE.search(reason.zh)
    assert len(reason.zh) <= 30
    assert reason.en
    assert not CHINESE.search(reason.en)
    assert len(reason.en.split()) <= 20
    assert bool(reason.advice_zh) == bool(reason.advice_en)
    assert not re.search("您|！|非法", reason.zh + reason.advice_zh)


def test_a_code_of_ours_has_its_own_words_and_advice() -> None:
    reason = reasons.of_loss("expired:quota_used_up")
    assert reason.zh == "没有及时发出，已过期（通道当天的额度已用完）"
    assert reason.en == "It was not submitted in time (The channel's quota of the day was used up)"
    assert reason.advice_en == "Raise the quota, or send on another day"


def test_a_code_of_a_provider_is_kept_beside_the_sentence() -> None:
    assert reasons.of_loss("delivery_failed:1011").zh == "服务商已接受，但没有送达（1011）"
    assert reasons.of_loss("delivery_failed:a:b").en.endswith("(a:b)")


@pytest.mark.parametrize("name", [*TargetLoss, *Unchosen, *FactKind])
def test_every_reason_of_a_report_has_a_sentence(name: str) -> None:
    assert isinstance(reasons.of_loss(name), Reason)
    assert reasons.of_loss(name) == ALL[name]  # type: ignore[index]


def test_a_word_of_a_later_release_is_told_as_unknown() -> None:
    assert reasons.of_loss("beamed").en == reasons.FACTS[FactKind.OTHER].en
