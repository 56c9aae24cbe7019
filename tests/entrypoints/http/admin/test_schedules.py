"""Scheduled messages over HTTP: by senders and by members."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.rules.schedules import Outcome
from chalicelib.entrypoints.http import sends
from chalicelib.entrypoints.lambdas.schedules import schedules as function
from tests.entrypoints.conftest import KEY, OTHER, OTHER_KEY, Api, message
from tests.entrypoints.http.admin.management import change, problem

DAILY = {"cron": "0 9 * * *", "time_zone": "Asia/Shanghai"}
ONCE = {"at": "2027-02-01T18:00", "time_zone": "Asia/Shanghai"}
AT = 1_801_476_000_000  # its moment


def scheduled(api: Api, schedule: dict[str, Any] = ONCE, **changes: Any) -> Any:
    return api.send(message(option={"schedule": schedule, "sendno": "s"}, **changes))


def new(api: Api, schedule: dict[str, Any] = ONCE, **changes: Any) -> Any:
    body = {"channel_key": KEY, "message": message(rule_id=0), "schedule": schedule, **changes}
    return api.admin("POST", "schedules", body)


def wake(api: Api) -> None:
    """Let the time of the next wake-up come, and call the function as the scheduler does."""
    time = api.fake.wakeups.next()
    assert time is not None
    api.fake.clock.time = time
    for id in api.fake.wakeups.take(time):
        function({"id": id}, None)


def test_a_sender_schedules_a_message_with_an_option(configured: Api) -> None:
    answer = scheduled(configured).json
    id = answer["msgid"]
    assert answer == {"code": 0, "msgid": id, "msgno": id, "sendno": "s"}
    report = configured("GET", f"/v1/messages/{id}", auth=f"{KEY}:5e987ac6d2e04d95a9d8f0d1")
    assert (report.json["status"], report.json["sendno"]) == ("scheduled", "s")
    assert configured("GET", f"/v1/messages/{id}", auth=OTHER).status == 404
    shown = configured.admin("GET", f"schedules/{id}").json
    assert (shown["next"], shown["state"], shown["origin"]) == (AT, "pending", "api")
    assert shown["schedule"]["at"] == "2027-02-01T18:00:00"
    assert "schedule" not in shown["message"]["option"]
    wake(configured)
    (msgid,) = configured.fake.messages.stored
    report = configured("GET", f"/v1/messages/{id}", auth=f"{KEY}:5e987ac6d2e04d95a9d8f0d1")
    assert report.json["msgid"] == msgid
    assert configured.fake.messages.stored[msgid].sendno == "s"


def test_a_time_may_have_an_offset(configured: Api) -> None:
    for schedule in (
        {"at": "2027-02-01T18:00:00+08:00"},
        {"at": "2027-02-01T10:00:00Z", "time_zone": "Europe/Paris"},
    ):
        id = scheduled(configured, schedule).json["msgid"]
        assert configured.fake.stored.stored[id].next == AT


@pytest.mark.parametrize("offset", ["-04:00", "-05:00"])
def test_an_offset_tells_the_two_times_apart_that_clocks_show_alike(
    configured: Api, offset: str
) -> None:
    """Clocks of New York show 1:30 twice on this day."""
    at = f"2027-11-07T01:30:00{offset}"
    id = scheduled(configured, {"at": at, "time_zone": "America/New_York"}).json["msgid"]
    meant = round(datetime.fromisoformat(at).timestamp() * 1000)
    assert configured.fake.stored.stored[id].next == meant


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({}, "option.schedule"),
        ({**ONCE, **DAILY}, "option.schedule"),
        ({"at": "2027-02-01T18:00"}, "option.schedule"),
        ({**ONCE, "at": "tomorrow"}, "option.schedule.at"),
        ({**ONCE, "at": "2027-02-30T18:00"}, "option.schedule.at"),
        ({**ONCE, "at": "2020-02-01T18:00"}, "schedule"),
        ({"at": "0001-01-01T00:00+14:00"}, "option.schedule.at"),
        ({"at": "9999-12-31T23:59Z", "time_zone": "Asia/Shanghai"}, "option.schedule.at"),
        ({"at": "9999-12-31T23:59-14:00"}, "option.schedule.at"),
        ({**ONCE, "at": "9999-12-31T23:59"}, "option.schedule.at"),
        ({**ONCE, "time_zone": "Mars/Olympus"}, "option.schedule.time_zone"),
        ({**ONCE, "until": "2027-03-01T00:00"}, "option.schedule"),
        ({**DAILY, "cron": "* * * * *"}, "option.schedule.cron"),
        ({**DAILY, "cron": "0 0 30 2 *"}, "schedule"),
        ({**DAILY, "until": "2027-03-01T00:00Z"}, "option.schedule.until"),
        ({**DAILY, "if_late": 9999}, "option.schedule.if_late"),
        ({"at": "2027-02-01T18:00Z", "zone_attribute": "tz"}, "option.schedule"),
        (
            {"date": {"attribute": "a", "time": "9:00"}, "time_zone": "UTC"},
            "option.schedule.date.time",
        ),
        (
            {"date": {"attribute": "a", "time": "09:00", "days": 999}, "time_zone": "UTC"},
            "option.schedule.date.days",
        ),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_field(
    configured: Api, schedule: dict[str, Any], field: str
) -> None:
    refused = scheduled(configured, schedule)
    assert refused.code == 4004
    assert refused.json["message"].startswith(f"{field}: ")
    assert not configured.fake.stored.stored


@pytest.mark.parametrize("at", ["9998-12-31T23:59-14:00", "9998-12-31T23:59", "1970-01-01T00:00Z"])
def test_the_first_and_the_last_time_that_can_be_named_are_counted_with(
    configured: Api, at: str
) -> None:
    window = {"begin": "00:01", "end": "00:00", "time_zone": "Etc/GMT+12", "priorities": [1, 2, 3]}
    quiet = {"action": "hold", "windows": [window]}
    change(configured, f"quiet-hours/{KEY}", quiet, "PUT")
    answer = scheduled(configured, {"at": at, "time_zone": "Etc/GMT+12"})
    assert answer.status == (400 if at < "2027" else 200)


def test_a_message_is_checked_when_it_is_scheduled(configured: Api) -> None:
    assert scheduled(configured, template_id=99).code == 1015031
    assert scheduled(configured, template_para={}).code == 4004
    contacts = {"aud_sms": [{"data": ["13800138000"]}], "aud_userid": ..., "rule_id": 0}
    date = {"date": {"attribute": "a", "time": "09:00"}, "time_zone": "UTC"}
    assert scheduled(configured, date, **contacts).code == 4004


def test_a_repeat_under_an_idempotency_key_is_stored_once(configured: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    body = message(option={"schedule": ONCE})
    first, second = (configured.send(body, headers=headers).json["msgid"] for _ in range(2))
    assert first == second
    other = message(option={"schedule": DAILY})
    assert configured.send(other, headers=headers).status == 409
    assert len(configured.fake.stored.stored) == 1


def test_a_sender_cancels_what_waits(configured: Api) -> None:
    id = scheduled(configured).json["msgid"]
    sender = f"{KEY}:5e987ac6d2e04d95a9d8f0d1"
    assert configured("POST", f"/v1/retract/{id}", auth=OTHER).status == 404
    assert configured("POST", f"/v1/retract/{id}", auth=sender).code == 0
    assert configured("POST", f"/v1/retract/{id}", auth=sender).status == 409
    assert configured("GET", f"/v1/messages/{id}", auth=sender).json["status"] == "cancelled"
    assert configured.fake.wakeups.next() is None


def test_members_schedule_change_copy_and_cancel(configured: Api) -> None:
    made = new(configured, name="Spring")
    id = made.json["id"]
    assert (made.status, made.json["name"], made.json["origin"]) == (201, "Spring", "console")
    change = {"message": message(rule_id=0), "schedule": DAILY}
    assert configured.admin("PUT", f"schedules/{id}", change).status == 428
    tag = {"If-Match": made.headers["ETag"]}
    changed = configured.admin("PUT", f"schedules/{id}", change, headers=tag)
    assert (changed.status, changed.json["schedule"]["cron"]) == (200, "0 9 * * *")
    assert configured.admin("PUT", f"schedules/{id}", change, headers=tag).status == 412
    copied = configured.admin("POST", f"schedules/{id}/copy", {"schedule": ONCE})
    assert (copied.status, copied.json["next"]) == (201, AT)
    assert configured.admin("DELETE", f"schedules/{id}").status == 204
    assert configured.admin("DELETE", f"schedules/{id}").status == 409
    listed = configured.admin("GET", f"schedules?channel_key={KEY}").json["schedules"]
    assert [entry["id"] for entry in listed] == [copied.json["id"]]
    problem(configured, "GET", f"schedules?channel_key={OTHER_KEY}x", status=404)


def test_the_list_is_filtered_and_comes_in_pages(configured: Api) -> None:
    for day in (3, 1, 2):
        schedule = {"at": f"2027-02-0{day}T18:00", "time_zone": "UTC"}
        assert new(configured, schedule).status == 201
    new(configured, broadcast=True, message=message(rule_id=0, aud_userid=...))

    def days(query: str) -> list[int]:
        answer = configured.admin("GET", f"schedules?channel_key={KEY}&{query}").json
        return [int(entry["schedule"]["at"][8:10]) for entry in answer["schedules"]]

    assert days("audience=users") == [1, 2, 3]
    assert days("audience=everyone") == [1]
    assert days("kind=ordinary") == []
    assert days("channel=email") == []
    assert days(f"since={AT + 86_400_000}") == [2, 3]
    assert days(f"until={AT + 1}") == [1]
    first = configured.admin("GET", f"schedules?channel_key={KEY}&limit=3").json
    rest = configured.admin("GET", f"schedules?channel_key={KEY}&cursor={first['cursor']}").json
    assert len(rest["schedules"]) == 1
    assert rest["cursor"] is None


def test_results_say_what_became_of_each_time(configured: Api) -> None:
    id = new(configured, DAILY).json["id"]
    wake(configured)
    configured.admin("DELETE", "templates/1")
    wake(configured)
    results = configured.admin("GET", f"schedules/{id}/results").json["results"]
    assert [result["outcome"] for result in results] == ["refused", "sent"]
    assert results[0]["code"] == 1015031
    assert results[0]["reason"].startswith("template_id: 模板ID不存在")
    page = configured.admin("GET", f"schedule-results?channel_key={KEY}&limit=1").json
    assert page["results"] == results[:1]
    page = configured.admin("GET", f"schedule-results?channel_key={KEY}&cursor={page['cursor']}")
    assert page.json["results"] == results[1:]
    assert {result["outcome"] for result in results} <= set(Outcome)


def test_registration_ids_are_shown_only_to_who_may_change_them(configured: Api) -> None:
    phones = [{"data": ["13800138000"]}]
    body = {"aud_sms": phones, "msg_sms": [{"sign_id": 1, "temp_id": 1}]}
    id = new(configured, message=body).json["id"]
    shown = configured.admin("GET", f"schedules/{id}")
    assert b"13800138000" not in shown.body
    whole = configured.admin("GET", f"schedules/{id}/message").json["message"]
    assert whole["aud_sms"] == phones


def test_a_stored_body_keeps_the_literals_of_its_numbers(configured: Api) -> None:
    raw = b'{"aud_userid":["u"],"template_id":1,"template_para":{"name":100.00},'
    raw += b'"app_para":{"platform":"all"},"option":{"schedule":{"cron":"0 9 * * *",'
    raw += b'"time_zone":"UTC"}}}'
    assert configured.send(raw=raw).code == 0
    wake(configured)
    (stored,) = configured.fake.messages.stored.values()
    assert "Hello 100.00" in str(stored.contents)


def test_a_member_sends_for_an_access_channel(configured: Api) -> None:
    body = {"channel_key": KEY, "message": message(rule_id=0)}
    answer = configured.admin("POST", "messages", body)
    assert (answer.status, answer.json["state"]) == (201, "sent")
    assert answer.json["msgid"] in configured.fake.messages.stored
    later = {"channel_key": KEY, "message": message(rule_id=0, option={"schedule": ONCE})}
    assert configured.admin("POST", "messages", later).json["state"] == "pending"


def test_an_unknown_request_of_the_scheduler_does_nothing(configured: Api) -> None:
    function({"id": "0" * 16}, None)
    assert not configured.fake.messages.stored
    assert sends.door().refusals
