"""The API under `/api/v1`. A blueprint that is listed here is served."""

from flask import Blueprint

from web.api.customers import api_customers
from web.api.documents import api_documents
from web.api.points import api_points

BLUEPRINTS: tuple[Blueprint, ...] = (api_customers, api_points, api_documents)
