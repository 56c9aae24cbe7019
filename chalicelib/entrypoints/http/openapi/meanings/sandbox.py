"""The fields of the provider sandbox's inbox."""

from __future__ import annotations

from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "RealChannel.code": "Code of the delivery channel.",
    "RealChannel.name": "Name of the delivery channel.",
    "SandboxState.attached": "true: the delivery channels lead to a sandbox, and nobody receives"
    " what is sent. false: people do.",
    "SandboxState.real_channels": "Delivery channels that lead elsewhere all the same.",
    "SandboxState.url": "Address of the sandbox, empty without one.",
    "SandboxFound.messages": "Messages, newest first.",
    "SandboxFound.more": "True if there are older messages.",
    "SandboxInbox.messages": "Messages of this page, newest first.",
    "SandboxQuery.type": "Only messages on this channel type.",
    "SandboxQuery.userid": "Only messages to the contacts of this user.",
    "SandboxSearch.contact": "Contact, whole.",
    "SandboxSearch.type": "Channel type of the contact.",
    "SimulatedMessage.contact": "Contact that it was sent to, whole.",
    "SimulatedMessage.files": "Names of attachments.",
    "SimulatedMessage.html": "HTML of a mail, as it was sent. Show it only where nothing runs.",
    "SimulatedMessage.link": "Address or page that a click opens.",
    "SimulatedMessage.msgid": "Id of the message. null: the provider's id does not lead to one.",
    "SimulatedMessage.number": "Number, rising with each message.",
    "SimulatedMessage.provider": "Provider that the sandbox played.",
    "SimulatedMessage.provider_id": "Id that the provider gave to it.",
    "SimulatedMessage.rows": "Values of a template that the provider keeps.",
    "SimulatedMessage.sender": "Sender of a mail.",
    "SimulatedMessage.target": "Target in the message. null: unknown.",
    "SimulatedMessage.template": "Id of the template that the provider keeps.",
    "SimulatedMessage.text": "Text, as the person would read it.",
    "SimulatedMessage.time": "Time at which the sandbox took it, in ms.",
    "SimulatedMessage.title": "Title of a push or a card, or subject of a mail.",
    "SimulatedMessage.type": "Channel type.",
    "TemplateRow.name": "Name of the value.",
    "TemplateRow.value": "Value.",
}
