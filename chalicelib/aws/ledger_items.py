"""What the ledger stores, as items and back. Contacts are sealed; facts, ids and counts are compressed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from chalicelib.aws.items import Item, from_item, pack, to_item, unpack
from chalicelib.domain import keys
from chalicelib.domain.chunks import CallAnswer, Chunk, Deferral
from chalicelib.domain.facts import Bundle, DeliveryRef, Fact, decode, encode
from chalicelib.domain.messages import Message
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


def partition(chunk: ChunkId) -> str:
    return keys.join(chunk.msgid, chunk.number)


def chunk_of(pk: str) -> ChunkId:
    msgid, chunk = keys.split(pk)
    return ChunkId(msgid, int(chunk))


def _item(
    chunk: ChunkId, sk: str, message: Message, *, counted: bool, **values: str | int | bytes
) -> Item:
    tally = {"tally": 1} if counted and not message.inline else {}
    return to_item(
        {"pk": partition(chunk), "sk": sk, "expires": message.expires, **tally, **values}
    )


def plan_item(vault: Vault, plan: Plan, message: Message) -> Item:
    targets = [
        [t.id, t.loss.value if t.loss else "", t.contacts, *([t.refused] if t.refused else [])]
        for t in plan.targets
    ]
    sealed = vault.seal(pack(plan.contacts), f"plan#{partition(plan.id)}")
    following = {} if plan.next is None else {"next": plan.next}
    return _item(
        plan.id,
        "plan",
        message,
        counted=True,
        targets=pack(targets),
        contacts=sealed,
        time=plan.time,
        **following,
    )


def read_plan(vault: Vault, row: dict[str, Any]) -> Plan:
    contacts = unpack(vault.open(row["contacts"], f"plan#{row['pk']}"))
    return Plan(
        chunk_of(row["pk"]),
        tuple(
            Target(i, TargetLoss(loss) if loss else None, *rest)
            for i, loss, *rest in unpack(row["targets"])
        ),
        tuple({code: tuple(found) for code, found in each.items()} for each in contacts),
        row["time"],
        row.get("next"),
    )


def entrants_item(chunk: ChunkId, entrants: Entrants, message: Message) -> Item:
    sk = keys.join("go", entrants.step, entrants.number)
    return _item(
        chunk, sk, message, counted=True, members=pack(entrants.members), time=entrants.time
    )


def read_entrants(row: dict[str, Any]) -> Entrants:
    _, step, number = keys.split(row["sk"])
    return Entrants(int(step), int(number), tuple(unpack(row["members"])), row["time"])


def call_item(chunk: ChunkId, call: Call, message: Message) -> Item:
    """`by` tells claims apart that look the same, and a claim of our own from those of others."""
    claim: dict[str, str | int | bytes] = {
        "state": call.state.value,
        "lease": call.lease,
        "by": secrets.token_hex(8),
    }
    token: dict[str, str | int | bytes] = {"token": call.token, "token_time": call.token_time}
    return _item(
        chunk,
        f"call#{call.key.text}",
        message,
        counted=False,
        skipped=pack(call.skipped),
        **claim,
        **token,
    )


def read_call(row: dict[str, Any]) -> Call:
    key = CallKey.of(row["sk"].removeprefix("call#"))
    return Call(
        key,
        CallState(row["state"]),
        row["lease"],
        row["token"],
        row["token_time"],
        tuple(unpack(row["skipped"])),
    )


def answer_item(chunk: ChunkId, answer: CallAnswer, message: Message) -> Item:
    facts, later = pack(encode(answer.facts).decode()), pack(answer.later)
    sk, undeliverable = (
        f"answer#{answer.key.text}",
        {"gone": pack(answer.undeliverable)} if answer.undeliverable else {},
    )
    return _item(
        chunk,
        sk,
        message,
        counted=True,
        facts=facts,
        later=later,
        time=answer.time,
        provider_id=answer.provider_id,
        **undeliverable,
    )


def read_answer(row: dict[str, Any]) -> CallAnswer:
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
    )


def deferral_item(chunk: ChunkId, deferral: Deferral, message: Message) -> Item:
    return _item(
        chunk,
        f"wait#{deferral.key.text}",
        message,
        counted=False,
        end=deferral.end,
        until=deferral.until,
        for_quota=int(deferral.for_quota),
    )


def read_deferral(row: dict[str, Any]) -> Deferral:
    return Deferral(
        CallKey.of(row["sk"].removeprefix("wait#")),
        row["end"],
        row["until"],
        bool(row.get("for_quota")),
    )


def facts_item(chunk: ChunkId, facts: Iterable[Fact], message: Message, name: str = "") -> Item:
    bundle = Bundle(tuple(facts))
    body = pack(encode(bundle.facts).decode())
    return _item(chunk, f"facts#{name or bundle.digest}", message, counted=True, facts=body)


def withdrawn_item(chunk: ChunkId, time: int, message: Message) -> Item:
    return _item(chunk, "withdrawn", message, counted=True, time=time)


def read_chunk(vault: Vault, items: Iterable[Item]) -> Chunk | None:
    """A partition's items; None when there is no plan among them."""
    plan: Plan | None = None
    withdrawn: int | None = None
    entrants, calls, answers, reported = (
        list[Entrants](),
        dict[CallKey, Call](),
        dict[CallKey, CallAnswer](),
        list[Fact](),
    )
    deferrals: list[Deferral] = []
    for row in map(from_item, items):
        match row["sk"].split("#", 1)[0]:
            case "plan":
                plan = read_plan(vault, row)
            case "go":
                entrants.append(read_entrants(row))
            case "call":
                call = read_call(row)
                calls[call.key] = call
            case "answer":
                answer = read_answer(row)
                answers[answer.key] = answer
            case "facts":
                reported += decode(unpack(row["facts"]).encode())
            case "withdrawn":
                withdrawn = row["time"]
            case "wait":
                deferrals.append(read_deferral(row))
    return (
        Chunk(plan, tuple(entrants), calls, answers, tuple(reported), withdrawn, tuple(deferrals))
        if plan
        else None
    )
