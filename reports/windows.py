"""From/to windows of usage points as arrays: who belonged where, when. Pure; instants are epoch seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVER = np.iinfo(np.int64).min // 4
NEVER = np.iinfo(np.int64).max // 4
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """`member` belongs to `group` in [from_s, to_s), with a number `amount` (1 where nothing is counted but heads)."""

    member: Ints
    group: Ints
    from_s: Ints
    to_s: Ints
    amount: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.member)

    def taken(self, which: NDArray[Any]) -> "Windows":
        """The chosen windows, by mask or by index."""
        return Windows(self.member[which], self.group[which], self.from_s[which], self.to_s[which], self.amount[which])


def windows(
    rows: Iterable[tuple[int, int | None, datetime | None, datetime | None]],
    amounts: Iterable[float | None] | None = None,
) -> Windows:
    """Windows from rows (member, group, began_at, ended_at); no beginning is ever, no end is open, no group is -1."""
    listed = list(rows)
    counted = [1.0] * len(listed) if amounts is None else [np.nan if value is None else value for value in amounts]
    return Windows(
        member=np.array([row[0] for row in listed], np.int64),
        group=np.array([-1 if row[1] is None else row[1] for row in listed], np.int64),
        from_s=np.array([EVER if row[2] is None else int(row[2].timestamp()) for row in listed], np.int64),
        to_s=np.array([NEVER if row[3] is None else int(row[3].timestamp()) for row in listed], np.int64),
        amount=np.array(counted, np.float64),
    )


def always(members: Ints, group: int = 0) -> Windows:
    """Each member in one group, for ever."""
    count = len(members)
    return Windows(members, np.full(count, group), np.full(count, EVER), np.full(count, NEVER), np.ones(count))


def clipped(given: Windows, from_s: int, to_s: int) -> Windows:
    """What of the windows lies in [from_s, to_s)."""
    begin, end = np.maximum(given.from_s, from_s), np.minimum(given.to_s, to_s)
    kept = begin < end
    return Windows(given.member[kept], given.group[kept], begin[kept], end[kept], given.amount[kept])


def joined(left: Windows, right: Windows) -> Windows:
    """Overlaps of the windows of the same member: group of the left, amount of the right."""
    order = np.argsort(right.member, kind="stable")
    members = right.member[order]
    low = np.searchsorted(members, left.member, "left")
    counts = np.searchsorted(members, left.member, "right") - low
    ours = np.repeat(np.arange(len(left)), counts)
    within = np.arange(len(ours)) - np.repeat(np.cumsum(counts) - counts, counts)
    theirs = order[np.repeat(low, counts) + within]
    begin = np.maximum(left.from_s[ours], right.from_s[theirs])
    end = np.minimum(left.to_s[ours], right.to_s[theirs])
    kept = begin < end
    ours, theirs = ours[kept], theirs[kept]
    return Windows(left.member[ours], left.group[ours], begin[kept], end[kept], right.amount[theirs])


def group_at(given: Windows, members: Ints, at: Ints) -> Ints:
    """Group of each member at an instant; -1 where there is none. Of several windows the first given counts."""
    return given_at(given, members, at, given.group, -1)


def amount_at(given: Windows, members: Ints, at: Ints) -> NDArray[np.float64]:
    """Amount of each member at an instant; NaN where there is none."""
    return given_at(given, members, at, given.amount, np.nan)


def given_at(given: Windows, members: Ints, at: Ints, of: NDArray[Any], absent: float) -> NDArray[Any]:
    """The element of `of` that belongs to the window of each member at an instant."""
    asked = Windows(members, np.arange(len(members)), at, at + 1, np.ones(len(members)))
    numbered = Windows(given.member, given.group, given.from_s, given.to_s, np.arange(len(given), dtype=np.float64))
    found = joined(asked, numbered)
    answer = np.full(len(members), absent, of.dtype if absent == -1 else np.float64)
    back = found.taken(np.arange(len(found))[::-1])
    answer[back.group] = of[back.amount.astype(np.int64)]
    return answer


def daily(given: Windows, day_starts: Ints) -> NDArray[np.float64]:
    """Sum of the amounts that hold at the beginning of each day; unknown amounts count nothing."""
    amount = np.nan_to_num(given.amount)
    change = np.zeros(len(day_starts) + 1)
    np.add.at(change, np.searchsorted(day_starts, given.from_s, "left"), amount)
    np.subtract.at(change, np.searchsorted(day_starts, given.to_s, "left"), amount)
    return np.cumsum(change)[:-1]
