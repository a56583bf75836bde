"""The store's network as a field: what holds now, who is served, how much he takes; on both databases."""

from datetime import timedelta

import numpy as np
import pytest

from scada_bridge.field_reads import read_field
from scada_bridge.simulator.field import EDGE_KINDS
from scada_bridge.simulator.loads import KINDS
from scada_bridge.simulator.state import State
from tests.outages.stored import put_feeders, put_network, put_usage_point
from tests.outages.worlds import START

NOW = START + timedelta(days=1)


def field_of(database, now=NOW):
    with database.reading() as session:
        return read_field(session, now)


def test_without_a_network_there_is_no_field(database):
    field = field_of(database)
    assert (field.nodes, field.edges, field.usage_points) == ((), (), ())


def test_the_network_in_force_and_who_is_served(database):
    put_feeders(database)
    with database.transaction() as session:
        put_usage_point(session, "GONE", "n1", status="closed")
        put_usage_point(session, "NEXT", "n1", began_at=NOW + timedelta(days=1))
        put_usage_point(session, "OVER", "n1", ended_at=NOW)
        put_usage_point(session, "WRONG", "n1", superseded_at=START)
        put_usage_point(session, "THERE", "n1", status="active")
    field = field_of(database)
    assert set(field.nodes) == {"S", "S2", "n1", "n2", "n3", "n5", "l2", "l3"}
    assert set(field.edges) == {"A", "B", "C", "D", "T", "X2", "X3"}
    assert {code: EDGE_KINDS[kind] for code, kind in zip(field.edges, field.kind, strict=True)}["C"] == "fuse"
    assert {field.nodes[node] for node in np.flatnonzero(field.source_phases)} == {"S", "S2"}
    assert set(field.usage_points) == {"U1", "U2", "U3", "U5", "UD", "THERE"}
    hangs = {(field.usage_points[point], field.nodes[node], bool(standby)) for point, node, standby in
             zip(field.link_point, field.link_node, field.link_standby, strict=True)}  # fmt: skip
    assert {("U2", "l2", False), ("U3", "l3", False), ("UD", "n2", False), ("UD", "n5", True)} <= hangs
    assert (field.load_kind == KINDS.index("residential")).all()
    assert (field.mean_kw > 0).all()
    state = State(field)
    assert not state.supply.dark.any()
    assert not state.is_closed("T")
    state.set_position("A", closed=False)
    assert set(state.settle(0.0).lost) == {"U1", "U2", "U3", "THERE"}, "UD has its standby"


def test_a_version_to_come_is_not_yet_the_field(database):
    put_feeders(database)
    with database.transaction() as session:
        put_network(session, [("Z", "line", "S", "z")], ("S",), valid_from=NOW + timedelta(days=1))
    assert "Z" not in field_of(database).edges
    assert field_of(database, NOW + timedelta(days=2)).edges == ("Z",)


def test_of_a_network_without_customers_transformers_take_something(database):
    with database.transaction() as session:
        put_network(session, [("A", "breaker", "S", "n"), ("X", "transformer", "n", "low")], ("S",))
    field = field_of(database)
    assert field.usage_points == ()
    assert dict(zip(field.nodes, field.other_kw, strict=True)) == pytest.approx({"S": 0, "n": 0, "low": 15})
    assert State(field).normal_weights.sum() == pytest.approx(15)
