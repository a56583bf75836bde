"""What supplies a usage point, by date and by when it became known; many connections at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select

from cis_power.core.db import among, chunked
from cis_power.customers.changes import Changes
from cis_power.customers.intervals import Interval
from cis_power.customers.linking import supply_elements
from cis_power.customers.models import SupplyConnection, UsagePoint

NETWORK = "network"
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """A connection as it is held true; `key` 0: not stored yet."""

    transformer: str | None
    element_id: int | None
    role: str = "main"
    transfer: str = "auto"
    phases: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    key: int = 0
    source: str | None = field(default=None, compare=False)

    @property
    def interval(self) -> Interval:
        return Interval(self.began_at, self.ended_at)

    def rivals(self, other: "Link") -> bool:
        """Whether both cannot hold at one time: there is one main connection, and one standby from each transformer."""
        if self.role != other.role:
            return False
        return self.role == "main" or self.transformer == other.transformer


class Connections:
    """The connections of some usage points, read at once."""

    def __init__(self, changes: Changes, usage_point_ids: Iterable[int], codes: Iterable[str]) -> None:
        self._changes = changes
        self._links: dict[int, list[Link]] = {}
        self._elements = supply_elements(changes.session, codes)
        for part in chunked(sorted(set(usage_point_ids)), _CHUNK):
            query = select(SupplyConnection).where(
                among(changes.session, SupplyConnection.usage_point_id, part), SupplyConnection.superseded_at.is_(None)
            )
            for row in changes.session.scalars(query.order_by(SupplyConnection.id)):
                link = Link(
                    row.transformer,
                    row.element_id,
                    row.role,
                    row.transfer,
                    row.phases,
                    row.began_at,
                    row.ended_at,
                    row.id,
                    row.source,
                )
                self._links.setdefault(row.usage_point_id, []).append(link)

    def knows(self, code: str) -> bool:
        """Whether the network knows this transformer or node."""
        return code in self._elements

    def element(self, code: str) -> int | None:
        return self._elements.get(code)

    def post_main(self, usage_point_id: int, transformer: str | None, phases: int | None) -> None:
        """The present main connection: another transformer means that the usage point moved now."""
        now = self._changes.origin.now
        present = next(
            (link for link in self._links.get(usage_point_id, ()) if link.role == "main" and link.ended_at is None),
            None,
        )
        if present is None:
            if transformer is not None:
                self._put(usage_point_id, Link(transformer, self._elements.get(transformer), phases=phases or 0))
            return
        code = transformer if transformer is not None else present.transformer
        wanted = replace(present, phases=present.phases if phases is None else phases)
        if code != present.transformer:
            if not self._changes.may_change(UsagePoint, usage_point_id, "transformer", code):
                return
            self._changes.note(UsagePoint, usage_point_id, "transformer", present.transformer, code)
            # What the network model implied was never said by anybody: it is corrected, the usage point did not move.
            began_at = present.began_at if present.source == NETWORK else now
            wanted = replace(wanted, transformer=code, element_id=self._elements.get(code or ""), began_at=began_at)
        elif present.element_id is None and code is not None:
            wanted = replace(wanted, element_id=self._elements.get(code))
        if wanted != present:
            self._put(usage_point_id, replace(wanted, key=0))

    def post(self, usage_point_id: int, told: Link) -> None:
        """A connection with its own dates: it takes the place of its rivals for as long as it holds."""
        told = replace(told, element_id=self._elements.get(told.transformer or ""))
        self._put(usage_point_id, told)

    def same(self, usage_point_id: int, told: Link) -> Link | None:
        """The connection stored under the same role, transformer and beginning."""
        for link in self._links.get(usage_point_id, ()):
            if (link.role, link.transformer, link.began_at) == (told.role, told.transformer, told.began_at):
                return link
        return None

    def _put(self, usage_point_id: int, wanted: Link) -> None:
        """Let `wanted` hold; rivals keep what is left of their time, and rows that change are superseded."""
        links = self._links.setdefault(usage_point_id, [])
        if any(replace(link, key=0) == wanted for link in links):
            return
        kept: list[Link] = []
        for link in links:
            same = (link.role, link.transformer, link.began_at) == (wanted.role, wanted.transformer, wanted.began_at)
            if not same and not (link.rivals(wanted) and link.interval.overlaps(wanted.interval)):
                kept.append(link)
                continue
            self._supersede(link)
            rest = [] if same else link.interval.minus(wanted.interval)
            kept.extend(
                self._insert(usage_point_id, replace(link, began_at=part.began_at, ended_at=part.ended_at))
                for part in rest
            )
        kept.append(self._insert(usage_point_id, wanted))
        self._links[usage_point_id] = kept

    def _supersede(self, link: Link) -> None:
        if (SupplyConnection, link.key) in self._changes.fresh:
            self._changes.forget(SupplyConnection, link.key)
        else:
            self._changes.update(SupplyConnection, link.key, superseded_at=self._changes.origin.now)

    def _insert(self, usage_point_id: int, link: Link) -> Link:
        key = self._changes.new_id(SupplyConnection)
        self._changes.insert(
            SupplyConnection,
            id=key,
            usage_point_id=usage_point_id,
            element_id=link.element_id,
            transformer=link.transformer,
            role=link.role,
            transfer=link.transfer,
            phases=link.phases,
            began_at=link.began_at,
            ended_at=link.ended_at,
            recorded_at=self._changes.origin.now,
            source=self._changes.origin.source,
        )
        return replace(link, key=key)
