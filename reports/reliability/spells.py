"""From ledger rows to interruptions as a standard counts them: sustained, momentary, still open. Pure.

A *row* is a raw interval of one usage point, or of `customers` usage points that are not named (imported history).
Rows of one outage and usage point that touch or overlap are one *spell*. Instants are epoch seconds.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNNAMED = -1
OPEN = np.iinfo(np.int64).max // 4
IEEE_MOMENTARY_SECONDS = 300  # up to and including five minutes
DLT_SHORT_SECONDS = 180  # DL/T 836-2016: up to and including three minutes


@dataclass(frozen=True, slots=True)
class Rows:
    """Ledger rows. `usage_point` may be UNNAMED, `restored` OPEN, `kva` NaN where neither row nor usage point has it.

    `event` is -1 where the row names none. `early` and `late` bound the beginning. `external`: neither the distribution
    system nor rationing answers for it; loss of supply is one such cause.
    """

    row: Ints
    outage: Ints
    usage_point: Ints
    began: Ints
    restored: Ints
    early: Ints
    late: Ints
    customers: Floats
    kva: Floats
    operations: Floats
    event: Ints
    planned: Flags
    loss_of_supply: Flags
    external: Flags
    rationing: Flags

    def __len__(self) -> int:
        return len(self.row)

    def taken(self, which: NDArray[Any]) -> "Rows":
        """The chosen rows, by mask or by index."""
        return Rows(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells, by first row: `seconds` out up to the restoration, or up to now where it is `open`.

    `interruption` numbers the interruptions of an outage and usage point: the sustained spells of one are counted once,
    their minutes are added (step restoration). `counts` marks the spell that stands for its interruption.
    """

    rows: Rows
    seconds: Floats
    low_seconds: Floats
    high_seconds: Floats
    open: Flags
    sustained: Flags
    momentary: Flags
    interruption: Ints
    counts: Flags

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, which: NDArray[Any]) -> "Spells":
        """The chosen spells, by mask or by index."""
        parts = (getattr(self, field.name)[which] for field in fields(self)[1:])
        return Spells(self.rows.taken(which), *parts)


def spells(rows: Rows, now: int, threshold_seconds: int) -> Spells:
    """Classify ledger rows: longer than the threshold is sustained, up to and including it momentary.

    A row still open counts as sustained once it is longer than the threshold; before that it is neither.
    """
    rows = merged(rows)
    still = rows.restored == OPEN
    end = np.where(still, np.maximum(now, rows.began), rows.restored)
    seconds = (end - rows.began).astype(np.float64)
    sustained = seconds > threshold_seconds
    numbers, counts = _interruptions(rows, sustained)
    return Spells(
        rows=rows,
        seconds=seconds,
        low_seconds=np.maximum(end - np.maximum(rows.late, rows.began), 0).astype(np.float64),
        high_seconds=(end - np.minimum(rows.early, rows.began)).astype(np.float64),
        open=still,
        sustained=sustained,
        momentary=~sustained & ~still,
        interruption=numbers,
        counts=counts,
    )


def merged(rows: Rows) -> Rows:
    """Rows of one outage and usage point that touch or overlap become one; everything else stays as it is."""
    order = np.lexsort((rows.began, rows.usage_point, rows.outage))
    rows = rows.taken(order)
    same = (rows.outage[1:] == rows.outage[:-1]) & (rows.usage_point[1:] == rows.usage_point[:-1])
    same &= rows.usage_point[1:] != UNNAMED
    if not same.any():
        return rows
    restored, operations, kva = rows.restored.copy(), rows.operations.copy(), rows.kva.copy()
    kept = np.ones(len(rows), np.bool_)
    head = 0
    for place in np.flatnonzero(np.append(False, same)).tolist():
        head = place - 1 if kept[place - 1] else head
        if rows.began[place] <= restored[head]:
            kept[place] = False
            restored[head] = max(restored[head], rows.restored[place])
            operations[head] += rows.operations[place]
            kva[head] = np.fmax(kva[head], rows.kva[place])
    changed = {"restored": restored, "operations": operations, "kva": kva}
    return Rows(*(changed.get(field.name, getattr(rows, field.name)) for field in fields(rows))).taken(kept)


def momentary_events(given: Spells, window_seconds: int = IEEE_MOMENTARY_SECONDS) -> Floats:
    """Customers of the momentary events that each spell begins: 0 where it belongs to an earlier spell's event.

    All operations within five minutes of the first are one event, as are all that share an event number. An event that
    leads into a sustained interruption of the same customer is none.
    """
    rows = given.rows
    answer = np.where(given.momentary, rows.customers, 0.0)
    nobody = np.iinfo(np.int64).min + np.arange(len(rows))  # unnamed rows meet only by their event's number
    unnamed = np.where(rows.event == -1, nobody, -2 - rows.event)
    party = np.where(rows.usage_point == UNNAMED, unnamed, rows.usage_point)
    _numbered_events(given, party, answer)
    _events_by_time(given, party, window_seconds, answer)
    return answer


def _numbered_events(given: Spells, party: Ints, answer: Floats) -> None:
    """Set the events of those spells that say to which event they belong."""
    rows = given.rows
    order = np.lexsort((rows.began, rows.event, party))
    order = order[rows.event[order] != -1]
    if not len(order):
        return
    change = (party[order][1:] != party[order][:-1]) | (rows.event[order][1:] != rows.event[order][:-1])
    edges = np.flatnonzero(np.append(True, change))
    answer[order] = 0.0
    short = np.logical_and.reduceat(given.momentary[order], edges)
    answer[order[edges]] = np.where(short, np.maximum.reduceat(rows.customers[order], edges), 0.0)


def _events_by_time(given: Spells, party: Ints, window_seconds: int, answer: Floats) -> None:
    """Set the events of spells without a number: those that follow the first one closely belong to it.

    Only parties are looked at of which two spells begin within the window; any other spell is an event of its own.
    """
    rows = given.rows
    order = np.lexsort((rows.began, party))
    order = order[rows.event[order] == -1]
    same = party[order][1:] == party[order][:-1]
    close = same & (np.diff(rows.began[order]) <= window_seconds)
    if not close.any():
        return
    edges = np.flatnonzero(np.append(True, ~same))
    ends = np.append(edges[1:], len(order))
    for number in np.unique(np.searchsorted(edges, np.flatnonzero(close), "right") - 1).tolist():
        _events_of_party(given, order[edges[number] : ends[number]], window_seconds, answer)


def _events_of_party(given: Spells, places: Ints, window_seconds: int, answer: Floats) -> None:
    """Set the events of one customer's spells without a number; `places` are in order of beginning."""
    rows = given.rows
    events: list[list[int]] = []
    first = 0
    for place in places.tolist():
        if events and rows.began[place] - first <= window_seconds:
            events[-1].append(place)
        else:
            events.append([place])
            first = int(rows.began[place])
    for members in events:
        answer[members] = 0.0
        if given.momentary[members].all():
            answer[members[0]] = rows.customers[members].max()


def _interruptions(rows: Rows, sustained: Flags) -> tuple[Ints, Flags]:
    """Number of the interruption of each row, and which sustained row is the first of it."""
    named = rows.usage_point != UNNAMED
    change = np.append(True, (rows.outage[1:] != rows.outage[:-1]) | (rows.usage_point[1:] != rows.usage_point[:-1]))
    numbers = np.cumsum(change | ~named)
    counts = np.zeros(len(rows), np.bool_)
    places = np.flatnonzero(sustained)
    _, firsts = np.unique(numbers[places], return_index=True)
    counts[places[firsts]] = True
    return numbers, counts
