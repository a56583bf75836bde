"""Life support: a person at a place, from/to."""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select

from cis_power.core.db import among, chunked
from cis_power.core.time import local_date
from cis_power.customers.changes import Changes
from cis_power.customers.models import LifeSupport

_CHUNK = 10_000


class LifeSupports:
    """The open entries of some usage points, read at once."""

    def __init__(self, changes: Changes, usage_point_ids: Iterable[int]) -> None:
        self._changes = changes
        self._open: dict[tuple[int, int], int] = {}
        row = LifeSupport
        for part in chunked(sorted(set(usage_point_ids)), _CHUNK):
            query = select(row.customer_id, row.usage_point_id, row.id)
            found = changes.session.execute(
                query.where(among(changes.session, row.usage_point_id, part), row.ended_on.is_(None))
            )
            self._open.update({(customer_id, point_id): key for customer_id, point_id, key in found})

    def post(
        self, customer_id: int, usage_point_id: int, began_on: date | None, zone: ZoneInfo, *, wanted: bool
    ) -> None:
        """Whether the customer depends on supply at this usage point now."""
        present = self._open.get((customer_id, usage_point_id))
        if wanted and present is None:
            key = self._open[customer_id, usage_point_id] = self._changes.new_id(LifeSupport)
            self._changes.insert(
                LifeSupport, id=key, customer_id=customer_id, usage_point_id=usage_point_id, began_on=began_on
            )
        elif not wanted and present is not None:
            ended_on = local_date(self._changes.origin.now, zone)
            self._changes.change(LifeSupport, present, "ended_on", None, ended_on)
            del self._open[customer_id, usage_point_id]
