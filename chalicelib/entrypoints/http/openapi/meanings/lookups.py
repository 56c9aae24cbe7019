"""The fields of what is looked up about messages and their targets."""

from __future__ import annotations

from collections.abc import Mapping

_MISSING = "Event that the condition misses: `delivered` or `clicked`."

FIELDS: Mapping[str, str] = {
    "Listed.origin": "Way on which it was asked for: `api` (an access channel), `console` (a"
    " member) or `schedule` (it waited for its time).",
    "Listed.sender": "Access key of the member who sent it. null: the access channel itself.",
    "Listed.ended": "Time of its last fact, in ms, once nothing is to be sent. null: not yet.",
    "MessagesQuery.origin": "Only messages of this origin: `api`, `console` or `schedule`.",
    "MessagesQuery.sender": "Only messages that the member with this access key sent.",
    "Report.ended": "Time of its last fact, in ms, once nothing is to be sent. null: not yet.",
    "Report.name": "Name of the message, from `option.name`.",
    "Report.owner": "Name of the person or system that sent it, from `option.owner`.",
    "Report.origin": "Way on which it was asked for: `api`, `console` or `schedule`.",
    "Report.sender": "Access key of the member who sent it. null: the access channel itself.",
    "Delivery.contact": "Position of the contact among the target's contacts, from 1.",
    "Delivery.masked": "The contact, masked: `138****0000`.",
    "checks": "Checks that the message asked for, in their order, up to a loss.",
    "conditions": "Conditions of later steps that were judged for the target.",
    "CheckShown.check": "Name of the check, as in the table of the rules of sending.",
    "CheckShown.outcome": "`passed`, `failed`, or `left_out`: it left some contacts out.",
    "CheckShown.channels": "Reasons for which it left contacts out, by delivery channel.",
    "ConditionShown.step": "Number of the step, from 2.",
    "ConditionShown.channels": "Channel types of the step.",
    "ConditionShown.operator": "`and`: all terms must hold. `or`: one of them.",
    "ConditionShown.outcome": "`began`: it held, and the step began. `due`: it holds, and the step"
    " is about to begin. `reached`: it can hold no more. `open`: it waits. `withdrawn`.",
    "ConditionShown.time": "Time of the outcome, in ms. `open`: when it is judged again.",
    "ConditionShown.terms": "Terms of the condition. Without those whose channel was not chosen.",
    "TermShown.channel": "Channel type of an earlier step.",
    "TermShown.missing": _MISSING,
    "TermShown.within": "Seconds since the submission.",
    "TermShown.outcome": "`missing`: it holds. `reached`: it does not. `open`: not known yet.",
    "TermShown.time": "Time at which it was reached, or at which its time is over, in ms.",
    "TargetsQuery.reason": "Only targets that were lost for this reason. Empty: all.",
    "TargetsQuery.state": "Only deliveries in this state, such as `delivered`. Empty: all.",
    "Targets.targets": "Rows of targets, one for each delivery.",
    "TargetRow.target": "User id, or the name of a contact.",
    "TargetRow.state": "State of the delivery. `invalid`: the target was lost before sending.",
    "TargetRow.reason": "Reason of the loss. null: nothing is lost.",
    "TargetRow.why": "The reason in words.",
    "TargetRow.step": "Step of the strategy, from 1.",
    "TargetRow.channel": "Channel type.",
    "TargetRow.code": "Code of the delivery channel.",
    "TargetRow.masked": "The contact, masked.",
    "TargetRow.time": "Time of the latest fact, in ms.",
    "TargetContacts.msgid": "Id of the message.",
    "TargetContacts.target": "User id, or the name of a contact.",
    "TargetContacts.contacts": "Contacts by delivery channel.",
    "ChannelContacts.channel": "Channel type.",
    "ChannelContacts.code": "Code of the delivery channel.",
    "ChannelContacts.element": "Number of the element, from 1.",
    "ChannelContacts.contacts": "Contacts, whole.",
    "TargetsExport.contacts": "`whole` shows contacts whole. The audit log has an entry then.",
}
