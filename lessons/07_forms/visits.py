"""Say who asked what, and how long it took."""

import time

from flask import current_app, g, request


def start_clock():
    """Note when the request came in."""
    g.start = time.perf_counter()


def log_visit(response):
    """Write a line about the request into the app's log."""
    took = (time.perf_counter() - g.start) * 1000
    visit = (request.remote_addr, request.method, request.path, response.status_code, took)
    current_app.logger.info("%s %s %r %s %.1f ms", *visit)
    return response


def log_failure(error):
    """Write a line about a request that ended in an exception."""
    if error is not None:
        current_app.logger.error("%s %r failed: %r", request.method, request.path, error)


def init_app(app):
    """Have the requests of an app logged."""
    app.logger.setLevel("INFO")
    app.before_request(start_clock)
    app.after_request(log_visit)
    app.teardown_request(log_failure)
