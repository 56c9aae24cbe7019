"""Items of the ledger. Contacts are sealed, facts, ids and counts are compressed."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.aws.items import Item, from_item, pack, to_item, unpack
from chalicelib.domain import keys
from chalicelib.domain.chunks import CallAnswer, Chunk, Deferral
from chalicelib.domain.facts import Bundle, DeliveryRef, Fact, decode, encode
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import (
    Call,
    CallKey,
    CallState,
    ChunkId,
    Entrants,
    Plan,
    Target,
    TargetLoss,
)
from chalicelib.ports import Vault

Row = dict[str, Any]


def partition(chunk: ChunkId) -> str:
    return keys.join(chunk.msgid, chunk.number)


def chunk_of(pk: str) -> ChunkId:
    msgid, chunk = keys.split(pk)
    return ChunkId(msgid, int(chunk))


def _item(
    chunk: ChunkId,
    sk: str,
    retention: Retention,
    *,
    counted: bool,
    reported: bool = False,
    **values: str | int | bytes,
) -> Item:
    """Build an item with the marks by which the stream passes it on.

    `counted`: it changes counts. `reported`: it has records of callbacks.
    """
    marks: dict[str, str | int | bytes] = {}
    if counted and retention.counted:
        marks["tally"] = 1
    if counted and retention.start:
        marks["start"] = retention.start
    if reported and retention.callbacks:
        marks["callbacks"] = retention.callbacks
    if reported and retention.followed:
        marks["followed"] = 1
    return to_item(
        {"pk": partition(chunk), "sk": sk, "expires": retention.expires, **marks, **values}
    )


def plan_item(vault: Vault, plan: Plan, message: Message) -> Item:
    more: dict[str, str | int | bytes] = {} if plan.next is None else {"next": plan.next}
    if message.rated:
        more["rated"] = 1
    values = plan_values(vault, plan)
    return _item(plan.id, "plan", message.retention, counted=True, reported=True, **values, **more)


def begun_item(vault: Vault, plan: Plan, call: Call, message: Message) -> Item:
    """Build the item of a plan that holds the record of its first call."""
    of_call = call_item(plan.id, call, message)
    return {
        **of_call,
        **plan_item(vault, plan, message),
        **to_item({"call": call.key.text}),
    }


def plan_values(vault: Vault, plan: Plan) -> dict[str, str | int | bytes]:
    """Return the attributes of a plan, in its own item or in its message's."""
    rare: dict[str, str | int | bytes] = {}
    if plan.values:
        rare["values"] = vault.seal(pack(plan.values), f"values#{partition(plan.id)}")
    if plan.starts:
        rare["starts"] = pack(plan.starts)
    if plan.quiet:
        rare["quiet"] = pack([[target, *quiet] for target, quiet in plan.quiet.items()])
    return {
        **rare,
        "targets": pack([_raw_target(target) for target in plan.targets]),
        "contacts": vault.seal(pack(plan.contacts), f"plan#{partition(plan.id)}"),
        "time": plan.time,
        **rare,
    }


def _raw_target(target: Target) -> list[Any]:
    raw = [target.id, target.loss.value if target.loss else "", target.contacts]
    return [*raw, target.refused] if target.refused else raw


def read_plan(vault: Vault, row: Row) -> Plan:
    return read_plan_of(vault, chunk_of(row["pk"]), row)


def read_plan_of(vault: Vault, chunk: ChunkId, row: Mapping[str, Any]) -> Plan:
    contacts = unpack(vault.open(row["contacts"], f"plan#{partition(chunk)}"))
    values = ()
    if "values" in row:
        values = tuple(unpack(vault.open(row["values"], f"values#{partition(chunk)}")))
    return Plan(
        chunk,
        tuple(map(_target, unpack(row["targets"]))),
        tuple(
            {code: tuple(of_channel) for code, of_channel in of_target.items()}
            for of_target in contacts
        ),
        row["time"],
        row.get("next"),
        values=values,
        starts=tuple(unpack(row["starts"])) if "starts" in row else (),
        quiet={t: tuple(quiet) for t, *quiet in unpack(row["quiet"])} if "quiet" in row else {},
    )


def _target(raw: Sequence[Any]) -> Target:
    id, loss, *rest = raw
    return Target(id, TargetLoss(loss) if loss else None, *rest)


def entrants_item(chunk: ChunkId, entrants: Entrants, message: Message) -> Item:
    sk = keys.join("go", entrants.step, entrants.number)
    values: dict[str, str | int | bytes] = {}
    if entrants.refused:
        values["refused"] = pack([[*at, why] for at, why in entrants.refused.items()])
    values["members"], values["time"] = pack(entrants.members), entrants.time
    return _item(chunk, sk, message.retention, counted=True, reported=False, **values)


def read_entrants(row: Row) -> Entrants:
    _, step, number = keys.split(row["sk"])
    refused = unpack(row["refused"]) if "refused" in row else ()
    return Entrants(
        int(step),
        int(number),
        tuple(unpack(row["members"])),
        row["time"],
        {(target, code): why for target, code, why in refused},
    )


def call_item(chunk: ChunkId, call: Call, message: Message) -> Item:
    """Build the item of a claim. Its random `by` tells claims apart that are otherwise equal."""
    claim: dict[str, str | int | bytes] = {
        "state": call.state.value,
        "lease": call.lease,
        "by": secrets.token_hex(8),
    }
    token: dict[str, str | int | bytes] = {"token": call.token, "token_time": call.token_time}
    return _item(
        chunk,
        f"call#{call.key.text}",
        message.retention,
        counted=False,
        reported=False,
        skipped=pack(call.skipped),
        **claim,
        **token,
    )


def read_call(row: Row) -> Call:
    """Read the record of a call, which may be that in the item of a plan."""
    return Call(
        CallKey.of(row.get("call") or row["sk"].removeprefix("call#")),
        CallState(row["state"]),
        row["lease"],
        row["token"],
        row["token_time"],
        tuple(unpack(row["skipped"])),
    )


def answer_item(chunk: ChunkId, answer: CallAnswer, message: Message) -> Item:
    facts, later = pack(encode(answer.facts).decode()), pack(answer.later)
    rare: dict[str, str | int | bytes] = {}
    if answer.undeliverable:
        rare["gone"] = pack(answer.undeliverable)
    if answer.untried:
        rare["untried"] = answer.untried
    if answer.halved:
        rare["halved"] = 1
    return _item(
        chunk,
        f"answer#{answer.key.text}",
        message.retention,
        counted=True,
        reported=True,
        facts=facts,
        later=later,
        time=answer.time,
        provider_id=answer.provider_id,
        **rare,
    )


def read_answer(row: Row) -> CallAnswer:
    key = CallKey.of(row["sk"].removeprefix("answer#"))
    later = tuple(DeliveryRef(*ref) for ref in unpack(row["later"]))
    undeliverable = tuple(DeliveryRef(*ref) for ref in unpack(row["gone"])) if "gone" in row else ()
    return CallAnswer(
        key,
        decode(unpack(row["facts"]).encode()),
        row["time"],
        row["provider_id"],
        later,
        undeliverable,
        row.get("untried", 0),
        bool(row.get("halved")),
    )


def deferral_item(chunk: ChunkId, deferral: Deferral, message: Message) -> Item:
    rare: dict[str, str | int | bytes] = {"resumed": 1} if deferral.resumed else {}
    return _item(
        chunk,
        f"wait#{deferral.key.text}",
        message.retention,
        counted=False,
        reported=False,
        end=deferral.end,
        until=deferral.until,
        for_quota=int(deferral.for_quota),
        **rare,
    )


def read_deferral(row: Row) -> Deferral:
    return Deferral(
        CallKey.of(row["sk"].removeprefix("wait#")),
        row["end"],
        row["until"],
        bool(row.get("for_quota")),
        bool(row.get("resumed")),
    )


def facts_item(chunk: ChunkId, facts: Iterable[Fact], retention: Retention, name: str = "") -> Item:
    bundle = Bundle(tuple(facts))
    body = pack(encode(bundle.facts).decode())
    sk = f"facts#{name or bundle.digest}"
    return _item(chunk, sk, retention, counted=True, reported=True, facts=body)


def facts_items(bundles: Iterable[tuple[ChunkId, Sequence[Fact], Retention]]) -> list[Item]:
    """Build the items of bundles that have a fact."""
    return [facts_item(chunk, facts, retention) for chunk, facts, retention in bundles if facts]


def withdrawn_item(chunk: ChunkId, time: int, message: Message) -> Item:
    return _item(chunk, "withdrawn", message.retention, counted=True, time=time)


def read_chunk(vault: Vault, items: Iterable[Item], held: Plan | None = None) -> Chunk | None:
    """Read a chunk from its partition's items. Return None if no plan is among them.

    `held` is the plan that the message holds.
    """
    rows = defaultdict[str, list[Row]](list)
    for row in map(from_item, items):
        rows[row["sk"].split("#", 1)[0]].append(row)
    if held is None and not rows["plan"]:
        return None
    begun = [row for row in rows["plan"] if "call" in row]
    facts: list[Fact] = []
    for row in rows["facts"]:
        facts += decode(unpack(row["facts"]).encode())
    return Chunk(
        held or read_plan(vault, rows["plan"][0]),
        tuple(map(read_entrants, rows["go"])),
        {call.key: call for call in map(read_call, [*begun, *rows["call"]])},
        {answer.key: answer for answer in map(read_answer, rows["answer"])},
        tuple(facts),
        rows["withdrawn"][0]["time"] if rows["withdrawn"] else None,
        tuple(map(read_deferral, rows["wait"])),
        first_call=read_call(begun[0]).key if begun else None,
    )
