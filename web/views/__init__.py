"""The pages, one file a family."""

from flask import Blueprint

from web.views.billing import billing
from web.views.customers import customers
from web.views.home import home
from web.views.network import network
from web.views.points import points

BLUEPRINTS: tuple[Blueprint, ...] = (home, customers, points, network, billing)
