"""Causes are called by the utility's own table of codes, in the reader's language; other texts stay what they are."""

import pytest
from sqlalchemy import select, update

from cis_power.core.models import Code
from cis_power.outages.models import Interruption
from tests.web.browsers import sign_in
from tests.web.utility import EAST
from web.cause_names import cause_name


@pytest.fixture
def named(site):
    """The utility whose first imported interruption was caused by something that its table of codes names."""
    with site.database.transaction() as session:
        session.add(Code(kind="cause", code=EAST.cause, label_en="Marsh fog", label_zh="沼雾"))
        assert session.scalar(select(Interruption.id).where(Interruption.cause_code == EAST.cause)) is not None
    return site


def test_pages_call_a_cause_by_its_name(named):
    browser = sign_in(named.app, "engineer-all")
    path = f"/outages/{EAST.outage_no}"
    assert "沼雾" in browser.get(f"{path}?lang=zh_CN").text
    assert "Marsh fog" in browser.get(f"{path}?lang=en").text
    report = "/reports/outage-log?from=2026-03-01&to=2026-04-01"
    assert "沼雾" in browser.get(f"{report}&lang=zh_CN").text
    assert EAST.cause in browser.get("/reports/outage-log.json?from=2026-03-01&to=2026-04-01").text, "codes stay codes"


def test_a_text_that_is_no_code_stays(named):
    with named.database.transaction() as session:
        session.execute(update(Code).values(label_zh=""))
    with named.app.test_request_context("/?lang=zh_CN"):
        assert cause_name("a fallen <tree>") == "a fallen <tree>"
        assert cause_name(EAST.cause) == EAST.cause, "no Chinese name"
        assert cause_name(None) == ""
