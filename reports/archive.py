"""Archived reports: frozen as they were made. The same figures again are the same run; changed ones a further run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.errors import NotFound
from cis_power.core.models import ReportRun
from reports.model import Report
from reports.parameters import Parameters
from reports.registry import ReportDeclaration


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A frozen report: its number, what it is, and the number of the run that it replaces (its figures differ)."""

    number: int
    report: str
    period: str
    generated_at: datetime
    content_hash: str
    replaces: int | None
    content: Mapping[str, Any]


def archive_report(session: Session, viewer: Viewer, made: Report, parameters: Parameters) -> ArchivedRun:
    """Keep a report; answers the run that is there already when nothing but the time of making differs."""
    content = made.as_dict()
    digest = _hash({name: value for name, value in content.items() if name != "generated_at"})
    before = _runs(session, viewer, made.name, parameters)
    if before and before[-1].content_hash == digest:
        return _archived(before[-1])
    run = ReportRun(
        report=made.name,
        parameters=content["parameters"],
        parameters_hash=_key(viewer, parameters),
        period=_period(parameters, len(before) + 1),
        viewer=viewer.actor,
        generated_at=made.generated_at,
        content=content,
        content_hash=digest,
        replaces_id=before[-1].id if before else None,
    )
    session.add(run)
    session.flush()
    return _archived(run)


def find_archived(
    session: Session, viewer: Viewer, declaration: ReportDeclaration, parameters: Parameters
) -> ArchivedRun:
    """The latest archived run of these parameters for the viewer's territory. Raises NotFound, or Forbidden."""
    viewer.require(declaration.permission)
    runs = _runs(session, viewer, declaration.name, parameters)
    if not runs:
        raise NotFound(f"no report {declaration.name} of this period and these parameters is archived")
    return _archived(runs[-1])


def _runs(session: Session, viewer: Viewer, name: str, parameters: Parameters) -> list[ReportRun]:
    query = select(ReportRun).where(ReportRun.report == name, ReportRun.parameters_hash == _key(viewer, parameters))
    return list(session.scalars(query.order_by(ReportRun.id)))


def _key(viewer: Viewer, parameters: Parameters) -> str:
    """What makes two runs the same one: parameters, and the territory of whoever asks."""
    territory = None if viewer.districts is None else sorted(viewer.districts)
    return _hash({"parameters": parameters.as_dict(), "territory": territory})


def _period(parameters: Parameters, run: int) -> str:
    told = parameters.as_dict()
    return f"{told['from']}/{told['to']}" + (f" #{run}" if run > 1 else "")


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _archived(run: ReportRun) -> ArchivedRun:
    return ArchivedRun(run.id, run.report, run.period, run.generated_at, run.content_hash, run.replaces_id, run.content)
