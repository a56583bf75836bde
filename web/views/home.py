"""The start page: what matters now, by role."""

from flask import Blueprint, Response, render_template

from web.gate import access
from web.home_cards import home_cards
from web.live import live_response
from web.shell import now, reading, viewer

home = Blueprint("home", __name__)


@home.get("/")
@access("session:self:use")
def start() -> Response:
    """The cards that the viewer's role opens."""
    with reading() as session:
        cards = home_cards(session, viewer(), now())
    return live_response(Response(render_template("home.html", cards=cards)), cards)
