"""Whether rows that the lists propose are meant: by their text, the territory and the network of now."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among
from cis_power.customers.models import CustomerAgreement, SearchRow, SupplyConnection, UsagePointDistrict
from cis_power.customers.search_plan import Plan, Wanted
from cis_power.customers.search_text import OF_ACCOUNTS, TermKind
from cis_power.customers.validity import valid_at
from cis_power.network.models import EquipmentState
from cis_power.network.reads import version_at

_COLUMNS = (SearchRow.id, SearchRow.account_id, SearchRow.usage_point_id)
_TEXTS = tuple(getattr(SearchRow, kind.value) for kind in TermKind)
Row = Any  # id, account_id, usage_point_id and the texts by kind


def load_rows(session: Session, keys: Sequence[int]) -> Sequence[Row]:
    """Rows in the order of their keys; those that are gone are left out."""
    query = select(*_COLUMNS, *_TEXTS).where(among(session, SearchRow.id, keys)).order_by(SearchRow.id)
    return session.execute(query).all()


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


class Judge:
    """Judges rows for one plan; `viewer` is None when the whole utility is searched."""

    def __init__(self, session: Session, plan: Plan, viewer: Viewer | None, now: datetime) -> None:
        self._session, self.plan, self._viewer, self._now = session, plan, viewer, now

    def matching(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that are meant, in the same order."""
        fed = self._fed(rows)
        told = self._held(rows, _Sight(None, None, fed))
        if self._viewer is None or not told:
            return told
        return self._held(told, _Sight(self._accounts_inside(told), self._points_inside(told), fed))

    def met_before(self, rows: Sequence[Row], beyond: int) -> set[int]:
        """Accounts of these rows that an earlier row, up to `beyond`, found already."""
        accounts = {row.account_id for row in rows if row.account_id is not None}
        query = select(SearchRow.id).where(among(self._session, SearchRow.account_id, accounts), SearchRow.id <= beyond)
        earlier = self._session.scalars(query).all()
        return {row.account_id for row in self.matching(load_rows(self._session, earlier))} if earlier else set()

    def _held(self, rows: Iterable[Row], sight: _Sight) -> list[Row]:
        alternatives = self.plan.alternatives
        return [row for row in rows if any(all(sight.holds(row, one) for one in every) for every in alternatives)]

    def _accounts_inside(self, rows: Sequence[Row]) -> set[int]:
        """Accounts in the territory: by what they hold now; one that holds nothing any more, by what it held."""
        ids = {row.account_id for row in rows if row.account_id is not None}
        agreement, other = aliased(CustomerAgreement), aliased(CustomerAgreement)
        elsewhere = exists().where(
            other.account_id == agreement.account_id,
            other.superseded_at.is_(None),
            valid_at(other.began_at, other.ended_at, self._now),
        )
        query = (
            select(agreement.account_id)
            .join(UsagePointDistrict, UsagePointDistrict.usage_point_id == agreement.usage_point_id)
            .where(among(self._session, agreement.account_id, ids), agreement.superseded_at.is_(None))
            .where(or_(valid_at(agreement.began_at, agreement.ended_at, self._now), ~elsewhere), *self._inside())
        )
        return set(self._session.scalars(query))

    def _points_inside(self, rows: Sequence[Row]) -> set[int]:
        ids = {row.usage_point_id for row in rows if row.usage_point_id is not None}
        query = select(UsagePointDistrict.usage_point_id)
        return set(
            self._session.scalars(
                query.where(among(self._session, UsagePointDistrict.usage_point_id, ids), *self._inside())
            )
        )

    def _inside(self) -> list[ColumnElement[bool]]:
        assert self._viewer is not None
        row = UsagePointDistrict
        return [in_territory(self._viewer, row.district_id), valid_at(row.began_at, row.ended_at, self._now)]

    def _fed(self, rows: Sequence[Row]) -> dict[Wanted, set[int]]:
        """Usage points that the feeders of a needle supply: connected to equipment, or to a node behind equipment."""
        asked = {one for every in self.plan.alternatives for one in every if one.feeders}
        ids = {row.usage_point_id for row in rows if row.usage_point_id is not None}
        version = version_at(self._session, self._now) if asked and ids else None
        if version is None:
            return {}
        link, state = SupplyConnection, EquipmentState
        base = (
            select(link.usage_point_id, state.feeder_id)
            .where(among(self._session, link.usage_point_id, ids), link.superseded_at.is_(None))
            .where(valid_at(link.began_at, link.ended_at, self._now))
        )
        known = state.version_id == version.id
        own = base.join(state, known & (state.element_id == link.element_id))
        behind = base.join(state, known & (state.to_node_id == link.element_id) & state.normal_open.is_(False))
        supplied = self._session.execute(own.union(behind)).all()
        return {one: {point for point, feeder in supplied if feeder in set(one.feeders)} for one in asked}
