"""Records when croniter fires: its versions, then a line `zone|cron|instant instant …` for each case of cases.json.

Recorded with Python 3.11.7, croniter 7.0.0, tzdata 2026.6 (IANA 2026f). Again:

    python3 -m venv venv && venv/bin/pip install croniter==7.0.0 tzdata==2026.6
    PYTHONTZPATH= venv/bin/python record.py changes   # the changes of the clocks in cases.json
    PYTHONTZPATH= venv/bin/python record.py > DIR/croniter.txt

PYTHONTZPATH is empty so that zones come from tzdata and not from the host. oracle.rs says what becomes of DIR.
"""

import json
import pathlib
import sys
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

import tzdata
from croniter import croniter

CASES = pathlib.Path(__file__).with_name("cases.json")
HOUR = timedelta(hours=1)


def read(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def write(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def changes(cases):
    """The moments at which the clocks of each zone change; all of them are on full hours or on halves of them."""
    start, end = read(cases["from"]), read(cases["to"])
    for name in cases["zones"]:
        zone, found, at = ZoneInfo(name), [], start
        while (after := at + HOUR / 2) < end:
            if at.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
                found.append(write(after))
            at = after
        cases["zones"][name] = found
    return cases


def spans(cases, zone, how):
    """What is looked at: all of it, or what is around the changes of the clocks and the first week of every year."""
    if how == "whole":
        return [(read(cases["from"]), read(cases["to"]))]
    around = timedelta(hours=cases["around"])
    spans = [(read(at) - around, read(at) + around) for at in cases["zones"][zone]]
    years = range(read(cases["from"]).year, read(cases["to"]).year)
    weeks = [datetime(year, 1, 1, tzinfo=timezone.utc) for year in years]
    return sorted(spans + [(week, week + timedelta(days=7)) for week in weeks])


def fires(cron, zone, start, end):
    """Six fields have the seconds first; croniter reads them there when it is told."""
    six = len(cron.split()) == 6
    before = (start - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    clock = croniter(cron, before, ret_type=datetime, second_at_beginning=six)
    while (at := clock.get_next()).astimezone(timezone.utc) < end:
        yield write(at)


def main():
    cases = json.loads(CASES.read_text())
    if sys.argv[1:] == ["changes"]:
        CASES.write_text(json.dumps(changes(cases), indent=1) + "\n")
        return
    print(f"croniter {version('croniter')}, IANA {tzdata.IANA_VERSION}")
    for zone in cases["zones"]:
        for cron, how in cases["cron"].items():
            found = [at for start, end in spans(cases, zone, how) for at in fires(cron, zone, start, end)]
            print(f"{zone}|{cron}|{' '.join(found)}", flush=True)


main()
