"""An extension: say how long each request took."""

import time

from flask import current_app, g, request


class RequestTimer:
    """Time the requests of an app, or of several."""

    def init_app(self, app):
        """Have the requests of an app timed, as its configuration says."""
        app.config.setdefault("TIMER_HEADER", "Server-Timing")
        app.config.setdefault("TIMER_SLOW", 1000)
        app.extensions["request_timer"] = self
        app.before_request(self.start)
        app.after_request(self.stop)

    def start(self):
        """Note when the request came in."""
        g.timer_start = time.perf_counter()

    def stop(self, response):
        """Send along how long the request took."""
        took = (time.perf_counter() - g.timer_start) * 1000
        response.headers[current_app.config["TIMER_HEADER"]] = f"app;dur={took:.1f}"
        if took > current_app.config["TIMER_SLOW"]:
            slow = (request.method, request.path, took)
            current_app.logger.warning("slow: %s %r took %.1f ms", *slow)
        return response
