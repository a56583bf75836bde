"""Money as pages read it: one account, lists by territory, and the sums that the job counts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden
from cis_power.core.models import Batch
from cis_power.customers.balances import count_money, counted
from cis_power.customers.models import AccountBalance, Bill, CustomerAccount, CustomerAgreement, Payment
from cis_power.customers.money_lists import MoneyFilter, list_arrears, list_bills, list_payments
from cis_power.customers.money_reads import account_money, in_arrears
from cis_power.customers.money_totals import money_months, money_sums
from tests.customers.town import NOW, House, district, settle

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 21)
HOUSES = (
    House("U1", "A1", "Wang", district="north"),
    House("U2", "A2", "Li", district="south"),
    House("U3", "A3", "Zhang", district="north"),
)


def town(session: Session) -> dict[str, int]:
    settle(session, *HOUSES)
    keys = {row.account_no: row.id for row in session.scalars(select(CustomerAccount))}
    bill(session, keys["A1"], "B1", date(2026, 9, 3), "100.00")
    bill(session, keys["A1"], "B2", date(2026, 10, 3), "60.00")
    bill(session, keys["A1"], "B3", date(2026, 11, 10), "70.00", due=date(2026, 11, 30))
    pay(session, keys["A1"], "R1", 9, "100.00")
    pay(session, keys["A1"], "R2", 10, "20.50")
    bill(session, keys["A2"], "B4", date(2026, 10, 3), "500.00")
    bill(session, keys["A3"], "B5", date(2026, 10, 4), "30.00")
    pay(session, keys["A3"], "R3", 10, "45.00")
    return keys


def bill(session: Session, account: int, number: str, issued: date, amount: str, due: date | None = None) -> None:
    session.add(Bill(bill_no=number, account_id=account, issued_on=issued, due_on=due or issued + timedelta(days=17),
                     energy_kwh=200.0, amount=Decimal(amount), currency="CNY"))  # fmt: skip


def pay(session: Session, account: int, reference: str, month: int, amount: str) -> None:
    session.add(Payment(account_id=account, batch_no="P", reference=reference, amount=Decimal(amount), currency="CNY",
                        paid_at=datetime(2026, month, 15, 2, tzinfo=UTC), method="bank"))  # fmt: skip


def viewer(role: str, *districts: int) -> Viewer:
    return Viewer("somebody", role, frozenset(districts) if districts else None, id=1)


def test_each_bill_with_the_payments_that_settle_it(database: Database) -> None:
    with database.transaction() as session:
        keys = town(session)
    with database.reading() as session:
        money = account_money(session, viewer("billing"), keys["A1"], TODAY)
        assert [(row.bill_no, row.state, row.still_open) for row in money.bills] == [
            ("B3", "open", Decimal("70.00")), ("B2", "overdue", Decimal("39.50")), ("B1", "settled", Decimal(0)),
        ]  # fmt: skip
        assert [(paid.reference, paid.amount) for paid in money.bills[1].paid] == [("R2", Decimal("20.50"))]
        (owed,) = money.owed
        assert (owed.balance, owed.overdue, owed.overdue_since_on) == (
            Decimal("109.50"), Decimal("39.50"), date(2026, 10, 20),
        )  # fmt: skip
        ahead = account_money(session, viewer("billing"), keys["A3"], TODAY)
        assert [(paid.reference, paid.amount) for paid in ahead.unused] == [("R3", Decimal("15.00"))]
        assert in_arrears(session, viewer("agent"), keys["A1"], TODAY)
        assert not in_arrears(session, viewer("agent"), keys["A3"], TODAY)
        with pytest.raises(Forbidden):
            account_money(session, viewer("agent"), keys["A1"], TODAY)
        with pytest.raises(Forbidden):
            in_arrears(session, viewer("manager"), keys["A1"], TODAY)


def test_lists_are_of_the_territory_filtered_and_in_pages(database: Database) -> None:
    with database.transaction() as session:
        town(session)
        north = district(session, "north")
    everywhere, own = viewer("billing"), viewer("billing", north)
    with database.reading() as session:
        bills = [line.bill_no for line, _ in list_bills(session, everywhere, NOW, TODAY, MoneyFilter())]
        assert bills == ["B3", "B5", "B4", "B2", "B1"]
        first = list_bills(session, own, NOW, TODAY, MoneyFilter(limit=2))
        assert [(line.bill_no, line.name, line.state) for line, _ in first] == [
            ("B3", "Wang", "open"), ("B5", "Zhang", "settled"),
        ]  # fmt: skip
        rest = list_bills(session, own, NOW, TODAY, MoneyFilter(before=first[-1][1]))
        assert [line.bill_no for line, _ in rest] == ["B2", "B1"]
        october = MoneyFilter(from_on=date(2026, 10, 1), to_on=date(2026, 11, 1), account_no="A1")
        assert [line.bill_no for line, _ in list_bills(session, own, NOW, TODAY, october)] == ["B2"]
        assert list_bills(session, own, NOW, TODAY, MoneyFilter(account_no="A2")) == []
        paid = list_payments(session, own, NOW, MoneyFilter())
        assert [line.reference for line, _ in paid] == ["R3", "R2", "R1"]
        assert [line.reference for line, _ in list_payments(session, own, NOW, MoneyFilter(before=paid[0][1]))] == [
            "R2", "R1",
        ]  # fmt: skip
        assert list_payments(session, own, NOW, MoneyFilter(batch_no="other", kind="residential")) == []
        for read in (
            lambda: list_bills(session, viewer("manager"), NOW, TODAY, MoneyFilter()),
            lambda: list_payments(session, viewer("agent"), NOW, MoneyFilter()),
            lambda: list_arrears(session, viewer("marketing"), TODAY),
        ):
            with pytest.raises(Forbidden):
                read()


def test_who_moved_out_of_the_territory_is_masked(database: Database) -> None:
    with database.transaction() as session:
        keys = town(session)
        north = district(session, "north")
        agreement = session.scalars(select(CustomerAgreement).where(CustomerAgreement.account_id == keys["A1"])).one()
        agreement.ended_at = NOW - timedelta(days=1)
    with database.reading() as session:
        lines = [line for line, _ in list_bills(session, viewer("billing", north), NOW, TODAY, MoneyFilter())]
        assert {line.account_no: line.name for line in lines} == {"A1": "W**", "A3": "Zhang"}


def test_the_job_counts_what_is_owed(database: Database) -> None:
    with database.transaction() as session:
        keys = town(session)
        north = district(session, "north")
    own = viewer("billing", north)
    with database.reading() as session:
        assert not counted(session, NOW, ZONE)
        assert money_sums(session, own).counted_at is None
    assert count_money(database, NOW, ZONE) == 3
    with database.reading() as session:
        assert counted(session, NOW, ZONE)
        assert not counted(session, NOW + timedelta(days=1), ZONE), "due days are compared anew"
        assert money_sums(session, viewer("manager")).overdue() == (("CNY", Decimal("539.50"), 2),)
        assert money_sums(session, own).overdue() == (("CNY", Decimal("39.50"), 1),)
        (late,) = [line for line, _ in list_arrears(session, own, TODAY)]
        assert (late.account_no, late.overdue, late.balance, late.days_overdue, late.district) == (
            "A1", Decimal("39.50"), Decimal("109.50"), 32, "north",
        )  # fmt: skip
        both = list_arrears(session, viewer("billing"), TODAY)
        assert [line.account_no for line, _ in both] == ["A2", "A1"]
        behind = list_arrears(session, viewer("billing"), TODAY, before=both[0][1], kind="residential")
        assert [line.account_no for line, _ in behind] == ["A1"]
        assert list_arrears(session, viewer("billing"), TODAY, district="nowhere") == []
        months = money_months(session, own, [date(2026, 10, 1)])
        assert [(row.bills, row.energy_kwh, row.billed, row.payments, row.paid) for row in months] == [
            (2, 400.0, Decimal("90.00"), 2, Decimal("65.50")),
        ]  # fmt: skip
        with pytest.raises(Forbidden):
            money_sums(session, viewer("agent"))
    with database.transaction() as session:
        pay(session, keys["A2"], "R9", 11, "500.00")
        session.add(Batch(direction="in", kind="payments", format="csv", content_hash="x", status="posted",
                          begun_by="t", begun_at=NOW, finished_at=NOW))  # fmt: skip
        session.query(Payment).filter(Payment.account_id == keys["A3"]).delete()
        session.query(Bill).filter(Bill.account_id == keys["A3"]).delete()
    with database.reading() as session:
        assert not counted(session, NOW, ZONE)
    count_money(database, NOW, ZONE)
    with database.reading() as session:
        assert {row.account_id: row.balance for row in session.scalars(select(AccountBalance))} == {
            keys["A1"]: Decimal("109.50"), keys["A2"]: Decimal("0.00"),
        }  # fmt: skip
    assert count_money(database, NOW, ZONE, stopping=lambda: True) is None
