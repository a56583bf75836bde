"""The pages, one file a family."""

from web.views.customers import customers
from web.views.home import home

BLUEPRINTS = (home, customers)
