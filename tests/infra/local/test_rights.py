"""The emulator keeps what policies say, and decides as MiniStack does without that."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local import rights
from infra.package import ROOT

POLICIES = sorted((ROOT / ".chalice").glob("policy-*.json"))
TLS = "aws:securetransport"
DENIED = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {TLS: "false"}}}


@pytest.fixture
def iam() -> Any:
    from ministack.core import iam_evaluator

    return iam_evaluator


@pytest.fixture
def keeping(iam: Any) -> Any:
    evaluator = SimpleNamespace(**vars(iam))
    rights._statements_found_once(evaluator)
    return evaluator


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_allows_what_it_allows_without_keeping(iam: Any, keeping: Any, path: Any) -> None:
    policies = [iam.parse_policy_document(path.read_text())]
    denial = [iam.parse_policy_document({"Statement": [DENIED]})]
    decisions = set()
    for asked in _questions(iam, policies):
        for limits in ((), (policies,), (denial,)):
            expected = iam.evaluate(asked, policies, *limits)
            assert keeping.evaluate(asked, policies, *limits) == expected, asked
            decisions.add(expected.decision)
        expected = iam.evaluate(asked, [*policies, *denial])
        assert keeping.evaluate(asked, [*policies, *denial]) == expected
        decisions.add(expected.decision)
    assert decisions == {"Allow", "Deny", "ImplicitDeny"}


def _questions(iam: Any, policies: Any) -> Iterator[Any]:
    """Yield each action of the policies, for resources of theirs and of others, twice."""
    for statement in policies[0]:
        for action in statement.actions:
            for resource in [*statement.resources[:3], "arn:aws:s3:::of-somebody-else"]:
                for secure in (True, False):
                    yield iam.EvalContext(
                        principal_arn="arn:aws:iam::000000000000:role/x",
                        principal_type="AssumedRole",
                        principal_account="000000000000",
                        action=action.replace("*", "x"),
                        resource_arn=resource.replace("*", "x"),
                        region="us-east-1",
                        secure_transport=secure,
                    )


def test_policies_are_gone_through_once_for_an_action_and_a_resource(iam: Any) -> None:
    gone_through: list[str] = []
    evaluator = SimpleNamespace(**vars(iam))
    evaluator._action_matches = lambda action, *_: bool(gone_through.append(action))
    rights._statements_found_once(evaluator)
    policies = [iam.parse_policy_document({"Statement": [DENIED]})]
    asked = next(_questions(iam, policies))
    for _ in range(3):
        evaluator.evaluate(asked, policies)
    assert len(gone_through) == 1
    evaluator.evaluate(asked, [*policies])
    assert len(gone_through) == 2, "these are other policies"


def test_the_keys_of_conditions_are_those_of_the_policies_asked_about(
    iam: Any, keeping: Any
) -> None:
    with_key = [iam.parse_policy_document({"Statement": [DENIED]})]
    without = [iam.parse_policy_document({"Statement": [{**DENIED, "Condition": {}}]})]
    for _ in range(2):
        assert keeping._names_condition_key(with_key, "aws:secure")
        assert not keeping._names_condition_key(with_key, "aws:resourcetag/")
        assert not keeping._names_condition_key(without, "aws:secure")
