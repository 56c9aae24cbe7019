"""The fields of topics, preferences, consent and frequency caps."""

from __future__ import annotations

from collections.abc import Mapping

_EXEMPT = "Priorities whose messages the cap neither counts nor refuses. Default: 1."

FIELDS: Mapping[str, str] = {
    "TemplateVersion.attributes": "Attributes of users that the texts of the template take.",
    "Entry.attributes": "Attributes to set, such as a name. null removes one. An extension of UMS.",
    "PersonConsent.time": "Time of the consent, in ms.",
    "PersonConsent.contact": "Contact that has agreed, or no longer agrees.",
    "ConsentEntry.contact": "Contact that has agreed, or no longer agrees.",
    "ConsentEntry.source": "Place where it was said, such as a form or a shop.",
    "PersonConsent.source": "Place where it was said, such as a form or a shop.",
    "ConsentEntry.time": "Time at which it was said, in ms. Default: now. The latest word counts.",
    "ConsentRule.exempt": "Priorities whose messages need no consent.",
    "ConsentRuleBody.exempt": "Priorities whose messages need no consent. Default: 1.",
    "ConsentEntry.purpose": "Purpose that the contact agrees to.",
    "consents": "Consents of contacts.",
    "Erased.consents": "Number of consents that were deleted.",
    "Erased.memberships": "Number of lists and segments that the person left.",
    "Person.counted": "Messages that count under frequency caps.",
    "reached": "Reach of the messages of the last 30 days, by which steps choose a channel.",
    "ReachOfPerson.stage": "Furthest stage of the message: `submitted`, `delivered` or `clicked`.",
    "family": "Kind of group: `list` or `segment`.",
    "given": "True if the contact agrees, false if it no longer does.",
    "memberships": "Lists and segments that the person is in.",
    "MembershipOfPerson.id": "Id of the list or segment.",
    "MembershipOfPerson.name": "Name of the list or segment.",
    "preferences": "Choices of the person by channel key: topics, and a quiet time.",
    "quiet": "Stretch of each day in which nothing rings. null: none.",
    "text_version": "Version of the text that the contact agreed to.",
    "TopicChoice.first": "Channel type on which the topic is wanted most. null: none of them.",
    "TopicChoice.channels": "Channel types on which the topic is wanted. Empty: on none.",
    "user": "User, with all data.",
    "caps": "Frequency caps.",
    "CapBody.days": "Length of the window in days, instead of `hours`.",
    "description": "Text for people, on their page of preferences.",
    "exempt": _EXEMPT,
    "hours": "Length of the window in hours.",
    "most": "Maximum number of messages to a person within the window.",
    "opt_in": "True if only people get the topic who have chosen it.",
    "purpose": "Purpose that people must have consented to. Empty: no consent is needed.",
    "topic": "Id of a topic.",
    "topics": "Topics.",
    "CapBody.channel": "Channel type whose messages count. null: messages on any channel.",
    "CapBody.topic": "Topic whose messages count. null: messages of any topic and of none.",
    "Cap.channel": "Channel type whose messages count. null: messages on any channel.",
    "Cap.topic": "Topic whose messages count. null: messages of any topic and of none.",
    "Option.topic": "Id of the topic of the message. 0: none. An extension of UMS.",
}
