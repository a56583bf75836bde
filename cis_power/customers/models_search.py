"""What customers are found by: rows of text, and packed lists that say in which rows a gram stands."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class SearchRow(Base):
    """An account at one of its usage points, an account that has none, or a usage point that nobody answers for.

    Each text holds folded terms of one kind, each between line feeds; "" if there are none.
    """

    __tablename__ = "search_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("customer_account.id"), index=True)
    usage_point_id: Mapped[int | None] = mapped_column(ForeignKey("usage_point.id"), index=True)
    number: Mapped[str] = mapped_column(
        default="", index=True, comment="account number, folded; of the usage point where there is no account"
    )
    account: Mapped[str] = mapped_column(default="", comment="account number")
    name: Mapped[str] = mapped_column(default="", comment="names, pinyin, initials")
    phone: Mapped[str] = mapped_column(default="", comment="as dialled at home and from abroad")
    email: Mapped[str] = mapped_column(default="")
    supply: Mapped[str] = mapped_column(default="", comment="usage point, transformers")
    address: Mapped[str] = mapped_column(default="", comment="address, place and the places around it")
    meter: Mapped[str] = mapped_column(default="", comment="meters standing there")
    marks: Mapped[str] = mapped_column(default="", comment="districts and feeders it is listed under, ever")


class SearchPosting(Base):
    """The rows of one block of 65,536 that hold a gram: where they lie in the block, as 16-bit numbers, in any order.

    A row may be listed that does not hold the gram any more: the lists propose, the text decides.
    """

    __tablename__ = "search_posting"

    id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="group, gram and block; see search_grams.py"
    )
    members: Mapped[bytes] = mapped_column(comment="unsigned 16-bit numbers, little endian")
