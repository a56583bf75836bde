"""Archived reports are frozen; the same figures again are the same run, others a further one."""

from datetime import UTC, datetime, timedelta

import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden, NotFound
from reports.archive import archive_report, find_archived
from reports.parameters import Parameters
from reports.registry import build_report
from reports.reliability.report import RELIABILITY
from tests.reports.utility import Utility

ME = system_viewer("test", kind="cli")
T = datetime(2026, 5, 4, 10, tzinfo=UTC)
DAY = Parameters(T, T + timedelta(days=1), UTC, (), {})
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def archived(database, viewer=ME, now=NOW, parameters=DAY):
    with database.transaction() as session:
        made = build_report(session, viewer, RELIABILITY, parameters, now)
        return archive_report(session, viewer, made, parameters)


def test_a_run_is_frozen_and_a_changed_one_replaces_it(database):
    with database.transaction() as session:
        utility = Utility(session)
        utility.district("N")
        utility.point("A", "N")
    first = archived(database)
    assert archived(database, now=NOW + timedelta(days=1)).number == first.number
    with database.transaction() as session:
        utility.session = session
        utility.interruption("O", "A", began_at=T, restored_at=T + timedelta(hours=1))
    second = archived(database)
    assert (second.replaces, second.period) == (first.number, f"{first.period} #2")
    with database.reading() as session:
        found = find_archived(session, ME, RELIABILITY, DAY)
    assert found.number == second.number
    values = {row["index"]: row["value"] for row in found.content["tables"]["indices"]["rows"]}
    assert (values["SAIFI"], values["SAIDI"]) == (1.0, 60.0)
    assert first.content["tables"]["indices"]["rows"][0]["value"] == 0.0


def test_an_archived_report_is_found_by_its_own_territory_only(database):
    with database.transaction() as session:
        utility = Utility(session)
        utility.district("N")
        utility.point("A", "N")
    archived(database)
    north = Viewer("ann", "engineer", frozenset({utility.districts["N"]}))
    with database.reading() as session:
        with pytest.raises(NotFound):
            find_archived(session, north, RELIABILITY, DAY)
        with pytest.raises(Forbidden):
            find_archived(session, Viewer("joe", "agent", None), RELIABILITY, DAY)


def test_the_command_keeps_and_answers_the_frozen_report(cli):
    period = ("--from", "2026-05-01", "--to", "2026-06-01")
    cli("report", "reliability", *period, "--archived", expect=1)
    made = cli("report", "reliability", *period, "--archive", "--json").json
    assert cli("report", "reliability", *period, "--archived").json == made
    cli("report", "reliability", *period, "--archived", "--format", "pdf", expect=2)
