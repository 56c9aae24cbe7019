"""Documents of counts, and notes of small messages, in the table `messages`."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chalicelib.aws.items import (
    Cancelled,
    Item,
    Values,
    from_image,
    get_many,
    pack,
    packed,
    put_all,
    to_item,
    transact,
    unpack,
)
from chalicelib.aws.ledger_items import chunk_of
from chalicelib.aws.message_history import of_lists
from chalicelib.aws.queries import query
from chalicelib.aws.strategies import read_strategy
from chalicelib.aws.tables import table
from chalicelib.aws.timers import Timers
from chalicelib.config import settings
from chalicelib.domain import keys, notes
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind, decode
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Entry, Hold, Message
from chalicelib.domain.notes import Note, OptOut
from chalicelib.domain.plans import ChunkId, Entrants, Plan, Target, TargetLoss
from chalicelib.ports.figures import Document, Key

BUNDLE = 2000  # notes of an item, some 60 KB. Notes of many targets take several items
# The parts of a stored message on which figures depend.
_PARTS = ("channel_key", "accepted", "priority", "strategy", "channels", "template")
APART = 0  # in the note of a plan whose targets enter the first step at times of their own
_RARE = ("hold", "rated")  # left out where a message has none


class Figures:
    def load(self, keys: Sequence[Key]) -> Mapping[Key, Document]:
        rows = get_many(
            table("messages"), ({"pk": pk, "sk": sk} for pk, sk in keys), consistent=True
        )
        return {(row["pk"], row["sk"]): _document(row) for row in rows}

    def store(self, documents: Sequence[Document]) -> bool:
        try:
            transact([_put(document) for document in documents])
        except Cancelled:
            return False
        return True

    def between(
        self, name: str, first: str, last: str, *, fresh: bool = False
    ) -> Iterator[Document]:
        values = {":pk": name, ":first": first, ":last": last}
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        yield from map(_document, query("messages", condition, values, ConsistentRead=fresh))


class Notes:
    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    def of_message(self, image: Mapping[str, Any]) -> Note:
        row = from_image(image)
        body = unpack(row["body"])
        raw: dict[str, Any] = {name: body[name] for name in (*_PARTS, *_RARE) if name in body}
        if "targets" in row:
            raw["plan"] = _known_of(unpack(row["targets"]), is_rated="rated" in body)
        return _note([row["pk"], 0, "message", raw])

    def of_ledger(self, image: Mapping[str, Any]) -> Note | None:
        row = from_image(image)
        note = self._of_row(row)
        return note._replace(start=row.get("start", 0)) if note else None

    @staticmethod
    def _of_row(row: Mapping[str, Any]) -> Note | None:
        chunk, kind = chunk_of(row["pk"]), row["sk"].split("#", 1)[0]
        if kind == "plan":
            targets = _known_of(unpack(row["targets"]), is_rated="rated" in row)
            return _note([*chunk, kind, targets, *([APART] if "starts" in row else [])])
        if kind == "go":
            _, step, number = keys.split(row["sk"])
            refused = [unpack(row["refused"])] if "refused" in row else []
            go = [int(step), int(number), unpack(row["members"]), *refused]
            return _note([*chunk, kind, go])
        if kind in ("answer", "facts"):
            facts = decode(unpack(row["facts"]).encode())
            return Note(chunk, tuple(fact._replace(provider_id="") for fact in facts))
        return None

    def add(
        self, notes: Sequence[Note], entries: Sequence[Entry] = (), timers: Sequence[Timer] = ()
    ) -> None:
        unknown = self._timers.unknown(timers)
        put_all(
            [
                *((table("messages"), ("pk", "sk"), item) for item in bundles(notes)),
                *((table("messages"), ("pk", "sk"), item) for item in of_lists(entries)),
                *((table("due"), ("shard", "due"), row) for row in self._timers.rows(unknown)),
            ]
        )
        self._timers.remember(unknown)

    def of_block(self, block: int) -> Sequence[Note]:
        return read(query("messages", "pk = :pk", {":pk": _name(block)}, ConsistentRead=True))


def bundles(notes: Sequence[Note]) -> list[Item]:
    """Build the items of notes, in bundles by block."""
    by_block: defaultdict[int, list[Any]] = defaultdict(list)
    for note in notes:
        by_block[note.block].append(_raw(note))
    return [
        _bundle(block, body)
        for block, raw in by_block.items()
        for start in range(0, len(raw), BUNDLE)
        for _, body in packed(raw[start : start + BUNDLE])
    ]


def read(rows: Iterable[Mapping[str, Any]]) -> list[Note]:
    """Read the notes of bundles."""
    return [_note(raw) for row in rows for raw in unpack(row["body"])]


def opt_out_put(opt_out: OptOut) -> Item:
    """Build the write of an opt-out's note, for the transaction that stores the opt-out itself."""
    body = pack([_raw(Note(notes.NOWHERE, opt_out))])
    expires = (opt_out.block + 1) * notes.BLOCK // 1000 + notes.LIFE
    key: Values = {"pk": _name(opt_out.block), "sk": keys.join("out", opt_out.id)}
    return {
        "Put": {
            "TableName": table("messages"),
            "Item": to_item({**key, "expires": expires, "body": body}),
        }
    }


def _name(block: int) -> str:
    return keys.join("notes", str(block))


def _bundle(block: int, body: bytes) -> Item:
    digest = hashlib.sha256(body).hexdigest()[:16]
    expires = (block + 1) * notes.BLOCK // 1000 + notes.LIFE
    return to_item({"pk": _name(block), "sk": digest, "expires": expires, "body": body})


def _known_of(targets: Sequence[Any], *, is_rated: bool) -> list[Any]:
    """Return what a note says of targets. Only people's own rates and fact files need their ids."""
    has_ids = is_rated or bool(settings().facts_bucket)
    return [
        [loss, contacts, *(rest or ([{}] if has_ids else [])), *([id] if has_ids else [])]
        for id, loss, contacts, *rest in targets
    ]


def _raw(note: Note) -> list[Any]:
    """Return a note as JSON has it. `_note` reads it."""
    value = note.value
    if isinstance(value, OptOut):
        return [*note.chunk, "out", list(value)]
    if isinstance(value, Message):
        body: dict[str, Any] = {name: getattr(value, name) for name in _PARTS}
        body |= {name: getattr(value, name) for name in _RARE if getattr(value, name)}
        body["strategy"] = asdict(value.strategy)
        if value.plan is not None:
            body["plan"] = _targets(value.plan)
        return [*note.chunk, "message", body]
    if isinstance(value, Plan):
        return [*note.chunk, "plan", _targets(value), *([APART] if value.starts else [])]
    if isinstance(value, Entrants):
        refused = [[[*at, why] for at, why in value.refused.items()]] if value.refused else []
        return [*note.chunk, "go", [value.step, value.number, value.members, *refused]]
    return [*note.chunk, "facts", [_raw_fact(fact) for fact in sorted(value)]]


def _raw_fact(fact: Fact) -> list[Any]:
    cost = [fact.cost] if fact.cost else []
    return [*fact.ref, fact.kind.value, fact.time, fact.code, *cost]


def _targets(plan: Plan) -> list[Any]:
    return [
        [t.loss.value if t.loss else "", t.contacts, t.refused, *([t.id] if t.id else [])]
        for t in plan.targets
    ]


def _note(raw: Sequence[Any]) -> Note:
    msgid, number, kind, body, *apart = raw
    chunk = ChunkId(msgid, number)
    if kind == "out":
        return Note(chunk, OptOut(*body))
    keys.message_id_bytes(msgid)
    if kind == "message":
        return Note(chunk, _message(chunk, body))
    if kind == "plan":
        return Note(chunk, _plan(chunk, body, apart))
    if kind == "go":
        step, list_number, members, *more = body
        refused = {(target, code): why for target, code, why in more[0]} if more else {}
        return Note(chunk, Entrants(step, list_number, tuple(members), 0, refused))
    return Note(chunk, tuple(_fact(*fact) for fact in body))


def _message(chunk: ChunkId, body: Mapping[str, Any]) -> Message:
    plan = _plan(chunk, body["plan"]) if "plan" in body else None
    return Message(
        msgid=chunk.msgid,
        channel_key=body["channel_key"],
        accepted=body["accepted"],
        priority=Priority(body["priority"]),
        strategy=read_strategy(body["strategy"]),
        channels={code: ChannelType(kind) for code, kind in body["channels"].items()},
        call_sizes={},
        contents={},
        links={},
        userids=(),
        expires=0,
        template=tuple(body["template"]),
        hold=Hold(*body["hold"]) if body.get("hold") else None,
        rated=bool(body.get("rated")),
        plan=plan,
    )


def _plan(chunk: ChunkId, raw: Sequence[Any], apart: Sequence[int] = ()) -> Plan:
    """Build the plan of a note. Who enters the first step when is said by lists of entrants."""
    targets = tuple(_target(*target) for target in raw)
    return Plan(chunk, targets, (), 0, None, starts=tuple(apart) * len(targets))


def _target(
    loss: str, contacts: Mapping[str, int], refused: Mapping[str, str] | None = None, id: str = ""
) -> Target:
    return Target(id, TargetLoss(loss) if loss else None, contacts, refused or {})


def _fact(
    target: int, channel: str, contact: int, kind: str, time: int, code: str, cost: int = 0
) -> Fact:
    ref = DeliveryRef(target, channel, contact)
    return Fact(ref, FactKind(kind), time, code, cost=cost)


def _document(row: Mapping[str, Any]) -> Document:
    key = (row["pk"], row["sk"])
    return Document(key, row["version"], unpack(row["body"]), row.get("expires"))


def _put(document: Document) -> Item:
    pk, sk = document.key
    item: Values = {"pk": pk, "sk": sk, "version": document.version, "body": pack(document.body)}
    if document.expires is not None:
        item["expires"] = document.expires
    put: Item = {"TableName": table("messages"), "Item": to_item(item)}
    if document.version == 1:
        put["ConditionExpression"] = "attribute_not_exists(pk)"
    else:
        put["ConditionExpression"] = "version = :before"
        put["ExpressionAttributeValues"] = to_item({":before": document.version - 1})
    return {"Put": put}
