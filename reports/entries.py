"""The reports of this package, as its entry point offers them."""

from reports.registry import ReportDeclaration
from reports.reliability.report import RELIABILITY

REPORTS: tuple[ReportDeclaration, ...] = (RELIABILITY,)
