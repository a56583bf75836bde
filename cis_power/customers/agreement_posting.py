"""Who answers for a usage point, by date; many agreements at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import among, chunked
from cis_power.customers.changes import Changes
from cis_power.customers.models import CustomerAccount, CustomerAgreement, UsagePoint, UsagePointStatus
from cis_power.customers.service_dates import CLOSED, Span

_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as it is held true; `key` 0: not stored yet."""

    account_id: int
    customer_id: int
    party: str = "owner"
    began_at: datetime | None = None
    ended_at: datetime | None = None
    key: int = 0


class Agreements:
    """The agreements of some usage points, read at once."""

    def __init__(self, changes: Changes, usage_point_ids: Iterable[int]) -> None:
        self._changes = changes
        self._by_point: dict[int, list[Agreement]] = {}
        self._status: dict[int, str] = {}
        row = CustomerAgreement
        columns = (row.usage_point_id, row.account_id, row.customer_id, row.party, row.began_at, row.ended_at, row.id)
        for part in chunked(sorted(set(usage_point_ids)), _CHUNK):
            query = select(*columns, CustomerAccount.status).join(CustomerAccount, CustomerAccount.id == row.account_id)
            found = changes.session.execute(
                query.where(among(changes.session, row.usage_point_id, part), row.superseded_at.is_(None))
            )
            for point_id, account_id, customer_id, party, began_at, ended_at, key, status in found:
                agreement = Agreement(account_id, customer_id, party, began_at, ended_at, key)
                self._by_point.setdefault(point_id, []).append(agreement)
                self._status[account_id] = status

    def of(self, usage_point_id: int) -> list[Agreement]:
        return self._by_point.get(usage_point_id, [])

    def post_own(self, usage_point_id: int, wanted: Agreement, status: str | None) -> None:
        """The agreement of an account that takes supply itself; empty dates say nothing."""
        if status is not None:
            self._status[wanted.account_id] = status
        own = [
            item for item in self.of(usage_point_id) if item.account_id == wanted.account_id and item.party == "owner"
        ]
        if not own:
            self._insert(usage_point_id, wanted)
            return
        present = max(own, key=lambda item: (item.ended_at is None, item.ended_at or item.began_at, item.key))
        if present.ended_at is not None and wanted.began_at is not None and wanted.began_at >= present.ended_at:
            self._insert(usage_point_id, wanted)
            return
        changed = replace(
            present,
            began_at=wanted.began_at if wanted.began_at is not None else present.began_at,
            ended_at=wanted.ended_at if wanted.ended_at is not None else present.ended_at,
        )
        if changed != present:
            self._replace(usage_point_id, present, changed)

    def post(self, usage_point_id: int, wanted: Agreement) -> None:
        """An agreement with its own dates: the same one again with another end corrects it."""
        for present in self.of(usage_point_id):
            names = ("account_id", "customer_id", "party", "began_at")
            if all(getattr(present, name) == getattr(wanted, name) for name in names):
                if present.ended_at != wanted.ended_at:
                    self._replace(usage_point_id, present, replace(present, ended_at=wanted.ended_at))
                return
        implied = next((item for item in self.of(usage_point_id) if _implied(item, wanted)), None)
        if implied is not None:
            self._replace(usage_point_id, implied, wanted)
        else:
            self._insert(usage_point_id, wanted)

    def shared(self, usage_point_id: int) -> bool:
        """Whether several accounts answer for the usage point, now or at other times."""
        return len({item.account_id for item in self.of(usage_point_id)}) > 1

    def spans(self, usage_point_id: int) -> list[Span]:
        """What each account's agreements say of the usage point's status."""
        spans = []
        for item in self.of(usage_point_id):
            status = "active" if item.ended_at is not None else self._status.get(item.account_id, "active")
            if status != CLOSED:
                spans.append(Span(status, item.began_at, item.ended_at))
        return spans

    def _replace(self, usage_point_id: int, present: Agreement, wanted: Agreement) -> None:
        changes = self._changes
        if (CustomerAgreement, present.key) in changes.fresh:
            changes.forget(CustomerAgreement, present.key)
        else:
            changes.update(CustomerAgreement, present.key, superseded_at=changes.origin.now)
        self._by_point[usage_point_id].remove(present)
        self._insert(usage_point_id, wanted)

    def _insert(self, usage_point_id: int, wanted: Agreement) -> None:
        key = self._changes.new_id(CustomerAgreement)
        self._changes.insert(
            CustomerAgreement,
            id=key,
            account_id=wanted.account_id,
            customer_id=wanted.customer_id,
            usage_point_id=usage_point_id,
            party=wanted.party,
            began_at=wanted.began_at,
            ended_at=wanted.ended_at,
            recorded_at=self._changes.origin.now,
        )
        self._by_point.setdefault(usage_point_id, []).append(replace(wanted, key=key))


def active_elsewhere(session: Session, account_id: int, usage_points: Collection[str]) -> bool:
    """Whether an account has another usage point than these that is active."""
    row, status = CustomerAgreement, UsagePointStatus
    query = (
        select(UsagePoint.code)
        .join(row, row.usage_point_id == UsagePoint.id)
        .join(status, status.usage_point_id == UsagePoint.id)
        .where(row.account_id == account_id, row.superseded_at.is_(None), row.ended_at.is_(None))
        .where(status.status == "active", status.superseded_at.is_(None), status.ended_at.is_(None))
    )
    return bool(set(session.scalars(query)) - set(usage_points))


def _implied(present: Agreement, wanted: Agreement) -> bool:
    """Whether the present one came from the convenience layout without dates, and the wanted one says it in full."""
    unsaid = present.began_at is None and present.ended_at is None and present.party == "owner"
    return unsaid and present.account_id == wanted.account_id and wanted.party in ("owner", "tenant")
