"""Messages of all access channels, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain import keys
from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Summary
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.route import Call, known_msgid
from chalicelib.ports import World
from chalicelib.reports import message as report

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.message_history import MessagesAsked
    from chalicelib.entrypoints.http.schemas.messages import Named

bp = Blueprint(__name__)


@admin(
    bp,
    "messages",
    "GET",
    query="message_history.MessagesAsked",
    gives="message_history.Messages",
    errors=(404,),
    tag="messages",
)
def list_messages(call: Call) -> dict[str, Any]:
    """What an access channel has sent, newest first."""
    asked: MessagesAsked = call.asked()
    key = known_key(asked.channel_key)
    return cursors.page(
        "messages",
        call,
        cursors.made,
        lambda before, limit: report.newest(
            call.world, key, before, limit, asked.since, asked.until
        ),
        lambda each: each.msgid,
        _shown,
    )


@admin(bp, "messages/{msgid}", "GET", gives="messages.Report", errors=(404,), tag="messages")
def get_any_message(call: Call, msgid: str) -> dict[str, Any]:
    """What became of a message, as its sender sees it."""
    return {"code": 0, **report.message(call.world, _sender(call.world, msgid), msgid)}


@admin(
    bp,
    "messages/{msgid}/targets/{target}",
    "GET",
    gives="messages.Target",
    errors=(404,),
    tag="messages",
)
def get_any_target(call: Call, msgid: str, target: str) -> dict[str, Any]:
    """What became of one target of a message, as its sender sees it."""
    return {"code": 0, **report.target(call.world, _sender(call.world, msgid), msgid, target)}


@admin(
    bp,
    "messages/{msgid}/targets",
    "POST",
    takes="messages.Named",
    gives="messages.Target",
    errors=(404,),
    tag="messages",
)
def find_any_target(call: Call, msgid: str) -> dict[str, Any]:
    """The same of a target that was named by its registration id, which is no part of an address."""
    asked: Named = call.body()
    return {
        "code": 0,
        **report.target_with(
            call.world, _sender(call.world, msgid), msgid, asked.type, asked.contact
        ),
    }


def _sender(world: World, msgid: str) -> str:
    message = world.messages.get(known_msgid(msgid))
    if message is None:
        raise NotFound("message")
    return message.channel_key


def _shown(each: Summary) -> dict[str, Any]:
    number, version = each.template
    return {
        "msgid": each.msgid,
        "accepted": keys.message_time(each.msgid),
        "audience": each.audience.value,
        "targets": each.targets,
        "priority": each.priority.value,
        "template": {"id": number, "version": version} if number else None,
        "rule_id": each.rule_id,
        "channels": [kind.value for kind in each.channels],
        "sendno": each.sendno,
    }
