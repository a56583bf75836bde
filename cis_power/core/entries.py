"""Finding what the wings offer, through entry points: ours are found exactly like anybody else's."""

from importlib.metadata import entry_points
from typing import Any


def load_items(group: str) -> list[Any]:
    """All items of an entry-point group in the order of the entry points' names.

    Each entry point names a tuple of items (jobs, reports, layouts, sources) or a module (models).
    """
    items: list[Any] = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        found = point.load()
        items.extend(found if isinstance(found, list | tuple) else [found])
    return items
