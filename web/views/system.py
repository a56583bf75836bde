"""The system administrator's pages: where data comes from, and what the jobs did. No customer is in sight."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint, Response
from pydantic import Field
from sqlalchemy import select

from cis_power.core.models import JobRun
from cis_power.telemetry.rows import GapRow, SourceRow
from cis_power.telemetry.source_reads import list_collectors, list_gaps, list_sources
from cis_power.telemetry.spool_folder import spool_depth
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.shell import now, reading, shell, viewer
from web.values import Sample, Text

system = Blueprint("system", __name__)

_FEW = 20


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


class GapQuery(Page):
    """Which gaps."""

    source: Annotated[Text | None, Sample("source"), Field(max_length=120, description="name of a source")] = None
    state: Annotated[Literal["open", "all"], Field(description="those that nothing filled, or all")] = "open"


@list_route(system, "/admin/sources")
@access("system:source:read", query=Page)
def sources(query: Page, file_format: str) -> Response:
    """List every source, its state and its gaps; the page says also what waits in the spool and what was lost."""
    with reading() as session:
        rows = list_sources(session, viewer())
        collectors = list_collectors(session, viewer())
        gaps, _ = list_gaps(session, viewer(), unfilled_only=True, limit=_FEW)
    listing = Listing("sources", columns_of(SourceRow), rows)
    depth = spool_depth(shell().settings.run_dir / "spool", {row.collector: row.last_number for row in collectors})
    response = list_response(
        listing, file_format, "admin/sources.html", collectors=collectors, gaps=gaps, spool=depth, now=now()
    )
    return live_response(response, [rows, collectors, gaps, depth]) if file_format == "html" else response


@list_route(system, "/admin/gaps")
@access("system:source:read", query=GapQuery)
def gaps(query: GapQuery, file_format: str) -> Response:
    """List the gap ledger, the latest first."""
    position = query.position()
    before = (datetime.fromisoformat(position[0]), int(position[1])) if position else None
    with reading() as session:
        rows, following = list_gaps(
            session,
            viewer(),
            source=query.source,
            unfilled_only=query.state == "open",
            before=before,
            limit=query.rows(),
        )
    cursor = make_cursor([following[0].isoformat(), following[1]]) if following else None
    return list_response(Listing("gaps", columns_of(GapRow), rows, cursor), file_format, "admin/gaps.html", query=query)


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
