"""Pages of a list: `limit` and an opaque `cursor`, which is signed for one viewer, one list and one filter."""

from typing import Annotated, Any

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from pydantic import Field

from cis_power.core.errors import InvalidInput, Problem
from web.shell import viewer
from web.values import Input, Sample, Text

_NOT_FILTERS = frozenset({"cursor", "limit", "lang"})
MOST = 10_000


class Page(Input):
    """The query of every list: how many rows, and after which."""

    limit: Annotated[int | None, Sample("limit"), Field(ge=1, le=MOST, description="rows at most")] = None
    cursor: Annotated[Text | None, Sample("cursor"), Field(description="`next` of the page before")] = None

    def rows(self) -> int:
        """Return how many rows to read: as asked, else a screenful for a page and all that is allowed for a file."""
        if self.limit is not None:
            return self.limit
        form = (request.view_args or {}).get("file_format")
        return {"csv": MOST, "xlsx": MOST, "json": 200}.get(form or "", 200 if _is_api_path() else 50)

    def position(self) -> list[Any] | None:
        """Return where the page before ended; None at the beginning. Raises InvalidInput."""
        if self.cursor is None:
            return None
        try:
            found: list[Any] = _signer().loads(self.cursor)
        except BadData:
            problem = Problem("wrong_cursor", "this cursor does not belong to this list", field="cursor")
            raise InvalidInput("The request is wrong.", [problem]) from None
        return found


def make_cursor(position: list[Any] | None) -> str | None:
    """Return the cursor of the page after a position; None when there is none."""
    if position is None:
        return None
    made = _signer().dumps(position)
    return made if isinstance(made, str) else made.decode()


def _signer() -> URLSafeSerializer:
    """Sign for this viewer and territory, this list and these filters: elsewhere the cursor is worth nothing."""
    asking = viewer()
    territory = "all" if asking.districts is None else ",".join(map(str, sorted(asking.districts)))
    filters = sorted((name, value) for name, value in request.args.items(multi=True) if name not in _NOT_FILTERS)
    salt = repr((request.endpoint, asking.actor, asking.role, territory, filters))
    return URLSafeSerializer(current_app.secret_key or "", salt=salt)


def _is_api_path() -> bool:
    return request.path.startswith("/api/")
