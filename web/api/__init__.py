"""The API under `/api/v1`. A blueprint that is listed here is served."""

from flask import Blueprint

from web.api.calls import api_calls
from web.api.customers import api_customers
from web.api.documents import api_documents
from web.api.outages import api_outages
from web.api.points import api_points
from web.api.reports import api_reports

BLUEPRINTS: tuple[Blueprint, ...] = (api_customers, api_outages, api_calls, api_points, api_reports, api_documents)
