"""Where `flask run` finds the app."""

from shelf import create_app

app = create_app()
