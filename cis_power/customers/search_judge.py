"""Whether rows that the lists propose are meant: by their text, the territory and the network of now."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among
from cis_power.customers.models import CustomerAgreement, SearchRow, SupplyConnection, UsagePointDistrict
from cis_power.customers.search_feeders import feeders_of
from cis_power.customers.search_plan import Alternative, Plan, Wanted
from cis_power.customers.search_text import OF_ACCOUNTS, TermKind
from cis_power.customers.validity import valid_at
from cis_power.network.reads import version_at

_COLUMNS = (SearchRow.id, SearchRow.account_id, SearchRow.usage_point_id)
_TEXTS = tuple(getattr(SearchRow, kind.value) for kind in TermKind)
_FEW = 64  # of so many rows the texts are looked at here; of more the database spares us those that say no
Row = Any  # id, account_id, usage_point_id and the texts by kind


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the viewer may find of some rows (None: anything), and the usage points that a needle's feeders supply."""

    accounts: Collection[int] | None
    points: Collection[int] | None
    fed: dict[Wanted, set[int]]

    def holds(self, row: Row, wanted: Wanted) -> bool:
        """Whether a text of one of the kinds holds the needle, or a feeder of that name supplies the place."""
        account = self.accounts is None or row.account_id in self.accounts
        point = self.points is None or row.usage_point_id in self.points
        for kind in wanted.kinds:
            if (account if kind in OF_ACCOUNTS else point) and wanted.needle in getattr(row, kind.value):
                return True
        return point and row.usage_point_id in self.fed.get(wanted, ())


def _may_be_fed(row: Row, alternative: Alternative) -> bool:
    """Whether a row's feeder may be what decides: all needles that name no feeder are in its texts."""
    named = [one for one in alternative if one.feeders]
    sight = _Sight(None, None, {})
    return bool(named) and all(one.feeders or sight.holds(row, one) for one in alternative)


class Judge:
    """Judges rows for one plan; `viewer` is None when the whole utility is searched."""

    def __init__(self, session: Session, plan: Plan, viewer: Viewer | None, now: datetime) -> None:
        self._session, self.plan, self._viewer, self._now = session, plan, viewer, now

    def load(self, keys: Sequence[int], fed: Sequence[int] = ()) -> Sequence[Row]:
        """Rows in the order of their keys; those that are gone, and of many those whose texts say no, are left out.

        `fed` are those of them that a feeder may supply.
        """
        query = select(*_COLUMNS, *_TEXTS).where(among(self._session, SearchRow.id, keys)).order_by(SearchRow.id)
        if len(keys) > _FEW:
            held = or_(*(self._texts_hold(every) for every in self.plan.alternatives))
            query = query.where(held | among(self._session, SearchRow.id, fed) if len(fed) else held)
        return self._session.execute(query).all()

    def _texts_hold(self, alternative: Alternative) -> ColumnElement[bool]:
        place = func.strpos if self._session.get_bind().dialect.name == "postgresql" else func.instr
        held = [
            or_(*(place(getattr(SearchRow, kind.value), one.needle) > 0 for kind in one.kinds)) for one in alternative
        ]
        return and_(true(), *held)

    def matching(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that are meant, in the same order."""
        fed = self._fed([row for row in rows if any(_may_be_fed(row, every) for every in self.plan.alternatives)])
        told = self._held(rows, _Sight(None, None, fed))
        if self._viewer is None or not told:
            return told
        return self._held(told, self._sight(told, fed))

    def met_before(self, rows: Sequence[Row], beyond: int) -> set[int]:
        """Accounts of these rows that an earlier row, up to `beyond`, found already."""
        accounts = {row.account_id for row in rows if row.account_id is not None}
        query = select(SearchRow.id).where(among(self._session, SearchRow.account_id, accounts), SearchRow.id <= beyond)
        earlier = self._session.scalars(query).all()
        return {row.account_id for row in self.matching(self.load(earlier, earlier))} if earlier else set()

    def _held(self, rows: Iterable[Row], sight: _Sight) -> list[Row]:
        alternatives = self.plan.alternatives
        return [row for row in rows if any(all(sight.holds(row, one) for one in every) for every in alternatives)]

    def _sight(self, rows: Sequence[Row], fed: dict[Wanted, set[int]]) -> _Sight:
        """Usage points in the territory; accounts by what they hold now, those that hold nothing by what they held."""
        assert self._viewer is not None
        row, now = CustomerAgreement, self._now
        accounts = {found.account_id for found in rows if found.account_id is not None}
        query = select(row.account_id, row.usage_point_id, valid_at(row.began_at, row.ended_at, now))
        query = query.where(among(self._session, row.account_id, accounts), row.superseded_at.is_(None))
        agreements = self._session.execute(query).all() if accounts else []
        points = {point for _, point, _ in agreements} | {found.usage_point_id for found in rows} - {None}
        district = UsagePointDistrict
        located = select(district.usage_point_id).where(
            among(self._session, district.usage_point_id, points),
            in_territory(self._viewer, district.district_id),
            valid_at(district.began_at, district.ended_at, now),
        )
        inside = set(self._session.scalars(located))
        holding = {account for account, _, held in agreements if held}
        reached = {
            account for account, point, held in agreements if point in inside and (held or account not in holding)
        }
        return _Sight(reached, inside, fed)

    def _fed(self, rows: Sequence[Row]) -> dict[Wanted, set[int]]:
        """Usage points that the feeders of a needle supply: connected to equipment, or to a node behind equipment."""
        asked = {one for every in self.plan.alternatives for one in every if one.feeders}
        ids = {row.usage_point_id for row in rows if row.usage_point_id is not None}
        version = version_at(self._session, self._now) if asked and ids else None
        if version is None:
            return {}
        link = SupplyConnection
        query = select(link.usage_point_id, link.element_id).where(among(self._session, link.usage_point_id, ids))
        held = query.where(link.superseded_at.is_(None), valid_at(link.began_at, link.ended_at, self._now))
        links = [(point, element) for point, element in self._session.execute(held) if element is not None]
        feeders = feeders_of(self._session, version.id, (element for _, element in links))
        return {
            one: {point for point, element in links if not feeders.get(element, set()).isdisjoint(one.feeders)}
            for one in asked
        }
