"""Whether what PeopleSoft was told is numbered without gaps, and current where it should be."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from judging.evidence import Evidence, Findings
from judging.fields import message_key, spoken
from judging.tracking import applied_messages

# They say nothing of where the parcel is: a photo of the delivery, a new delivery date.
BESIDE = ("PX", "UP", "UT")


def judge(evidence: Evidence, findings: Findings) -> None:
    applied = applied_messages(evidence)
    for connection in sorted(evidence.sites.keys() - evidence.zones.keys()):
        findings.wrong("updates_extra", f"{connection}: its time zone is not known, so that no "
                       "local time can be judged")
    for connection, message in applied:
        _judge_message(connection, message, evidence.zones.get(connection), findings)
    _judge_gaps(evidence, findings)
    _judge_order(applied, findings)
    _judge_current(applied, findings)


def _judge_message(connection: str, message: dict, zone: str | None, findings: Findings) -> None:
    name = spoken(message_key(connection, message))
    if message.get("CARRIER_ID") != "UPS":
        findings.wrong("updates_extra", f"{name}: CARRIER_ID is not UPS")
    if not zone:
        return
    utc = datetime.strptime(message["EVENT_DTTM_UTC"], "%Y-%m-%dT%H:%M:%SZ")
    local = utc.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
    if message["EVENT_DTTM"] != local.strftime("%Y-%m-%dT%H:%M:%S"):
        findings.wrong("updates_extra", f"{name}: EVENT_DTTM {message['EVENT_DTTM']} is not "
                       f"{message['EVENT_DTTM_UTC']} in {zone}")


def _schedule(connection: str, message: dict) -> tuple:
    return (*message_key(connection, message), message["LINE_NBR"], message["SCHED_NBR"])


def _named(schedule: tuple) -> str:
    return f"{spoken(schedule)} {schedule[4]}/{schedule[5]}"


def _judge_gaps(evidence: Evidence, findings: Findings) -> None:
    """A number that PeopleSoft refused was told to it too: it waits for a person."""
    numbers: dict[tuple, set[int]] = {}
    for connection, truth in evidence.sites.items():
        for update in truth["updates"]:
            message = update["message"]
            numbers.setdefault(_schedule(connection, message), set()).add(message["SEQ_NBR"])
    for schedule, came in sorted(numbers.items()):
        missing = set(range(1, max(came) + 1)) - came
        if missing:
            findings.wrong("updates_out_of_order", f"{_named(schedule)}: update "
                           f"{', '.join(map(str, sorted(missing)))} never came")


def _judge_order(applied: list[tuple[str, dict]], findings: Findings) -> None:
    last_number: dict[tuple, int] = {}
    last_moment: dict[tuple, str] = {}
    for connection, message in applied:
        schedule = _schedule(connection, message)
        if message["SEQ_NBR"] <= last_number.get(schedule, 0):
            findings.wrong("updates_out_of_order", f"{_named(schedule)}: update "
                           f"{message['SEQ_NBR']} came after {last_number[schedule]}")
        last_number[schedule] = max(message["SEQ_NBR"], last_number.get(schedule, 0))
        if message["IS_CURRENT"] != "Y":
            continue
        parcel = (*schedule, message["TRACKING_NBR"])
        if _moment(message) < last_moment.get(parcel, ""):
            findings.wrong("updates_out_of_order", f"{_named(schedule)}: {message['STATUS']} of "
                           f"{message['EVENT_DTTM_UTC']} is called current after "
                           f"{last_moment[parcel]}")
        last_moment[parcel] = max(_moment(message), last_moment.get(parcel, ""))


def _judge_current(applied: list[tuple[str, dict]], findings: Findings) -> None:
    """Whatever the order in which they came, the latest event was current when it came."""
    parcels: dict[tuple, list[dict]] = {}
    for connection, message in applied:
        if message.get("UPS_CODE") not in BESIDE:
            parcel = (*_schedule(connection, message), message["TRACKING_NBR"])
            parcels.setdefault(parcel, []).append(message)
    for parcel, messages in sorted(parcels.items()):
        latest = max(map(_moment, messages))
        last = [message for message in messages if _moment(message) == latest]
        if all(message["IS_CURRENT"] != "Y" for message in last):
            findings.wrong("updates_out_of_order", f"{_named(parcel)}: {last[-1]['STATUS']} of "
                           f"{parcel[6]} is its latest and was not called current")


def _moment(message: dict) -> str:
    """We make LABEL_CREATED ourselves, by our own clock: it comes before every scan."""
    return "" if message["STATUS"] == "LABEL_CREATED" else message["EVENT_DTTM_UTC"]
