"""Posting readings."""

from sqlalchemy.orm import Session

from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Rows
from cis_power.metering.readings import Reading
from cis_power.metering.writes import post_readings

_COLUMNS = ("meter_no", "usage_point", "channel", "began_at", "seconds", "value", "unit", "quality")


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Post readings into interval history and register readings."""
    outcome = Outcome(rows)
    columns = (rows.column(name) for name in _COLUMNS)
    posted = post_readings(
        session, [Reading(*values) for values in zip(*columns, strict=True)], batch_id=posting.batch_id
    )
    for place in posted.unchanged:
        outcome.unchanged(place)
    for problem in posted.problems:
        outcome.reject(problem.index, problem.code, problem.message, problem.field)
    return outcome
