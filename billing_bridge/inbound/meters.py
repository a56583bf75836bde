"""Posting meters, channels and installations."""

from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Row, Rows
from cis_power.customers.keys import usage_point_keys
from cis_power.metering.installing import ChannelTold, Installed, Meters
from cis_power.metering.meter_terms import write_meter_terms
from cis_power.metering.models import Channel, Meter, MeterInstallation
from cis_power.metering.units import find_unit


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change meters at known usage points."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    points = usage_point_keys(session, rows.column("usage_point"))
    meters = Meters(changes, rows.column("meter_no"), points.values())
    touched: set[int] = set()
    for place, row in enumerate(rows):
        point_id = points.get(row["usage_point"])
        unit = find_unit(row["unit"] or "kWh")
        if point_id is None:
            message = f"usage point {row['usage_point']!r} is not known"
            outcome.reject(place, "unknown_usage_point", message, "usage_point")
        elif unit is None:
            outcome.reject(place, "unknown_unit", f"unit {row['unit']!r} is not known", "unit")
        else:
            before = changes.count
            meters.post(_installed(meters, row, point_id, unit.kept_in, unit.quantity))
            if changes.count == before:
                outcome.unchanged(place)
            touched.add(point_id)
    changes.write((Meter, Channel, MeterInstallation))
    write_meter_terms(session, touched)
    return outcome


def _installed(meters: Meters, row: Row, point_id: int, unit: str, quantity: str) -> Installed:
    meter_id = meters.meter(row["meter_no"])
    channel_id = None
    if row["channel"] is not None:
        told = ChannelTold(row["channel"], row["quantity"] or quantity, row["direction"], unit, row["kind"])
        channel_id = meters.post_channel(meter_id, told)
    return Installed(
        meter_id,
        point_id,
        channel_id,
        row["multiplier"],
        row["from"],
        row["to"],
        row["start_read"],
        row["end_read"],
    )
