"""The contact log: one row a contact, permanent, read newest first by those who may."""

import pytest

from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden
from cis_power.service.reads import list_contacts
from cis_power.service.writes import record_contact
from tests.outages.people import put_people, viewer
from tests.outages.worlds import at


def test_contacts_are_kept_in_order(database: Database) -> None:
    put_people(database)
    with database.transaction() as session:
        for minute, subject in ((10, "first"), (20, "second")):
            record_contact(session, system_viewer("t"), at(minute), subject=subject, customer_id=1, text="words")
    with database.reading() as session:
        rows = list_contacts(session, viewer("agent"), 1)
        assert [(row.subject, row.occurred_at, row.recorded_by) for row in rows] == [
            ("second", at(20), "system:t"), ("first", at(10), "system:t"),
        ]  # fmt: skip
        assert list_contacts(session, viewer("agent"), 2) == []
        with pytest.raises(Forbidden):
            list_contacts(session, viewer("engineer"), 1)
