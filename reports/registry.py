"""Which reports there are: found through the entry points `cis_power.reports`, ours like anybody else's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy.orm import Session

from cis_power.access.permissions import PERMISSIONS
from cis_power.access.viewer import Viewer
from cis_power.core.entries import load_items
from cis_power.core.errors import NotFound
from reports.model import Report
from reports.parameters import Parameter, Parameters

Build = Callable[[Session, Viewer, Parameters, datetime], Report]


@dataclass(frozen=True, slots=True)
class ReportDeclaration:
    """A report: its name, who may have it, its own parameters beside period and districts, and how it is made.

    `build` reads through the viewer's territory only; whether he may come in at all is checked by `build_report`.
    """

    name: str
    title: str
    permission: str
    parameters: tuple[Parameter, ...]
    build: Build

    def __post_init__(self) -> None:
        if self.permission not in PERMISSIONS:
            raise ValueError(f"report {self.name}: permission {self.permission!r} is not in the table")


@cache
def reports() -> dict[str, ReportDeclaration]:
    """Every report by name."""
    found = {declaration.name: declaration for declaration in load_items("cis_power.reports")}
    return dict(sorted(found.items()))


def find_report(name: str) -> ReportDeclaration:
    """The report of that name. Raises NotFound."""
    try:
        return reports()[name]
    except KeyError:
        raise NotFound(f"no report {name!r}: there are {', '.join(reports())}") from None


def build_report(
    session: Session, viewer: Viewer, declaration: ReportDeclaration, parameters: Parameters, now: datetime
) -> Report:
    """Make a report for a viewer. Raises Forbidden when his role does not hold its permission."""
    viewer.require(declaration.permission)
    return declaration.build(session, viewer, parameters, now)
