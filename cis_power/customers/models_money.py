"""Money: tariffs, bills, payments. Amounts are exact to the cent."""

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
    __table_args__ = (Index("ix_bill_account", "account_id", "issued_on"),)

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
    __table_args__ = (UniqueConstraint("batch_no", "reference"), Index("ix_payment_account", "account_id", "paid_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customer_account.id"))
    batch_no: Mapped[str]
    reference: Mapped[str]
    paid_at: Mapped[datetime]
    amount: Mapped[Decimal] = mapped_column(comment="in the currency, exact to the cent")
    currency: Mapped[str]
    method: Mapped[str | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
