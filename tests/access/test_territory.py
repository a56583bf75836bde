"""Territory: the SQL criterion and the check of one district say the same."""

import pytest
from sqlalchemy import select

from cis_power.access.models import District
from cis_power.access.reads import districts_below
from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer

TREE = {1: None, 2: 1, 3: 1, 4: 3, 5: None}


@pytest.fixture
def districts(database):
    with database.transaction() as session:
        for district_id, parent_id in TREE.items():
            session.add(
                District(id=district_id, code=f"D{district_id}", name=f"District {district_id}", parent_id=parent_id)
            )
            session.flush()
    return database


@pytest.mark.parametrize("own", [None, frozenset(), frozenset({2}), frozenset({3, 4}), frozenset({5, 99})])
def test_list_and_single_check_agree(districts, own):
    viewer = Viewer("somebody", "agent", own)
    with districts.reading() as session:
        listed = set(session.scalars(select(District.id).where(in_territory(viewer, District.id))))
    assert listed == {district_id for district_id in TREE if viewer.sees_district(district_id)}


def test_what_has_no_district_is_outside_every_limited_territory(districts):
    with districts.reading() as session:
        limited = Viewer("somebody", "agent", frozenset(TREE))
        roots = set(session.scalars(select(District.id).where(~in_territory(limited, District.parent_id))))
    assert not roots, "NULL is neither inside nor counted as outside by negation"
    assert not limited.sees_district(None)
    assert Viewer("somebody", "agent", None).sees_district(None)


def test_a_district_brings_what_lies_below_it(districts):
    with districts.reading() as session:
        assert districts_below(session, [1]) == {1, 2, 3, 4}
        assert districts_below(session, [4, 5]) == {4, 5}
        assert districts_below(session, []) == frozenset()
