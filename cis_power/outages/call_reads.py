"""Reading trouble calls: the list of the newest, hazards first among what is recent."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from cis_power.access.masking import Circumstance, mask_record
from cis_power.access.viewer import Viewer
from cis_power.core.time import iso
from cis_power.customers.models import CustomerAccount, Place, UsagePoint
from cis_power.network.models import Element
from cis_power.outages.belonging import inside
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import Outage, OutageState, TroubleCall


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call. `joined_to`: the earlier call about the same thing."""

    id: str
    received_at: datetime
    channel: str
    account_no: str | None
    usage_point: str | None
    device: str | None
    place_name: str | None
    trouble_code: str | None
    hazard: bool
    text: str | None
    caller_phone: str | None
    outage_id: str | None
    joined_to: str | None
    recorded_by: str

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {
            "id": self.id, "received_at": iso(self.received_at, zone), "channel": self.channel,
            "account_no": self.account_no, "usage_point": self.usage_point, "device": self.device,
            "place": self.place_name, "trouble_code": self.trouble_code, "hazard": self.hazard, "text": self.text,
            "caller_phone": self.caller_phone, "outage_id": self.outage_id, "joined_to": self.joined_to,
            "recorded_by": self.recorded_by,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls a list has; `before`: those older than this position; `hazard`: those that tell of danger.

    `without_outage`: those that belong to no outage that is known.
    """

    outage_id: str | None = None
    account_no: str | None = None
    hazard: bool = False
    without_outage: bool = False
    from_at: datetime | None = None
    before: tuple[datetime, int] | None = None
    limit: int = 100


def list_calls(
    session: Session, viewer: Viewer, now: datetime, wanted: CallFilter | None = None
) -> list[tuple[CallRecord, tuple[datetime, int]]]:
    """Calls about supply points of the territory, newest first, each with its position.

    A call about nothing that is known belongs to no district: only the whole utility sees it.
    """
    viewer.require("outages:call:read")
    wanted, call, moment = wanted or CallFilter(), TroubleCall, Moment.of(now)
    joined, state, former = aliased(TroubleCall), OutageState, aliased(Outage)
    own = true() if viewer.districts is None else inside(viewer, call.usage_point_id, moment)
    query = (
        select(call, CustomerAccount.account_no, UsagePoint.code, Element.code, Place.name, Outage.code, joined.code,
               state.status)
        .outerjoin(CustomerAccount, CustomerAccount.id == call.account_id)
        .outerjoin(UsagePoint, UsagePoint.id == call.usage_point_id)
        .outerjoin(Element, Element.id == call.element_id)
        .outerjoin(Place, Place.id == call.place_id)
        .outerjoin(former, former.id == call.outage_id)
        .outerjoin(Outage, Outage.id == func.coalesce(former.heir_id, former.id))
        .outerjoin(state, and_(state.outage_id == Outage.id, state.superseded_at.is_(None)))
        .outerjoin(joined, joined.id == call.joined_call_id)
        .where(own)
    )  # fmt: skip
    if wanted.outage_id is not None:
        query = query.where(or_(Outage.code == wanted.outage_id, former.code == wanted.outage_id))
    if wanted.account_no is not None:
        query = query.where(CustomerAccount.account_no == wanted.account_no)
    if wanted.hazard:
        query = query.where(call.hazard)
    if wanted.without_outage:
        query = query.where(call.outage_id.is_(None))
    if wanted.from_at is not None:
        query = query.where(call.received_at >= wanted.from_at)
    if wanted.before is not None:
        at, key = wanted.before
        query = query.where(or_(call.received_at < at, and_(call.received_at == at, call.id < key)))
    query = query.order_by(call.received_at.desc(), call.id.desc()).limit(wanted.limit)
    answer = []
    for row, account, point, device, place, outage, earlier, status in session.execute(query):
        record = CallRecord(
            row.code, row.received_at, row.channel, account, point, device, place, row.trouble_code, row.hazard,
            row.text, row.caller_phone, outage, earlier, row.recorded_by,
        )  # fmt: skip
        about_open_outage = status is not None and status not in ("restored", "cancelled")
        circumstance = Circumstance(caller=about_open_outage)
        answer.append((mask_record(viewer, record, circumstance), (row.received_at, row.id)))
    return answer
