"""The tables of the report `reliability`."""

from dataclasses import fields
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from reports.model import Table, Value, table
from reports.reliability.base import Base, on_major_days
from reports.reliability.dlt836 import user_figures, without_external, without_rationing
from reports.reliability.indices import (
    Indices,
    customers_with_interruptions,
    customers_with_long_interruptions,
    indices,
    ratio,
)
from reports.reliability.medium_voltage import user_rows
from reports.reliability.spells import DLT_SHORT_SECONDS, UNNAMED, Spells, spells
from reports.windows import Windows

UNITS = {
    "SAIFI": "interruptions/customer",
    "SAIDI": "min/customer",
    "CAIDI": "min/interruption",
    "CTAIDI": "min/interrupted customer",
    "CAIFI": "interruptions/interrupted customer",
    "ASAI": "fraction",
    "ASIFI": "interruptions",
    "ASIDI": "min",
    "MAIFI": "operations/customer",
    "MAIFIE": "events/customer",
}
_STILL_OPEN = -1
_BASIS = "planned and unplanned, all days, {}"
_OF = {
    "SAIFI": "N = daily average of usage points served",
    "SAIDI": "N = daily average of usage points served",
    "CAIDI": "customer interruptions",
    "CTAIDI": "distinct usage points interrupted",
    "CAIFI": "distinct usage points interrupted",
    "ASAI": "N = daily average of usage points served",
    "ASIFI": "L = daily average of rated kVA served",
    "ASIDI": "L = daily average of rated kVA served",
    "MAIFI": "N = daily average of usage points served",
    "MAIFIE": "N = daily average of usage points served",
}
_FREQUENT = tuple(range(1, 11))
_LONG_HOURS = (1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0)


def indices_table(base: Base) -> Table:
    found = _by_name(indices(base.period, base.served))
    rows = [(name, value, UNITS[name], _BASIS.format(_OF[name])) for name, value in found.items()]
    return table("indices", "Indices", _columns("index", "value", "unit", "basis"), rows)


def bounds_table(base: Base) -> Table:
    """SAIDI and ASAI if every beginning lay at its latest or earliest, and open interruptions ended now."""
    given = base.period
    customers = given.rows.customers
    done = given.sustained & ~given.open
    low = float((given.low_seconds * customers)[done].sum()) / 60.0
    high = float((given.high_seconds * customers)[given.sustained].sum()) / 60.0
    whole = base.served.customers * base.served.period_minutes
    bounds = [("SAIDI", ratio(low, base.served.customers), ratio(high, base.served.customers), UNITS["SAIDI"])]
    if whole:
        bounds.append(("ASAI", 1.0 - high / whole, 1.0 - low / whole, UNITS["ASAI"]))
    return table("bounds", "Bounds of the indices", _columns("index", "low", "high", "unit"), bounds)


def base_table(base: Base) -> Table:
    given = base.period
    named = given.rows.usage_point != UNNAMED
    done = given.sustained & ~given.open
    customers = given.rows.customers
    rows = (
        ("usage_points_served", base.served.customers, "usage points"),
        ("rated_kva_served", base.served.kva, "kVA"),
        ("period", base.served.period_minutes, "min"),
        ("customer_interruptions", float(customers[given.counts].sum()), "interruptions"),
        ("customer_minutes", float((given.seconds / 60.0 * customers)[done].sum()), "min"),
        ("usage_points_interrupted", len(np.unique(given.rows.usage_point[given.sustained & named])), "usage points"),
        ("momentary_operations", float((given.rows.operations * customers)[given.momentary].sum()), "operations"),
        ("customer_interruptions_open", float(customers[given.open & given.sustained].sum()), "interruptions"),
    )
    return table("base", "What the indices are made from", _columns("quantity", "value", "unit"), rows)


def bases_table(base: Base) -> Table:
    given = base.period
    planned, supply, major = given.rows.planned, given.rows.loss_of_supply, on_major_days(base, given)
    every = np.ones(len(given), np.bool_)
    cases = (
        ("all", every),
        ("unplanned", ~planned),
        ("planned", planned),
        ("without_loss_of_supply", ~supply),
        ("without_major_event_days", ~major),
        ("major_event_days", major),
        ("unplanned_without_loss_of_supply", ~planned & ~supply),
        ("unplanned_without_loss_of_supply_and_major_event_days", ~planned & ~supply & ~major),
    )
    rows = [(case, *_by_name(indices(given.taken(mask), base.served)).values()) for case, mask in cases]
    columns = [("case", ""), *((name.lower(), unit) for name, unit in UNITS.items())]
    return table("by_basis", "Indices on other bases", columns, rows)


def thresholds_table(base: Base) -> Table:
    columns = (
        ("year", ""), ("years_used", "years"), ("days_used", "days"), ("alpha", "ln min"), ("beta", "ln min"),
        ("t_med_minutes", "min"), ("provisional", ""),
    )  # fmt: skip
    rows = [
        (year, found.years, found.days, found.alpha, found.beta, found.minutes, found.provisional)
        for year, found in base.thresholds.items()
    ]
    return table("major_event_thresholds", "Thresholds of major event days (2.5 beta)", columns, rows)


def major_days_table(base: Base) -> Table:
    rows = [
        (base.days[place].isoformat(), float(base.daily_saidi[place]), base.thresholds[base.days[place].year].minutes)
        for place in np.flatnonzero(base.major).tolist()
    ]
    columns = (("day", ""), ("saidi_minutes", "min/customer"), ("t_med_minutes", "min"))
    return table("major_event_days", "Major event days", columns, rows)


def frequent_table(base: Base) -> Table:
    sustained = customers_with_interruptions(base.period, _FREQUENT)
    both = customers_with_interruptions(base.period, _FREQUENT, momentary=True)
    whole = base.served.customers
    rows = [(n, sustained[n], ratio(sustained[n], whole), both[n], ratio(both[n], whole)) for n in _FREQUENT]
    columns = (
        ("at_least", "interruptions"), ("customers", "usage points"), ("cemi", "fraction"),
        ("customers_with_momentary", "usage points"), ("cemsmi", "fraction"),
    )  # fmt: skip
    return table("cemi", "Customers with many interruptions (CEMI, CEMSMI)", columns, rows)


def long_table(base: Base) -> Table:
    single = customers_with_long_interruptions(base.period, _LONG_HOURS, total=False)
    total = customers_with_long_interruptions(base.period, _LONG_HOURS, total=True)
    whole = base.served.customers
    rows = [(h, single[h], ratio(single[h], whole), total[h], ratio(total[h], whole)) for h in _LONG_HOURS]
    columns = (
        ("at_least", "h"), ("customers_single", "usage points"), ("celid_s", "fraction"),
        ("customers_total", "usage points"), ("celid_t", "fraction"),
    )  # fmt: skip
    return table("celid", "Customers with long interruptions (CELID)", columns, rows)


def dlt_table(base: Base, supply: Windows) -> Table:
    """Both bases: usage points (low voltage), and transformers as users (medium voltage)."""
    now = int(base.now.timestamp())
    begin, end = int(base.parameters.from_at.timestamp()), int(base.parameters.to_at.timestamp())
    raw = base.ledger.rows.taken(base.ledger.rows.began >= begin)
    transformers, users = user_rows(raw, supply, (begin, end))
    hours = base.served.period_minutes / 60.0
    rows: list[tuple[Value, ...]] = []
    for name, ledger, count in (("low_voltage", raw, base.served.customers), ("medium_voltage", transformers, users)):
        given = spells(ledger, now, DLT_SHORT_SECONDS)
        for suffix, part in ((1, given), (2, without_external(given)), (3, without_rationing(given))):
            found = user_figures(part, count, hours)
            figures = (found.users, found.user_times, found.user_hours, found.aihc, found.aitc, found.rs)
            rows.append((name, suffix, *figures))
    columns = (
        ("base", ""), ("suffix", ""), ("users", "users"), ("user_times", "times"), ("user_hours", "user h"),
        ("aihc", "h/user"), ("aitc", "times/user"), ("rs", "fraction"),
    )  # fmt: skip
    return table("dlt836", "DL/T 836: 1 all, 2 without external causes, 3 without rationing", columns, rows)


def causes_table(base: Base) -> Table:
    given = base.period
    told = [base.ledger.told[row] for row in given.rows.row.tolist()]
    customers = given.rows.customers
    rows = pd.DataFrame({
        "kind": [words.kind for words in told],
        "cause": [words.cause or "unknown" for words in told],
        "interruptions": np.where(given.counts, customers, 0.0),
        "minutes": np.where(given.sustained & ~given.open, given.seconds / 60.0, 0.0) * customers,
    })  # fmt: skip
    sums = rows.groupby(["kind", "cause"], sort=False, as_index=False).sum()
    sums = sums.sort_values("minutes", ascending=False, kind="stable")
    sums["saidi"] = [ratio(minutes, base.served.customers) for minutes in sums["minutes"]]
    columns = (
        ("kind", ""), ("cause", ""), ("customer_interruptions", "interruptions"), ("customer_minutes", "min"),
        ("saidi", "min/customer"),
    )  # fmt: skip
    return table("causes", "Causes", columns, sums.itertuples(index=False, name=None))


def open_table(base: Base) -> Table:
    given = base.period.taken(base.period.open)
    rows = [(*key[:3], *sums) for key, sums in _grouped(base, given).items()]
    columns = (
        ("outage", ""), ("step", ""), ("began_at", ""), ("rows", "rows"), ("customers", "usage points"),
        ("customer_minutes_so_far", "min"), ("kva", "kVA"),
    )  # fmt: skip
    return table("open", "Still open", columns, rows)


def interruptions_table(base: Base) -> Table:
    """The ledger rows behind the indices, those alike put together: customer minutes sum to SAIDI × N."""
    told = {words.outage: words for words in base.ledger.told.values()}
    rows = []
    for (outage, step, began_at, restored_at, standing), sums in _grouped(base, base.period).items():
        words = told[str(outage)]
        rows.append((outage, step, words.kind, words.cause, words.device, began_at, restored_at, standing, *sums))
    columns = (
        ("outage", ""), ("step", ""), ("kind", ""), ("cause", ""), ("device", ""), ("began_at", ""),
        ("restored_at", ""), ("class", ""), ("rows", "rows"), ("customers", "usage points"),
        ("customer_minutes", "min"), ("kva", "kVA"),
    )  # fmt: skip
    return table("interruptions", "Interruptions", columns, rows)


def overlapping(given: Spells) -> int:
    """Spells that begin before an earlier spell of the same usage point, of another outage, has ended."""
    named = given.taken(given.rows.usage_point != UNNAMED)
    order = np.lexsort((named.rows.began, named.rows.usage_point))
    point, began = named.rows.usage_point[order], named.rows.began[order]
    end = began + named.seconds[order].astype(np.int64)
    return int(((point[1:] == point[:-1]) & (began[1:] < end[:-1])).sum())


def _grouped(base: Base, given: Spells) -> dict[tuple[Value, ...], tuple[int, float, float, float]]:
    """(outage, step, beginning, end, class) → rows, customers, customer minutes, kVA; by beginning, outage and step."""
    told = [base.ledger.told[row] for row in given.rows.row.tolist()]
    rows = pd.DataFrame({
        "began": given.rows.began,
        "outage": [words.outage for words in told],
        "step": [words.step for words in told],
        "restored": np.where(given.open, _STILL_OPEN, given.rows.restored),
        "standing": np.where(given.open, "open", np.where(given.sustained, "sustained", "momentary")),
        "customers": given.rows.customers,
        "minutes": given.seconds / 60.0 * given.rows.customers,
        "kva": np.nan_to_num(given.rows.kva),
    })  # fmt: skip
    groups = rows.groupby(["began", "outage", "step", "restored", "standing"], as_index=False)
    sums = groups.agg(
        rows=("customers", "size"), customers=("customers", "sum"), minutes=("minutes", "sum"), kva=("kva", "sum")
    )
    return {
        (outage, step, _instant(began), _ended(restored), standing): tuple(figures)
        for began, outage, step, restored, standing, *figures in sums.itertuples(index=False, name=None)
    }


def _by_name(found: Indices) -> dict[str, float | None]:
    return {field.name.upper(): getattr(found, field.name) for field in fields(found)}


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _ended(seconds: int) -> datetime | None:
    return None if seconds == _STILL_OPEN else _instant(seconds)


def _columns(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "") for name in names)
