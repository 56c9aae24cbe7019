"""The ledger: one partition per chunk. Conditional puts return what stands, so that every step sees the same decision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from chalicelib.aws import ledger_items
from chalicelib.aws.clients import client
from chalicelib.aws.items import Item, from_item, put_once, to_item, write_many
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.chunks import CallAnswer, Chunk, Deferral
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, ChunkId, Entrants, Plan
from chalicelib.ports import Vault

CACHED_PLANS = 64


class Ledger:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._plans: OrderedDict[ChunkId, Plan] = OrderedDict()

    def put_plan(self, plan: Plan, message: Message) -> Plan:
        found = put_once(table("ledger"), ledger_items.plan_item(self._vault, plan, message))
        return ledger_items.read_plan(self._vault, from_item(found)) if found else plan

    def plan(self, chunk: ChunkId) -> Plan | None:
        if chunk not in self._plans:
            key = to_item({"pk": ledger_items.partition(chunk), "sk": "plan"})
            row = (
                client("dynamodb")
                .get_item(TableName=table("ledger"), Key=key, ConsistentRead=True)
                .get("Item")
            )
            if row is None:
                return None
            self._plans[chunk] = ledger_items.read_plan(self._vault, from_item(row))
            if len(self._plans) > CACHED_PLANS:
                self._plans.popitem(last=False)
        return self._plans[chunk]

    def withdraw(self, chunk: ChunkId, time: int, message: Message) -> None:
        put_once(table("ledger"), ledger_items.withdrawn_item(chunk, time, message))

    def freeze(self, chunk: ChunkId, entrants: Entrants, message: Message) -> Entrants:
        found = put_once(table("ledger"), ledger_items.entrants_item(chunk, entrants, message))
        return ledger_items.read_entrants(from_item(found)) if found else entrants

    def chunk(self, chunk: ChunkId) -> Chunk | None:
        found: list[Item] = []
        more: Item = {}
        while True:
            answer = client("dynamodb").query(
                TableName=table("ledger"),
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": ledger_items.partition(chunk)}),
                ConsistentRead=True,
                **more,
            )
            found += answer["Items"]
            if not answer.get("LastEvaluatedKey"):
                return ledger_items.read_chunk(self._vault, found)
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def claim(
        self, chunk: ChunkId, call: Call, expected: Call | None, message: Message
    ) -> Call | None:
        item = ledger_items.call_item(chunk, call, message)
        found = put_once(table("ledger"), item) if expected is None else _replace(item, expected)
        # When an answer gets lost, the SDK tries again: what stands in the way may be what it put the first time.
        if found is None or found.get("by") == item["by"]:
            return None
        return ledger_items.read_call(from_item(found))

    def put_answer(self, chunk: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer:
        found = put_once(table("ledger"), ledger_items.answer_item(chunk, answer, message))
        return ledger_items.read_answer(from_item(found)) if found else answer

    def put_deferral(self, chunk: ChunkId, deferral: Deferral, message: Message) -> None:
        client("dynamodb").put_item(
            TableName=table("ledger"), Item=ledger_items.deferral_item(chunk, deferral, message)
        )

    def add(self, chunk: ChunkId, facts: Sequence[Fact], message: Message) -> None:
        self.add_all([(chunk, facts, message)])

    def add_all(self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Message]]) -> None:
        found = [
            ledger_items.facts_item(chunk, facts, message)
            for chunk, facts, message in bundles
            if facts
        ]
        if len(found) == 1:
            client("dynamodb").put_item(TableName=table("ledger"), Item=found[0])
        elif found:
            write_many(table("ledger"), found, key=("pk", "sk"))

    def add_click(self, chunk: ChunkId, fact: Fact, message: Message) -> bool:
        name = keys.join(
            "click" if fact.kind is FactKind.CLICKED else fact.kind.value,
            fact.ref.target,
            fact.ref.channel,
            fact.ref.contact,
        )
        item = ledger_items.facts_item(chunk, [fact], message, name)
        return put_once(table("ledger"), item) in (None, item)


def _replace(item: Item, expected: Call) -> Item | None:
    """Put the record if the expected one is still there, or none any more; else the one that is."""
    from botocore.exceptions import ClientError

    try:
        client("dynamodb").put_item(
            TableName=table("ledger"),
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR (#state = :state AND lease = :lease)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_item(
                {":state": expected.state.value, ":lease": expected.lease}
            ),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if "Item" not in error.response:
            raise
        return dict(error.response["Item"])
    return None
