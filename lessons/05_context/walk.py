"""Follow one request: print ten functions that it passes, and the Shelf's own."""

import sys

from app import app

STOPS = [
    "Flask.__call__",
    "Flask.wsgi_app",
    "RequestContext.push",
    "AppContext.push",
    "MapAdapter.match",
    "Flask.preprocess_request",
    "Flask.dispatch_request",
    "Flask.make_response",
    "Flask.process_response",
    "RequestContext.pop",
]
SHELF = ["app", "middleware", "shelf", "visits"]


def watch(frame, event, argument):
    """Print a call of one of the stops, or of a function of the Shelf's."""
    name = frame.f_code.co_qualname
    module = frame.f_globals.get("__name__", "")
    if event == "call" and (name in STOPS or module in SHELF):
        number = STOPS.index(name) + 1 if name in STOPS else ""
        print(f"{number:>2} {module.replace('.', '/')}.py: {name}")


client = app.test_client()
sys.setprofile(watch)
client.get("/books/1")
sys.setprofile(None)
