"""Bills, payments and arrears as lists for those who may see money of accounts."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import ConfigDict, Field

from cis_power.core.time import day_bounds, local_date
from cis_power.customers.money_lists import (
    ArrearsLine,
    BillLine,
    MoneyFilter,
    PaymentLine,
    list_arrears,
    list_bills,
    list_payments,
)
from cis_power.customers.money_totals import money_sums
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.shell import now, reading, shell, viewer
from web.values import AccountNo, DistrictCode, Sample, Text

money = Blueprint("money", __name__)

KINDS = ("residential", "commercial", "industrial", "agricultural", "public")
Kind = Literal["residential", "commercial", "industrial", "agricultural", "public"]

Day = Annotated[date, Sample("date"), Field(ge=date(1900, 1, 1), lt=date(2200, 1, 1))]


class MoneyQuery(Page):
    """Which bills or payments; `to` is not included."""

    model_config = ConfigDict(**Page.model_config, populate_by_name=True)

    account: Annotated[AccountNo | None, Field(description="of one account")] = None
    from_: Annotated[Day | None, Field(alias="from", description="first day")] = None
    to: Annotated[Day | None, Field(description="first day that no longer belongs to it")] = None
    kind: Annotated[Kind | None, Field(description="kind of customer")] = None

    def wanted(self, before: tuple[Any, int] | None) -> MoneyFilter:
        """The filter that this asks for."""
        zone = shell().settings.zone
        return MoneyFilter(
            account_no=self.account,
            from_on=self.from_,
            to_on=self.to,
            from_at=day_bounds(self.from_, zone)[0] if self.from_ else None,
            to_at=day_bounds(self.to, zone)[0] if self.to else None,
            kind=self.kind,
            batch_no=getattr(self, "batch_no", None),
            before=before,
            limit=self.rows() + 1,
        )


class PaymentQuery(MoneyQuery):
    """Which payments."""

    batch_no: Annotated[Text | None, Sample("text"), Field(max_length=120, description="the sender's batch")] = None


class ArrearsQuery(Page):
    """Which accounts in arrears."""

    district: Annotated[DistrictCode | None, Field(description="code of a district")] = None
    kind: Annotated[Kind | None, Field(description="kind of customer")] = None


def today() -> date:
    """The utility's day."""
    return local_date(now(), shell().settings.zone)


@list_route(money, "/billing/bills")
@access("money:account:read", query=MoneyQuery)
def bills(query: MoneyQuery, file_format: str) -> Response:
    """Bills, the latest issued first, with what is still open of them."""
    position = query.position()
    before = (date.fromisoformat(position[0]), int(position[1])) if position else None
    with reading() as session:
        found = list_bills(session, viewer(), now(), today(), query.wanted(before))
    rows, cursor = _page_of(found, query, lambda day: day.isoformat())
    listing = Listing("bills", columns_of(BillLine), rows, cursor)
    return list_response(listing, file_format, "billing/bills.html", query=query, kinds=KINDS)


@list_route(money, "/billing/payments")
@access("money:account:read", query=PaymentQuery)
def payments(query: PaymentQuery, file_format: str) -> Response:
    """Payments, the latest first."""
    position = query.position()
    before = (datetime.fromisoformat(position[0]), int(position[1])) if position else None
    with reading() as session:
        found = list_payments(session, viewer(), now(), query.wanted(before))
    rows, cursor = _page_of(found, query, lambda moment: moment.isoformat())
    listing = Listing("payments", columns_of(PaymentLine), rows, cursor)
    return list_response(listing, file_format, "billing/payments.html", query=query, kinds=KINDS)


@list_route(money, "/billing/arrears")
@access("money:account:read", query=ArrearsQuery)
def arrears(query: ArrearsQuery, file_format: str) -> Response:
    """Accounts with something overdue, the largest amount first, as last counted."""
    position = query.position()
    before = (Decimal(position[0]), int(position[1])) if position else None
    with reading() as session:
        found = list_arrears(
            session, viewer(), today(), district=query.district, kind=query.kind, before=before, limit=query.rows() + 1
        )
        sums = money_sums(session, viewer())
    rows, cursor = _page_of(found, query, str)
    listing = Listing("arrears", columns_of(ArrearsLine), rows, cursor)
    return list_response(listing, file_format, "billing/arrears.html", query=query, kinds=KINDS, sums=sums)


def _page_of(found: list[tuple[Any, tuple[Any, int]]], query: Page, written: Any) -> tuple[list[Any], str | None]:
    """The rows of a page, and the cursor behind it."""
    limit = query.rows()
    rows = [row for row, _ in found[:limit]]
    if len(found) <= limit:
        return rows, None
    place, key = found[limit - 1][1]
    return rows, make_cursor([written(place), key])
