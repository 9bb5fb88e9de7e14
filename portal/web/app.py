"""Puts the public site together: ``create_app`` takes everything it needs and reads nothing else."""

from __future__ import annotations

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.catalog.store import Catalog
from portal.search.query import SearchIndex
from portal.settings import Settings
from portal.web import templating
from portal.web.desk import DESK
from portal.web.errors import answer_errors
from portal.web.guards import guard, limits
from portal.web.languages import LanguagePrefix
from portal.web.limiting import limit
from portal.web.machines import MACHINES
from portal.web.operate import OPERATING
from portal.web.overview import HOLD_S, Overviews
from portal.web.pages import PAGES
from portal.web.signing_in import guard_forms
from portal.web.site import EXTENSION, Site


def create_app(
    settings: Settings, catalog: Catalog, index: SearchIndex, *, hold_s: float = HOLD_S
) -> Flask:
    """The WSGI application over a catalogue and its index.

    It never writes to the index. To the catalogue it writes what people who are signed in do, nothing else.
    ``hold_s`` is how long figures counted over everything may lag behind a catalogue that changes.
    """
    app = Flask("portal.web")
    app.config.update(limits(settings))
    app.extensions[EXTENSION] = Site(
        settings=settings, catalog=catalog, index=index, overviews=Overviews(catalog, index, hold_s=hold_s)
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.wsgi_app = LanguagePrefix(app.wsgi_app)  # type: ignore[method-assign]
    if settings.proxies:
        # Counted from our end: what a client writes into the header itself stands before it and is not read.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    templating.furnish(app)
    guard(app)
    machines = [blueprint.name for blueprint in MACHINES]
    limit(app, settings, machines)
    guard_forms(app, machines)
    answer_errors(app, machines)
    for blueprint in (*PAGES, *DESK, *OPERATING, *MACHINES):
        app.register_blueprint(blueprint)
    return app
