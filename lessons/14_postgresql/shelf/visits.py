"""Say who asked what."""

from flask import current_app, request, session


def log_visit(response):
    """Write a line about the request into the app's log."""
    name = session.get("name") if request.endpoint != "static" else None
    visit = (request.remote_addr, name, request.method, request.path, response.status_code)
    current_app.logger.info("%s %r %s %r %s", *visit)
    return response


def log_failure(error):
    """Write a line about a request that ended in an exception."""
    if error is not None:
        current_app.logger.error("%s %r failed: %r", request.method, request.path, error)


def init_app(app):
    """Have the requests of an app logged."""
    app.logger.setLevel("INFO")
    app.after_request(log_visit)
    app.teardown_request(log_failure)
