"""The reports of this package, as its entry point offers them."""

from reports.load.report import LOAD
from reports.outage_log import OUTAGE_LOG
from reports.registry import ReportDeclaration
from reports.reliability.report import RELIABILITY

REPORTS: tuple[ReportDeclaration, ...] = (LOAD, OUTAGE_LOG, RELIABILITY)
