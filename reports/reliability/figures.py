"""The pictures of the report `reliability`."""

import numpy as np

from reports.model import Figure
from reports.reliability.base import Base
from reports.reliability.tables import causes_table

_MOST_CAUSES = 12
_DAY_MS = 86_400_000


def daily_figure(base: Base) -> Figure:
    """Minutes a customer, day by day; major event days stand out."""
    places = np.flatnonzero(base.in_period).tolist()
    major = base.major.tolist()
    data = [
        {
            "type": "bar",
            "name": name,
            "width": 0.8 * _DAY_MS,
            "x": [base.days[place].isoformat() for place in places if major[place] == wanted],
            "y": [float(base.daily_saidi[place]) for place in places if major[place] == wanted],
        }
        for name, wanted in (("ordinary day", False), ("major event day", True))
    ]
    layout = {
        "barmode": "stack",
        "margin": {"t": 24},
        "xaxis": {"type": "date"},
        "yaxis": {"title": {"text": "min/customer"}},
    }
    return Figure("daily_saidi", "SAIDI by day", data, layout)


def causes_figure(base: Base) -> Figure:
    """Customer minutes by cause, the largest first."""
    rows = list(causes_table(base).as_dicts())[:_MOST_CAUSES]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "x": [row["customer_minutes"] for row in rows],
            "y": [f"{row['cause']} ({row['kind']})" for row in rows],
        }
    ]
    layout = {
        "margin": {"t": 24},
        "xaxis": {"title": {"text": "customer minutes"}},
        "yaxis": {"autorange": "reversed", "automargin": True},
    }
    return Figure("causes", "Customer minutes by cause", data, layout)
