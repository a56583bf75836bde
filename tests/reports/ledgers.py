"""Ledgers to test with."""

import math
from datetime import datetime

import numpy as np

from reports.reliability.spells import OPEN, UNNAMED, Rows


def rows(*given):
    """Rows from dicts; `began` and `restored` in seconds, everything else has a default."""
    defaults = {
        "outage": None,
        "usage_point": UNNAMED,
        "began": 0,
        "restored": OPEN,
        "early": None,
        "late": None,
        "customers": 1.0,
        "kva": math.nan,
        "operations": 1.0,
        "event": -1,
        "planned": False,
        "loss_of_supply": False,
        "external": False,
        "rationing": False,
    }
    full = [{"row": number, **defaults, **row} for number, row in enumerate(given)]
    for number, row in enumerate(full):
        row["outage"] = number if row["outage"] is None else row["outage"]
        row["early"] = row["began"] if row["early"] is None else row["early"]
        row["late"] = row["began"] if row["late"] is None else row["late"]
    kinds = {"customers": float, "kva": float, "operations": float}
    kinds |= dict.fromkeys(("planned", "loss_of_supply", "external", "rationing"), bool)
    names = ("row", *defaults)
    return Rows(*(np.array([row[name] for row in full], kinds.get(name, np.int64)) for name in names))


WORKED_CASE = (  # customers, kVA, from, to: the sustained interruptions of worked case (1)
    (200, 800, "12:12:20", "12:20:30"),
    (600, 1800, "00:23:10", "01:34:29"),
    (25, 75, "23:17:00", "23:47:14"),
    (90, 500, "15:45:39", "20:12:50"),
    (700, 2100, "08:20:00", "10:20:00"),
    (1500, 3000, "17:10:00", "17:20:00"),
    (100, 200, "10:15:00", "10:55:00"),
)
WORKED_MOMENTARY = ((400, 30), (2000, 60))  # customers, seconds


def _clock(text):
    moment = datetime.strptime(text, "%H:%M:%S")  # noqa: DTZ007 - a time of day
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def worked_case(named=True):
    """Worked case (1) of IEEE 1366: each event on a day of its own; 1800 of 2000 customers are ever interrupted."""
    given = []
    for event, (customers, kva, began, ended) in enumerate(WORKED_CASE):
        day = event * 86_400
        span = {"outage": event, "began": day + _clock(began), "restored": day + _clock(ended)}
        if named:
            first = 300 if event == 0 else 1500 if event == 1 else 0  # 1500 + 300 of the 600 = 1800
            points = [(first + n) % 1800 for n in range(customers)]
            given += [span | {"usage_point": point, "kva": kva / customers} for point in points]
        else:
            given.append(span | {"customers": customers, "kva": kva})
    for event, (customers, seconds) in enumerate(WORKED_MOMENTARY, len(WORKED_CASE)):
        span = {"outage": event, "began": event * 86_400, "restored": event * 86_400 + seconds}
        if named:
            given += [span | {"usage_point": point, "kva": 2.0} for point in range(customers)]
        else:
            given.append(span | {"customers": customers})
    return rows(*given)
