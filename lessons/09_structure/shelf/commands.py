"""Commands for the terminal: `flask shelf list` and `flask settings`."""

import click
from flask import current_app
from flask.cli import AppGroup

from . import stock

shelf = AppGroup("shelf", help="Look after the books.")


@shelf.command("list")
@click.option("--author")
def list_books(author):
    """List the books by number."""
    books = stock.BOOKS if author is None else stock.by_author(author)
    if author is not None and not books:
        raise click.ClickException(f"No book by {author} stands on the Shelf.")
    for number, book in books.items():
        click.echo(f"{number} {book['title']}, by {book['author']}")


def init_app(app):
    """Give an app its commands."""
    app.cli.add_command(shelf)

    @app.cli.command("settings")
    def settings():
        """Say what this app's configuration is, but for secrets."""
        for name, value in sorted(current_app.config.items()):
            secret = value and "SECRET" in name
            click.echo(f"{name} = {'(secret)' if secret else repr(value)}")
