"""A link to an outage that became better known leads to what it is now, under the same rule of who may see it."""

import pytest

from tests.web import utility
from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST

EARLIER = "2026-05-04T09:58:00+08:00"  # two minutes before the entry that opened the outages


@pytest.fixture
def retold(site, tmp_path):
    """The utility after the control room told that both breakers opened earlier; answers the former ids by district."""
    with site.database.reading() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT outage_state.device_code, outage.code FROM outage"
            " JOIN outage_state ON outage_state.outage_id = outage.id"
            " WHERE NOT outage.imported AND outage_state.superseded_at IS NULL"
        )
        former = dict(rows.all())
    environ = {"CIS_CONFIG": str(tmp_path / "none.toml"), "CIS_RUN_DIR": str(site.settings.run_dir)}
    (tmp_path / "none.toml").write_text('timezone = "Asia/Shanghai"\n')
    builder = utility.Builder(tmp_path, site.settings.database.removeprefix("sqlite:///"), environ)
    for own in (EAST, WEST):
        builder.run("switch", "open", own.device, "--at", EARLIER, "--by", "control room")
    builder.run("engine", "--once")
    return {own.district: former[own.device] for own in (EAST, WEST)}


def test_a_former_outage_leads_to_the_present_one(site, retold):
    browser = sign_in(site.app, "engineer-all")
    answer = browser.get(f"/outages/{retold[EAST.district]}")
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"] != f"/outages/{retold[EAST.district]}"
    page = browser.get(answer.headers["Location"])
    assert page.status_code == 200
    assert EAST.device in page.text


def test_a_foreign_one_stays_missing(site, retold):
    browser = sign_in(site.app, "engineer-own")
    assert browser.get(f"/outages/{retold[EAST.district]}").status_code == 303
    foreign, missing = browser.get(f"/outages/{retold[WEST.district]}"), browser.get("/outages/ONOTTHERE")
    assert (foreign.status_code, missing.status_code) == (404, 404)
