"""Pages that refresh themselves: the browser asks again, and an unchanged page is answered by 304."""

import hashlib
import json
from typing import Any, cast

from flask import Response, request
from flask_babel import get_locale

from web.shell import viewer


def live_response(response: Response, content: Any) -> Response:
    """Give a page an ETag of what it shows, for this viewer and language; ages and tokens in it do not count."""
    asking = viewer()
    shown = json.dumps([asking.actor, asking.role, str(get_locale()), content], default=str, ensure_ascii=False)
    response.set_etag(hashlib.sha256(shown.encode()).hexdigest()[:32])
    return cast(Response, response.make_conditional(request))
