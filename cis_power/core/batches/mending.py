"""Rejects that re-enter with a mended file, found by their key."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cis_power.core.batches.posting import ACCEPTED, Outcome
from cis_power.core.db import chunked
from cis_power.core.layouts import Layout
from cis_power.core.layouts.values import read_value
from cis_power.core.models import Batch, BatchReject

_Key = tuple[Any, ...]


class MendedRows:
    """Open rejects of a layout by key, so that a row posted later from a mended file closes them."""

    def __init__(self, session: Session, layout: Layout, zone: ZoneInfo) -> None:
        self._layout = layout
        self._open: dict[_Key, list[int]] = {}
        if not layout.key:
            return
        query = (
            select(BatchReject.id, BatchReject.content)
            .join(Batch, Batch.id == BatchReject.batch_id)
            .where(Batch.kind == layout.name, BatchReject.state == "open")
        )
        for reject_id, content in session.execute(query.execution_options(yield_per=1_000)):
            if layout.key_needs and not content.get(layout.key_needs):
                continue
            key = tuple(read_value(layout.column(name), content.get(name, ""), zone)[0] for name in layout.key)
            self._open.setdefault(key, []).append(reject_id)

    def mark(self, session: Session, outcome: Outcome, batch_id: int) -> None:
        """Close the rejects whose key was posted now."""
        if not self._open:
            return
        closed: list[int] = []
        columns = [outcome.rows.plain(name) for name in self._layout.key]
        for state, key in zip(outcome.states.tolist(), zip(*columns, strict=True), strict=True):
            if state == ACCEPTED:
                closed.extend(self._open.pop(key, ()))
        for part in chunked(closed, 1_000):
            session.execute(
                update(BatchReject)
                .where(BatchReject.id.in_(part), BatchReject.batch_id != batch_id)
                .values(state="reentered", reentered_batch_id=batch_id)
            )
