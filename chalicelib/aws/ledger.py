"""The ledger: one partition per chunk.

Conditional puts return the stored item, so that every step sees the same decision.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from chalicelib.aws import ledger_items
from chalicelib.aws.clients import client
from chalicelib.aws.items import Item, from_item, get_many, put_once, to_item, write_many
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.chunks import CallAnswer, Chunk, Deferral
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import Call, ChunkId, Entrants, Plan
from chalicelib.ports import Vault

CACHED_PLANS = 64


class Ledger:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._plans: OrderedDict[ChunkId, Plan] = OrderedDict()

    def put_plan(self, plan: Plan, message: Message) -> Plan:
        stored = put_once(table("ledger"), ledger_items.plan_item(self._vault, plan, message))
        return ledger_items.read_plan(self._vault, from_item(stored)) if stored else plan

    def begin(self, plan: Plan, call: Call, message: Message) -> bool:
        item = ledger_items.begun_item(self._vault, plan, call, message)
        stored = put_once(table("ledger"), item)
        # When an answer gets lost, the SDK tries again: the stored item may be its first try.
        return stored is None or stored.get("by") == item["by"]

    def plan(self, chunk: ChunkId, message: Message | None = None) -> Plan | None:
        held = message.plan_of(chunk) if message else None
        if held is not None:
            return held
        if chunk not in self._plans:
            key = to_item({"pk": ledger_items.partition(chunk), "sk": "plan"})
            answer = client("dynamodb").get_item(
                TableName=table("ledger"), Key=key, ConsistentRead=True
            )
            if "Item" not in answer:
                return None
            self._remember(ledger_items.read_plan(self._vault, from_item(answer["Item"])))
        return self._plans[chunk]

    def plans(self, messages: Mapping[ChunkId, Message]) -> Mapping[ChunkId, Plan]:
        held = {chunk: message.plan_of(chunk) for chunk, message in messages.items()}
        plans = {chunk: plan for chunk, plan in held.items() if plan is not None}
        plans |= {chunk: self._plans[chunk] for chunk in messages if chunk in self._plans}
        missing = messages.keys() - plans.keys()
        row_keys = ({"pk": ledger_items.partition(chunk), "sk": "plan"} for chunk in missing)
        for row in get_many(table("ledger"), row_keys, consistent=True):
            plan = ledger_items.read_plan(self._vault, row)
            plans[plan.id] = plan
            self._remember(plan)
        return plans

    def _remember(self, plan: Plan) -> None:
        self._plans[plan.id] = plan
        if len(self._plans) > CACHED_PLANS:
            self._plans.popitem(last=False)

    def withdraw(self, chunk: ChunkId, time: int, message: Message) -> None:
        put_once(table("ledger"), ledger_items.withdrawn_item(chunk, time, message))

    def freeze(self, chunk: ChunkId, entrants: Entrants, message: Message) -> Entrants:
        stored = put_once(table("ledger"), ledger_items.entrants_item(chunk, entrants, message))
        return ledger_items.read_entrants(from_item(stored)) if stored else entrants

    def chunk(self, chunk: ChunkId, message: Message | None = None) -> Chunk | None:
        items: list[Item] = []
        more: Item = {}
        while True:
            answer = client("dynamodb").query(
                TableName=table("ledger"),
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": ledger_items.partition(chunk)}),
                ConsistentRead=True,
                **more,
            )
            items += answer["Items"]
            if not answer.get("LastEvaluatedKey"):
                held = message.plan_of(chunk) if message else None
                return ledger_items.read_chunk(self._vault, items, held)
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def claim(
        self, chunk: ChunkId, call: Call, expected: Call | None, message: Message
    ) -> Call | None:
        item = ledger_items.call_item(chunk, call, message)
        stored = put_once(table("ledger"), item) if expected is None else _replace(item, expected)
        # When an answer gets lost, the SDK tries again: the stored item may be its first try.
        if stored is None or stored.get("by") == item["by"]:
            return None
        return ledger_items.read_call(from_item(stored))

    def put_answer(self, chunk: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer:
        stored = put_once(table("ledger"), ledger_items.answer_item(chunk, answer, message))
        return ledger_items.read_answer(from_item(stored)) if stored else answer

    def put_deferral(self, chunk: ChunkId, deferral: Deferral, message: Message) -> None:
        client("dynamodb").put_item(
            TableName=table("ledger"), Item=ledger_items.deferral_item(chunk, deferral, message)
        )

    def add(self, chunk: ChunkId, facts: Sequence[Fact], message: Message) -> None:
        self.add_all([(chunk, facts, message.retention)])

    def add_all(self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]]) -> None:
        items = ledger_items.facts_items(bundles)
        if len(items) == 1:
            client("dynamodb").put_item(TableName=table("ledger"), Item=items[0])
        elif items:
            write_many(table("ledger"), items, key=("pk", "sk"))

    def add_click(self, chunk: ChunkId, fact: Fact, message: Message) -> bool:
        name = keys.join(
            "click" if fact.kind is FactKind.CLICKED else fact.kind.value,
            fact.ref.target,
            fact.ref.channel,
            fact.ref.contact,
        )
        item = ledger_items.facts_item(chunk, [fact], message.retention, name)
        return put_once(table("ledger"), item) in (None, item)


def _replace(item: Item, expected: Call) -> Item | None:
    """Put a record in the place of the expected one, or of none. Return any other stored one."""
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
