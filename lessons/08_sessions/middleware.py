import itertools
import time


def timed(app):
    """Wrap an app so that its responses say how long it took to begin them."""

    def timed_app(environ, start_response):
        start = time.perf_counter()

        def timed_start_response(status, headers, exc_info=None):
            took = (time.perf_counter() - start) * 1000
            headers = [*headers, ("Server-Timing", f"app;dur={took:.1f}")]
            return start_response(status, headers, exc_info)

        return app(environ, timed_start_response)

    return timed_app


def prefixed(app, prefix):
    """Wrap an app so that it answers below the prefix, and nowhere else."""

    def prefixed_app(environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith(prefix + "/"):
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"Nothing here. Is the prefix missing?\n"]
        environ["SCRIPT_NAME"] += prefix
        environ["PATH_INFO"] = path.removeprefix(prefix)
        return app(environ, start_response)

    return prefixed_app


def numbered(app):
    """Wrap an app so that its responses are numbered from 1."""
    numbers = itertools.count(1)

    def numbered_app(environ, start_response):
        number = str(next(numbers))

        def numbered_start_response(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Request-Number", number)], exc_info)

        return app(environ, numbered_start_response)

    return numbered_app
