"""The factory of the web application."""

from collections.abc import Callable
from datetime import datetime

from flask import Flask
from flask_babel import Babel
from flask_wtf import CSRFProtect

from cis_power.access.trail import AuditTrail
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.time import utc_now
from web.api import BLUEPRINTS as API
from web.assets import install_assets
from web.catalogues import install_catalogues
from web.compression import install_compression
from web.errors import install_errors
from web.gate import install_gate
from web.health import health
from web.language import LANGUAGES, choose_language
from web.login import login
from web.presentation import install_presentation
from web.security import install_security
from web.shell import Shell, viewer_or_none
from web.values import add_converters
from web.views import BLUEPRINTS as VIEWS


def create_app(database: Database, settings: Settings, clock: Callable[[], datetime] = utc_now) -> Flask:
    """Return the web application of one installation. Its clock can be set, for tests."""
    app = Flask("web", static_folder=None)
    app.extensions["cis"] = Shell(database, settings, AuditTrail(settings.run_dir), clock)
    install_compression(app)
    install_security(app, settings.run_dir)
    CSRFProtect(app)
    Babel(app, locale_selector=choose_language, default_timezone=settings.timezone)
    install_catalogues(app)
    add_converters(app.url_map)
    install_gate(app)
    install_errors(app)
    install_assets(app)
    install_presentation(app)
    for blueprint in (login, health, *VIEWS, *API):
        app.register_blueprint(blueprint)
    app.context_processor(
        lambda: {
            "viewer": viewer_or_none(),
            "languages": LANGUAGES,
            "language": choose_language(),
            "zone": settings.zone,
        }
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    return app
