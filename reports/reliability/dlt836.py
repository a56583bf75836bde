"""Reliability by DL/T 836 (China), from spells. Pure.

AIHC is hours a user, AITC times a user, RS the share of time in supply. The 2016 edition names them SAIDI, SAIFI, ASAI.
Suffix 1: all; 2: without causes outside the utility; 3: without rationing.
"""

from dataclasses import dataclass

from reports.reliability.indices import ratio
from reports.reliability.spells import Spells


@dataclass(frozen=True, slots=True)
class UserFigures:
    """`user_hours` 停电时户数, `aihc` h a user, `aitc` times a user, `rs` as fraction."""

    users: float
    user_times: float
    user_hours: float
    aihc: float | None
    aitc: float | None
    rs: float | None


def user_figures(given: Spells, users: float, period_hours: float) -> UserFigures:
    """Figures of one base of users; interruptions still open count in times, their hours in nothing."""
    done = given.sustained & ~given.open
    times = float(given.rows.customers[given.counts].sum())
    hours = float((given.seconds[done] / 3600.0 * given.rows.customers[done]).sum())
    unserved = ratio(hours, users * period_hours)
    return UserFigures(
        users, times, hours, ratio(hours, users), ratio(times, users), None if unserved is None else 1.0 - unserved
    )


def without_external(given: Spells) -> Spells:
    """Suffix 2."""
    return given.taken(~given.rows.external)


def without_rationing(given: Spells) -> Spells:
    """Suffix 3."""
    return given.taken(~given.rows.rationing)
