"""The page of limits has the numbers that the code has."""

from __future__ import annotations

import re

from chalicelib import wiring
from chalicelib.aws import message_items
from chalicelib.domain import (
    crons,
    drafts,
    limits,
    links,
    messages,
    prices,
    segment_rules,
    strategies,
    third_party,
    topics,
    traces,
)
from chalicelib.domain import imports as domain_imports
from chalicelib.domain.callbacks import BATCH
from chalicelib.domain.rules import (
    ab_tests,
    callbacks,
    caps,
    quiet_hours,
    reviews,
    schedules,
    sensitive_words,
)
from chalicelib.entrypoints.http import bodies, cursors, route
from chalicelib.entrypoints.http.schemas.consents import MAX_CONSENTS
from chalicelib.entrypoints.http.schemas.operation_growth import MAX_PROPERTIES
from chalicelib.entrypoints.lambdas import runtime
from chalicelib.flow import tally, withdraw
from chalicelib.flow.content import attachments
from chalicelib.flow.delivery import budget, calls, files
from chalicelib.manage import sensitive_words as managed_words
from chalicelib.manage import users
from chalicelib.manage.imports import cells, package
from chalicelib.ports import Sizes
from chalicelib.providers import registry
from chalicelib.providers.email import bounces, reports
from chalicelib.providers.sms import jsms_registry
from chalicelib.reports import search
from infra.template import stage
from tests.docs.pages import REFERENCE, section
from tests.fakes.world import LIMITS

CAN = registry.capabilities()
NUMBERS = {
    "user ids of a send, users of an upload": limits.MAX_USERS,
    "targets that are planned in the request itself": messages.INLINE_TARGETS,
    "targets of a chunk": Sizes().chunk_targets,
    "targets of a message that is counted when somebody asks": tally.LIVE_TARGETS,
    "bytes of a user's contacts and tags": users.USER_BYTES,
    "bytes of a message's contents": limits.MAX_CONTENT,
    "conditions of a segment's rule": segment_rules.MAX_CONDITIONS,
    "levels of a segment's rule": segment_rules.MAX_DEPTH,
    "characters of a segment's rule": segment_rules.MAX_SIZE,
    "events of a name that keep their properties": traces.MAX_COUNT,
    "bytes of an event's properties": MAX_PROPERTIES,
    "days of events and interactions": traces.KEPT_DAYS,
    "runs of a schedule in an hour": crons.PER_HOUR,
    "minutes within which a missed time is made up for": schedules.MAX_IF_LATE,
    "days between a user's date and the day of sending": schedules.MAX_DAYS,
    "cases of messages that need a review": reviews.MAX_CASES,
    "variants of an A/B test": ab_tests.MAX_VARIANTS,
    "bytes of a mail's files": attachments.MAX_TOTAL,
    "bytes of a report that are read": bounces.MOST,
    "entries of a post of bounces": reports.MAX_ENTRIES,
    "sensitive words of an access channel": sensitive_words.MAX_WORDS,
    "characters of a sensitive word": sensitive_words.MAX_LENGTH,
    "windows of quiet hours of an access channel": quiet_hours.MAX_WINDOWS,
    "contacts of a file of suppressions": domain_imports.MAX_ROWS,
    "bytes of a page of a list": cursors.MAX_BYTES,
    "callback addresses of an access channel": callbacks.MAX_ADDRESSES,
    "records of a callback": BATCH,
    "seconds that a receiver of callbacks may take": wiring.CALLBACK_SECONDS,
    "hours that a message can be withdrawn": withdraw.WITHIN // 3600,
    "bytes of a request": route.MAX_BODY,
    "values of a JSON body": bodies.MAX_VALUES,
    "levels of a JSON body": bodies.MAX_DEPTH,
    "rows of a file that is imported": domain_imports.MAX_ROWS,
    "bytes of a file that is imported": domain_imports.MAX_BYTES,
    "columns of a file that is imported": domain_imports.MAX_COLUMNS,
    "bytes of a workbook when it is unpacked": package.MAX_EXPANDED,
    "characters of a workbook's cells": cells.MAX_TEXT,
    "XML tags of a part of a workbook": package.MAX_TAGS,
    "bytes of a workbook of sensitive words when it is unpacked": managed_words.MAX_EXPANDED,
    "XML tags of a part of a workbook of sensitive words": managed_words.MAX_TAGS,
    "errors of a row in a file of bad rows": domain_imports.MAX_FAULTS,
    "cells of a file of bad rows": Sizes().report_cells,
    "rows of an import's slice": Sizes().import_rows,
    "bytes of an address behind a short link": links.MAX_ADDRESS,
    "seconds for all files of a job": LIMITS.lease // budget.SHARE,
    "jobs that a delivery function gets at once": stage.BATCH,
    "jobs of priority 1 that a delivery function gets at once": stage.URGENT_BATCH,
    "seconds after which a delivery function begins no other job": LIMITS.lease // runtime.PATIENCE,
    "fetches of a file that is away": files.MAX_FETCHES,
    "deliveries of a call: JPush, JSMS": CAN["jpush"].call_size,
    "deliveries of a call: WeChat": CAN["wechatoa"].call_size,
    "deliveries of a call: WeCom": CAN["wecom"].call_size,
    "deliveries of a call: DingTalk": CAN["dingtalk"].call_size,
    "numbers of a call: CMPP": CAN["cmpp"].call_size,
    "numbers of a call: Chuanglan": CAN["chuanglan"].call_size,
    "numbers of a call: Montnets": CAN["montnets"].call_size,
    "mails of a call: SMTP": CAN["smtp"].call_size,
    "attempts at a delivery that a provider puts off": calls.MAX_ATTEMPTS,
    "consents of a request": MAX_CONSENTS,
    "frequency caps of an access channel": caps.MAX_CAPS,
    "messages of a frequency cap": caps.MAX_MESSAGES,
    "hours of a frequency cap's window": caps.MAX_HOURS,
    "topics of an access channel": topics.MAX_TOPICS,
    "drafts of a member": drafts.MAX_DRAFTS,
    "characters of a draft": drafts.MAX_BODY,
    "characters of a body that stands in its message's item": message_items.SHORT,
    "bytes of a body that is kept": message_items.LONGEST,
    "chunks that a page of targets reads": Sizes().listed_chunks,
    "results of a kind in a search": search.MOST,
    "names of a kind that a search looks through": search.NAMES,
    "prefixes with a price, of a delivery channel": prices.MAX_PREFIXES,
    "seconds that a step waits": strategies.MAX_WITHIN,
    "third-party templates of a delivery channel": third_party.MAX_REGISTERED,
    "titles of a library": third_party.MAX_TITLES,
    "templates of a library whose keywords are kept": third_party.MAX_KEYWORDS,
    "images of a signature's certificates": jsms_registry.MAX_IMAGES,
    "bytes of a signature's images, together": jsms_registry.IMAGE_BYTES,
}


def test_the_limits_are_the_codes() -> None:
    page = section(REFERENCE["limits"], "Sizes and counts")
    rows = re.findall(r"^\| ([^|]+) \| ([\d,]+) \|", page, re.MULTILINE)
    assert {what: int(number.replace(",", "")) for what, number in rows} == NUMBERS


def test_platforms_of_one_kind_have_one_limit() -> None:
    assert CAN["jsms"].call_size == CAN["jpush"].call_size
    assert {CAN[name].call_size for name in CAN if name.startswith("wechat")} == {1}
    assert CAN["wecom_linkedcorp"].call_size == CAN["wecom"].call_size
