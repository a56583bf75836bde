"""Which account answers for a usage point in a month."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.customers.models import CustomerAccount, CustomerAgreement

_CHUNK = 5_000


def accounts_at(session: Session, usage_point_ids: Iterable[int], from_at: datetime, to_at: datetime) -> dict[int, str]:
    """Account number by usage point: of the agreements that hold in [from_at, to_at) the one that began last."""
    row = CustomerAgreement
    found: dict[int, str] = {}
    for part in chunked(sorted(set(usage_point_ids)), _CHUNK):
        query = (
            select(row.usage_point_id, CustomerAccount.account_no)
            .join(CustomerAccount, CustomerAccount.id == row.account_id)
            .where(
                row.usage_point_id.in_(part),
                row.superseded_at.is_(None),
                row.party != "landlord",
                or_(row.began_at.is_(None), row.began_at < to_at),
                or_(row.ended_at.is_(None), row.ended_at > from_at),
            )
            .order_by(row.began_at.nulls_first(), row.id)
        )
        found.update(session.execute(query).all())
    return found
