"""Fields of the rules of sending that operators configure for an access channel."""

from __future__ import annotations

FIELDS = {
    "action": "Effect on a message in quiet hours: `refuse` (1015038), or `hold` until they end.",
    "QuietHours.action": "Effect on a message in quiet hours: `refuse` (1015038), or `hold` until"
    " they end. Null if there are none.",
    "begin": "First minute of the window on the clock of its time zone, as `22:00`.",
    "end": "Minute at which the window ends. Before `begin`, it is that of the next day.",
    "priorities": "Priorities of messages that the window is for: 1 high, 2 medium, 3 low.",
    "time_zone": "IANA time zone, such as `Asia/Shanghai`.",
    "windows": "Windows of the clock in which the access channel sends nothing.",
}
