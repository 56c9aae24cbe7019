"""Fields of the rules of sending that operators configure for an access channel."""

from __future__ import annotations

FIELDS = {
    "action": "Effect on a message in quiet hours: `refuse` (1015038), or `hold` until they end.",
    "QuietHours.action": "Effect on a message in quiet hours: `refuse` (1015038), or `hold` until"
    " they end. Null if there are none.",
    "ContactMembership.add": "Contacts that join the list.",
    "ContactMembership.remove": "Contacts that leave the list, unless they join it too.",
    "ContactsBody.contacts": "Phone numbers or e-mail addresses, in any spelling.",
    "Export.contacts": "Number of contacts in the file.",
    "Export.cursor": "Cursor of the next file, or null if this one has the last contact.",
    "ExportBody.cursor": "Cursor from the answer with the file before. Empty for the first file.",
    "is_member": "True if the contact is on the list.",
    "since": "Time since when the contact is suppressed, in ms, or null.",
    "suppressed": "True if no access channel sends to the contact.",
    "SuppressionsChanged.contacts": "Number of different contacts in the request.",
    "begin": "First minute of the window on the clock of its time zone, as `22:00`.",
    "BroadcastQuota.per_day": "Broadcasts that may be accepted in a day, null without a quota.",
    "BroadcastQuota.used": "Broadcasts of today.",
    "BroadcastQuotaBody.per_day": "Broadcasts that may be accepted in a day, 0 for none at all.",
    "days": "Days for which details of messages are kept after the end of their strategy.",
    "is_default": "True if the access channel has no days of its own.",
    "end": "Minute at which the window ends. Before `begin`, it is that of the next day.",
    "priorities": "Priorities of messages that the window is for: 1 high, 2 medium, 3 low.",
    "time_zone": "IANA time zone, such as `Asia/Shanghai`.",
    "windows": "Windows of the clock in which the access channel sends nothing.",
}
