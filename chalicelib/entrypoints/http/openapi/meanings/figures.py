"""The fields of statistics, histories and exports."""

from __future__ import annotations

from collections.abc import Mapping

_SINCE = "First day, as `2026-11-29`. Today, if neither day is given."
_UNTIL = "Last day, which counts whole. Today by default."
_ZONE = "IANA time zone of days and hours, such as `Asia/Shanghai`. The deployment's by default."
_SCANNED = "Links that a program fetched, in mails and other messages."

FIELDS: Mapping[str, str] = {
    "StretchQuery.channel_key": "Channel key of an access channel. Empty: the whole deployment.",
    "StretchQuery.since": _SINCE,
    "StretchQuery.until": _UNTIL,
    "ChannelDaysQuery.since": _SINCE,
    "ChannelDaysQuery.until": _UNTIL,
    "zone": _ZONE,
    "by": "Length of a row: `hour`, `day`, or `total` for the whole stretch.",
    "of": "Split: by `channel_type`, `delivery_channel`, `platform` or `template`. `total`: none.",
    "figures": "Rows of figures, in order of time.",
    "parts": "Rows of figures of the parts that `of` asks for.",
    "part": "Channel type, code of a delivery channel, platform, or number of a template.",
    "Totals.time": "Day, or hour with its offset from UTC.",
    "PartRates.time": "Day, or hour with its offset from UTC.",
    "Reported.time": "Hour with its offset from UTC.",
    "requests": "Messages that were accepted.",
    "Totals.users": "Figures of people.",
    "Totals.deliveries": "Figures of deliveries.",
    "delivery_rate": "Delivered divided by submitted. null: nothing was submitted.",
    "click_rate": "Clicked divided by delivered. null: nothing was delivered.",
    "acceptance_rate": "Submitted divided by valid. null: nothing was valid.",
    "receipt_seconds": "Time from submission to the receipt of delivery, in seconds.",
    "p50": "Half of the receipts came within it, to a fifth. null: there were none.",
    "p90": "Nine of ten receipts came within it, to a fifth. null: there were none.",
    "p99": "Time within which 99 of 100 receipts came, to a fifth. null: there were none.",
    "PartRates.opened": "Mails that were opened.",
    "PartRates.scanned": _SCANNED,
    "PartRates.complained": "Mails that were reported as spam.",
    "Provider.opened": "Mails that were opened.",
    "Provider.scanned": _SCANNED,
    "Provider.complained": "Mails that were reported as spam.",
    "Lost.reason": "Code of the reason, with the provider's code behind a colon.",
    "zh": "Sentence in Chinese.",
    "en": "Sentence in English.",
    "advice_zh": "Advice in Chinese. Empty where nothing is to be done.",
    "advice_en": "Advice in English. Empty where nothing is to be done.",
    "Lost.count": "Number of people or deliveries.",
    "share": "Share of the losses of this stage.",
    "LossReasons.users": "People lost before sending.",
    "LossReasons.valid": "Deliveries lost between planned and valid.",
    "LossReasons.submitted": "Deliveries lost between valid and submitted.",
    "LossReasons.delivered": "Deliveries lost between submitted and delivered.",
    "trend": "Hours of today that have figures.",
    "users_delivered": "People whose first receipt came in this hour.",
    "users_clicked": "People whose first click came in this hour.",
    "deliveries_delivered": "Receipts of delivery that came in this hour.",
    "deliveries_clicked": "Clicks that came in this hour.",
    "Overview.total": "Today's figures.",
    "Overview.losses": "Losses by reason.",
    "clicks": "For each weekday, Monday first, the clicks in each hour of the day.",
    "providers": "Delivery channels with figures.",
    "Provider.channel_type": "Channel type of the delivery channel.",
    "delivery_channel": "Code of the delivery channel.",
    "names": "Names of the figures in a row, in order.",
    "AllChannelDays.access_channels": "Access channels of this page.",
    "ChannelDays.name": "Name of the access channel.",
    "days": "Rows by day. Days without figures are left out.",
}
