"""A report as the JSON of the contract."""

import json
from datetime import tzinfo

from reports.model import Report


def render_json(report: Report, _zone: tzinfo) -> bytes:
    """UTF-8 JSON; NaN and infinities do not occur: what is not known is null."""
    return (json.dumps(report.as_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()
