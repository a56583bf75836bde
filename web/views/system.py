"""The system administrator's pages: where data comes from, and what the jobs did. No customer is in sight."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response
from sqlalchemy import select

from cis_power.core.models import JobRun
from cis_power.telemetry.reads import SourceRow, list_sources
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.shell import reading, viewer

system = Blueprint("system", __name__)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One run of a job; a continuous job keeps one."""

    run: int
    job: str
    period: str
    status: str
    attempts: int
    skipped: int
    progress: float | None
    message: str | None
    process: str | None
    begun_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None


@list_route(system, "/admin/sources")
@access("system:source:read", query=Page)
def sources(query: Page, file_format: str) -> Response:
    """List every source, its state and its gaps."""
    with reading() as session:
        rows = list_sources(session, viewer())
    return list_response(Listing("sources", columns_of(SourceRow), rows), file_format, "admin/sources.html")


@list_route(system, "/admin/jobs")
@access("system:job:read", query=Page)
def jobs(query: Page, file_format: str) -> Response:
    """List runs of jobs, newest first."""
    position = query.position()
    runs = select(JobRun).order_by(JobRun.id.desc()).limit(query.rows() + 1)
    if position:
        runs = runs.where(JobRun.id < position[0])
    with reading() as session:
        rows = [
            JobRow(
                run.id,
                run.job,
                run.period,
                run.status,
                run.attempts,
                run.skipped,
                run.progress,
                run.message,
                run.process,
                run.begun_at,
                run.heartbeat_at,
                run.finished_at,
            )
            for run in session.scalars(runs)
        ]
    shown = rows[: query.rows()]
    following = make_cursor([shown[-1].run]) if len(rows) > len(shown) else None
    return list_response(Listing("jobs", columns_of(JobRow), shown, following), file_format, "admin/jobs.html")
