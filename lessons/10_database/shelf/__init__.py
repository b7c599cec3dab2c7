"""The Shelf, as a package: `create_app` makes as many apps of it as you like."""

import click
from flask import Flask
from jinja2 import StrictUndefined

from . import api, books, commands, pages, readers, visits
from .models import db
from .timer import RequestTimer


def create_app(settings=None):
    """Make an app; what `settings` says overrides all other configuration."""
    app = Flask(__name__)
    configure(app, settings)
    app.jinja_env.undefined = StrictUndefined
    app.url_map.converters["book"] = books.BookNumber
    db.init_app(app)
    timer.init_app(app)
    visits.init_app(app)
    pages.init_app(app)
    commands.init_app(app)
    app.register_blueprint(books.bp)
    app.register_blueprint(readers.bp, url_prefix="/readers")
    app.register_blueprint(api.bp, url_prefix="/api")
    return app


def configure(app, settings):
    """Read the configuration, layer on layer: of two values for a name, the later counts."""
    app.config.from_object("shelf.defaults")
    if app.debug:
        app.config["SECRET_KEY"] = "for development only"
    app.config.from_pyfile(f"{app.instance_path}/config.py", silent=True)
    app.config.from_prefixed_env()
    app.config.from_mapping(settings)
    app.config.setdefault("COVERS", f"{app.instance_path}/covers")
    if not app.config["SECRET_KEY"]:
        raise click.ClickException(
            "The Shelf needs a SECRET_KEY: set FLASK_SECRET_KEY, or write one into "
            f"{app.instance_path}/config.py."
        )


timer = RequestTimer()
