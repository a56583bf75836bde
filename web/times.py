"""Instants and periods in queries: ISO 8601 with offset, naive ones in the utility's zone; `to` is not included."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import ConfigDict, Field

from cis_power.core.errors import InvalidInput, Problem
from cis_power.core.time import parse_instant
from web.shell import shell
from web.values import Input, Instant

_LOST_PLUS = re.compile(r"(T[\d:.]+) (\d{2}:?\d{2})$")
_LONGEST = timedelta(days=3660)


def read_instant(text: str, field: str) -> datetime:
    """The instant that a query means. Raises InvalidInput."""
    try:
        return parse_instant(_LOST_PLUS.sub(r"\1+\2", text), shell().settings.zone)
    except ValueError as error:
        raise InvalidInput("The request is wrong.", [Problem("wrong_instant", str(error), field=field)]) from None


class Period(Input):
    """From and to."""

    model_config = ConfigDict(**Input.model_config, populate_by_name=True)

    from_: Annotated[Instant | None, Field(alias="from", description="first instant")] = None
    to: Annotated[Instant | None, Field(description="first instant that no longer belongs to it")] = None

    def bounds(self, now: datetime, usual: timedelta) -> tuple[datetime, datetime]:
        """The period as instants; what is not given is a `usual` span that ends now. Raises InvalidInput."""
        to_at = read_instant(self.to, "to") if self.to else None
        from_at = read_instant(self.from_, "from") if self.from_ else None
        if to_at is None:
            to_at = now if from_at is None or from_at < now else from_at + usual
        if from_at is None:
            from_at = to_at - usual
        if from_at >= to_at:
            raise InvalidInput("The request is wrong.", [Problem("empty_period", "from lies behind to", field="to")])
        if to_at - from_at > _LONGEST:
            raise InvalidInput("The request is wrong.", [Problem("long_period", "more than ten years", field="from")])
        return from_at, to_at
