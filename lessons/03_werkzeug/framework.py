"""A web framework: routes, views, error handlers. Werkzeug does the rest."""

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response


class Framework:
    """A WSGI application made of views."""

    def __init__(self):
        self.url_map = Map()
        self.views = {}
        self.error_handlers = {}

    def route(self, rule, methods=("GET",)):
        """Return a decorator that makes a function the view for a rule."""

        def register(view):
            self.url_map.add(Rule(rule, endpoint=view.__name__, methods=methods))
            self.views[view.__name__] = view
            return view

        return register

    def errorhandler(self, code):
        """Return a decorator that makes a function the answer to an error."""

        def register(handler):
            self.error_handlers[code] = handler
            return handler

        return register

    def dispatch(self, request):
        """Find the view for a request and call it; an HTTP exception is an answer too."""
        try:
            endpoint, values = request.urls.match()
            return self.views[endpoint](request, **values)
        except HTTPException as error:
            handler = self.error_handlers.get(error.code)
            return handler(request, error) if handler else error

    def __call__(self, environ, start_response):
        """Answer a request, the WSGI way."""
        request = Request(environ)
        request.urls = self.url_map.bind_to_environ(environ)
        answer = self.dispatch(request)
        if isinstance(answer, str):
            answer = Response(answer, mimetype="text/html")
        return answer(environ, start_response)
