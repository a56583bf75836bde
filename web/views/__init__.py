"""The pages, one file a family."""

from flask import Blueprint

from web.views.admin import admin
from web.views.billing import billing
from web.views.calls import calls
from web.views.customer_lists import customer_lists
from web.views.customers import customers
from web.views.events import events
from web.views.home import home
from web.views.money import money
from web.views.network import network
from web.views.outages import outages
from web.views.points import points
from web.views.reports import report_pages
from web.views.substations import substations
from web.views.system import system
from web.views.transformers import transformers
from web.views.unmask import unmask

BLUEPRINTS: tuple[Blueprint, ...] = (
    home,
    customers,
    customer_lists,
    unmask,
    outages,
    calls,
    points,
    events,
    network,
    substations,
    transformers,
    report_pages,
    billing,
    money,
    admin,
    system,
)
