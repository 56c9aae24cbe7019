"""Rights: corrections of MiniStack 1.5.33 where it checks them otherwise than AWS.

Checks take a fifth of the emulator's time. So it keeps what it has read, as AWS does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from infra.local.bodies import ParsedOnce

KEPT = 1.0  # seconds that the rights of an access key are kept
ANSWERS = 1000  # about policies that are kept


def apply(actions: Any, evaluator: Any) -> None:
    """Make MiniStack check rights as AWS does. Call once, before MiniStack serves."""
    _signatures_of_others(evaluator)
    _conditions_on_encryption_contexts(actions)
    _as_over_tls(evaluator)
    _batches_need_the_single_right(actions)
    _schedules_in_their_group(actions)
    _bodies_parsed_once(actions)
    _policies_read_once(evaluator)
    _principals_known_for_a_moment(evaluator)
    _statements_found_once(evaluator)


def _signatures_of_others(evaluator: Any) -> None:
    """Leave a parameter `signature` alone, as WeChat sends it to a function URL.

    MiniStack takes it for a signature of AWS, whose parameter is `Signature`.
    """
    attempted = evaluator._signature_attempted

    def attempted_for_aws(authorization: str, query: dict[str, Any] | None) -> bool:
        others = {name: value for name, value in (query or {}).items() if name != "signature"}
        return bool(attempted(authorization, others))

    evaluator._signature_attempted = attempted_for_aws


def _conditions_on_encryption_contexts(actions: Any) -> None:
    """Give policies the encryption context of a KMS call, which MiniStack withholds."""
    request_tag_context = actions.request_tag_context

    def with_encryption_context(
        service: str, action: str, body: bytes, parameters: Any
    ) -> dict[str, Any]:
        keys: dict[str, Any] = request_tag_context(service, action, body, parameters)
        if service == "kms":
            context = json.loads(body or b"{}").get("EncryptionContext", {})
            keys |= {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
        return keys

    actions.request_tag_context = with_encryption_context


def _as_over_tls(evaluator: Any) -> None:
    """Pretend TLS, which the bucket's policy requires and the local machine lacks."""
    resolve = evaluator._resolve_condition_key

    def over_tls(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    evaluator._resolve_condition_key = over_tls


def _batches_need_the_single_right(actions: Any) -> None:
    """Check SendMessageBatch as SendMessage, since SQS lacks rights for batches."""
    extract = actions.extract_iam_action

    def of_the_single(service: str, *rest: Any, **more: Any) -> Any:
        action = extract(service, *rest, **more)
        if service == "sqs" and isinstance(action, str):
            return action.removesuffix("Batch")
        return action

    actions.extract_iam_action = of_the_single


def _schedules_in_their_group(actions: Any) -> None:
    """Name a schedule with its group in policies, where MiniStack names the default group."""
    extract = actions.extract_resource_arn

    def in_group(service: str, *rest: Any, **more: Any) -> str:
        arn: str = extract(service, *rest, **more)
        if service != "scheduler" or ":schedule/default/" not in arn:
            return arn
        _, _, _, body, query, *_ = rest
        group = json.loads(body or b"{}").get("GroupName") or query.get("groupName") or "default"
        name = group[0] if isinstance(group, list) else group
        return arn.replace(":schedule/default/", f":schedule/{name}/")

    actions.extract_resource_arn = in_group


def _bodies_parsed_once(actions: Any) -> None:
    """Keep what a body says while its rights are checked. MiniStack parses it for each question."""
    if actions.json is not json:
        raise AttributeError("iam_actions.json")
    actions.json = ParsedOnce()


def _policies_read_once(evaluator: Any) -> None:
    """Keep what a policy's text says, and which names its patterns match.

    MiniStack reads the text and compares the names again for each request.
    """
    parse = evaluator.parse_policy_document
    parse_text = lru_cache(maxsize=1000)(parse)

    def parse_once(document: str | dict[str, Any]) -> Any:
        return (parse_text if isinstance(document, str) else parse)(document)

    evaluator.parse_policy_document = parse_once
    for name in ("fnmatch_iam", "fnmatch_iam_cs"):
        setattr(evaluator, name, lru_cache(maxsize=10_000)(getattr(evaluator, name)))


def _principals_known_for_a_moment(evaluator: Any) -> None:
    """Keep whom an access key belongs to, as AWS does: changes of rights take seconds there.

    MiniStack looks it up twice for each request.
    """
    resolve = evaluator.resolve_principal
    known: dict[tuple[str, str], tuple[float, Any]] = {}

    def resolve_soon(access_key: str, account: str, credential: Any = None) -> Any:
        until, principal = known.get((access_key, account), (0.0, None))
        if time.monotonic() < until:
            return principal
        principal = resolve(access_key, account, credential)
        if not isinstance(principal, evaluator.AuthError):
            known[access_key, account] = time.monotonic() + KEPT, principal
        return principal

    evaluator.resolve_principal = resolve_soon


def _statements_found_once(evaluator: Any) -> None:
    """Keep which statements of an access key's policies speak of an action and a resource.

    Only their conditions differ from request to request. MiniStack goes through all statements of
    a role for each.
    """
    evaluate, names_key = evaluator.evaluate, evaluator._names_condition_key

    @_kept_for_policies
    def applicable(policies: Any, action: str, resource: str) -> Any:
        return [
            [
                statement
                for statement in statements
                if evaluator._action_matches(action, statement.actions, statement.not_actions)
                and evaluator._resource_matches(
                    resource, statement.resources, statement.not_resources
                )
            ]
            for statements in policies
        ]

    def evaluate_applicable(context: Any, policies: Any, *limits: Any) -> Any:
        found = applicable(policies, context.action, context.resource_arn)
        return evaluate(context, found, *limits)

    evaluator.evaluate = evaluate_applicable
    evaluator._names_condition_key = _kept_for_policies(names_key)


def _kept_for_policies(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the answers about policies, as long as these are the same object."""
    answers: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def ask_once(policies: Any, *rest: Any) -> Any:
        asked, answer = answers.get((id(policies), *rest), (None, None))
        if asked is not policies:
            answer = ask(policies, *rest)
            if len(answers) >= ANSWERS:
                answers.clear()
            answers[id(policies), *rest] = policies, answer
        return answer

    return ask_once
