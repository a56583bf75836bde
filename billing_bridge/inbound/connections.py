"""Posting what supplies usage points."""

from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Rows
from cis_power.customers.connection_posting import Connections, Link
from cis_power.customers.keys import usage_point_keys
from cis_power.customers.models import SupplyConnection
from cis_power.customers.search_terms import write_terms


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make connections; each takes the place of its rivals for as long as it holds."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    points = usage_point_keys(session, rows.column("usage_point"))
    connections = Connections(changes, points.values(), rows.column("transformer"))
    touched: set[int] = set()
    for place, row in enumerate(rows):
        point_id, code = points.get(row["usage_point"]), row["transformer"]
        if point_id is None:
            message = f"usage point {row['usage_point']!r} is not known"
            outcome.reject(place, "unknown_usage_point", message, "usage_point")
            continue
        if not connections.knows(code):
            message = f"{code!r} is neither a transformer nor a node of the network: not linked"
            outcome.warn(place, "unknown_transformer", message, "transformer")
        told = Link(code, None, row["role"], row["transfer"], row["phases"] or 0, row["valid_from"], row["valid_to"])
        same = connections.same(point_id, told)
        if same is not None and row["phases"] is None:
            told = Link(code, None, told.role, told.transfer, same.phases, told.began_at, told.ended_at)
        before = changes.count
        connections.post(point_id, told)
        if changes.count == before:
            outcome.unchanged(place)
        else:
            touched.add(point_id)
    changes.write((SupplyConnection,))
    write_terms(session, (), touched)
    return outcome
