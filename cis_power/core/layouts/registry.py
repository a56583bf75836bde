"""The layouts that the wings offer, found through the entry points `cis_power.layouts`."""

from functools import cache

from cis_power.core.entries import load_items
from cis_power.core.errors import NotFound
from cis_power.core.layouts.declaration import Layout


@cache
def layouts() -> dict[str, Layout]:
    """Every layout by name. A name offered twice is a fault of the installation."""
    found: dict[str, Layout] = {}
    for layout in load_items("cis_power.layouts"):
        if layout.name in found:
            raise ValueError(f"layout {layout.name} is offered twice")
        found[layout.name] = layout
    return dict(sorted(found.items()))


def find_layout(name: str) -> Layout:
    """The layout of that name. Raises NotFound, naming those there are."""
    try:
        return layouts()[name]
    except KeyError:
        raise NotFound(f"no layout {name!r}; there are {', '.join(layouts())}") from None
