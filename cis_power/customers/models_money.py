"""Money: tariffs, bills, payments, and what a job counts of them. Amounts are exact to the cent."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Tariff(Base):
    """A pricing structure as the business system names it."""

    __tablename__ = "tariff"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    currency: Mapped[str]


class Bill(Base):
    """A bill of an account for a period."""

    __tablename__ = "bill"
    __table_args__ = (Index("ix_bill_account", "account_id", "issued_on"), Index("ix_bill_issued", "issued_on"))

    id: Mapped[int] = mapped_column(primary_key=True)
    bill_no: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customer_account.id"))
    began_on: Mapped[date | None] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date, comment="the day behind the last one")
    issued_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    energy_kwh: Mapped[float | None] = mapped_column(comment="kWh")
    amount: Mapped[Decimal] = mapped_column(comment="in the currency, exact to the cent")
    currency: Mapped[str]
    tariff_id: Mapped[int | None] = mapped_column(ForeignKey("tariff.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))


class Payment(Base):
    """A payment to an account; batch number and reference name it once and for all."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("batch_no", "reference"),
        Index("ix_payment_account", "account_id", "paid_at"),
        Index("ix_payment_paid", "paid_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customer_account.id"))
    batch_no: Mapped[str]
    reference: Mapped[str]
    paid_at: Mapped[datetime]
    amount: Mapped[Decimal] = mapped_column(comment="in the currency, exact to the cent")
    currency: Mapped[str]
    method: Mapped[str | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))


class AccountBalance(Base):
    """What an account owes, counted by a job from its bills and payments."""

    __tablename__ = "account_balance"
    __table_args__ = (Index("ix_account_balance_overdue", "overdue"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("customer_account.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    district_id: Mapped[int | None] = mapped_column(
        ForeignKey("district.id"), comment="of the first usage point it holds; empty: none is known"
    )
    balance: Mapped[Decimal] = mapped_column(comment="in the currency; billed less paid, negative: a credit")
    overdue: Mapped[Decimal] = mapped_column(comment="in the currency; the part of it that is past its due day")
    overdue_since_on: Mapped[date | None] = mapped_column(Date, comment="due day of the oldest bill not settled")


class MoneyClass(Base):
    """Accounts and what they owe by district, kind of customer and currency, counted by a job."""

    __tablename__ = "money_class"

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    kind: Mapped[str] = mapped_column(comment="kind of customer")
    currency: Mapped[str]
    accounts: Mapped[int]
    accounts_overdue: Mapped[int]
    balance: Mapped[Decimal] = mapped_column(comment="in the currency")
    overdue: Mapped[Decimal] = mapped_column(comment="in the currency")


class MoneyMonth(Base):
    """What was billed and paid in a local month by district, kind of customer and currency, counted by a job."""

    __tablename__ = "money_month"

    id: Mapped[int] = mapped_column(primary_key=True)
    month_on: Mapped[date] = mapped_column(Date, comment="first local day; bills by their day of issue", index=True)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    kind: Mapped[str] = mapped_column(comment="kind of customer")
    currency: Mapped[str]
    bills: Mapped[int]
    energy_kwh: Mapped[float] = mapped_column(comment="kWh billed")
    billed: Mapped[Decimal] = mapped_column(comment="in the currency")
    payments: Mapped[int]
    paid: Mapped[Decimal] = mapped_column(comment="in the currency")


class MoneyCount(Base):
    """Up to where the job has counted; one row."""

    __tablename__ = "money_count"

    id: Mapped[int] = mapped_column(primary_key=True)
    day_on: Mapped[date] = mapped_column(Date, comment="local day that due days were compared with")
    batch_id: Mapped[int] = mapped_column(comment="newest batch of bills or payments that is in; 0: none")
    counted_at: Mapped[datetime]
