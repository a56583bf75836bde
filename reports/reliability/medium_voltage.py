"""Users of the medium-voltage statistics of DL/T 836: one transformer is one user. Pure."""

import numpy as np
from numpy.typing import NDArray

from reports.reliability.spells import OPEN, UNNAMED, Rows
from reports.windows import Windows, group_at


def user_rows(rows: Rows, supply: Windows, period: tuple[int, int]) -> tuple[Rows, float]:
    """Ledger rows of users: transformers all of whose usage points an outage took; and how many users there were.

    `supply` holds the usage points in scope at their transformers. A user is out from the first loss of any of its
    usage points to the last restoration. Rows that name no usage point cannot be placed and are left out.
    """
    begin, end = period
    there = (supply.from_s < end) & (supply.to_s > begin) & (supply.group != -1)
    users = float(len(np.unique(supply.group[there])))
    named = rows.taken(rows.usage_point != UNNAMED)
    user = group_at(supply, named.usage_point, named.began)
    named, user = named.taken(user != -1), user[user != -1]
    order = np.lexsort((named.began, user, named.outage))
    named, user = named.taken(order), user[order]
    if not len(named):
        return named, users
    change = (named.outage[1:] != named.outage[:-1]) | (user[1:] != user[:-1])
    firsts = np.flatnonzero(np.append(True, change))
    whole = _points_out(named, firsts) >= _points_there(supply, user[firsts], named.began[firsts])
    restored = np.maximum.reduceat(named.restored, firsts)
    early = np.minimum.reduceat(named.early, firsts)
    found = named.taken(firsts)
    made = Rows(
        row=found.row,
        outage=found.outage,
        usage_point=user[firsts],
        began=found.began,
        restored=np.minimum(restored, OPEN),
        early=early,
        late=found.late,
        customers=np.ones(len(found)),
        kva=np.full(len(found), np.nan),
        operations=found.operations,
        event=found.event,
        planned=found.planned,
        loss_of_supply=found.loss_of_supply,
        external=found.external,
        rationing=found.rationing,
    )
    return made.taken(whole), users


def _points_out(named: Rows, firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many different usage points each group of rows names."""
    group = np.zeros(len(named), np.int64)
    group[firsts] = 1
    pairs = np.unique(np.stack([np.cumsum(group) - 1, named.usage_point]), axis=1)
    return np.bincount(pairs[0], minlength=len(firsts))


def _points_there(supply: Windows, users: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many usage points each user had at an instant."""
    order = np.argsort(supply.group, kind="stable")
    groups = supply.group[order]
    low = np.searchsorted(groups, users, "left")
    high = np.searchsorted(groups, users, "right")
    begin, end = supply.from_s[order], supply.to_s[order]
    counts = [
        int(((begin[a:b] <= moment) & (moment < end[a:b])).sum())
        for a, b, moment in zip(low.tolist(), high.tolist(), at.tolist(), strict=True)
    ]
    return np.array(counts, np.int64)
