"""Posting readings."""

from sqlalchemy.orm import Session

from cis_power.core.batches import UNCHANGED, Outcome, Posting
from cis_power.core.layouts import Rows
from cis_power.metering.readings import ReadingColumns
from cis_power.metering.writes import post_readings


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Post readings into interval history and register readings."""
    outcome = Outcome(rows)
    posted = post_readings(session, ReadingColumns.from_columns(rows.column), batch_id=posting.batch_id)
    outcome.states[list(posted.unchanged)] = UNCHANGED
    for problem in posted.problems:
        outcome.reject(problem.index, problem.code, problem.message, problem.field)
    return outcome
