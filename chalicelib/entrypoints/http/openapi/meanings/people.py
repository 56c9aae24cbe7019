"""The fields of topics, preferences, consent and frequency caps."""

from __future__ import annotations

from collections.abc import Mapping

_EXEMPT = "Priorities whose messages the cap neither counts nor refuses. Default: 1."

FIELDS: Mapping[str, str] = {
    "TemplateVersion.attributes": "Attributes of users that the texts of the template take.",
    "Entry.attributes": "Attributes to set, such as a name. null removes one. An extension of UMS.",
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
