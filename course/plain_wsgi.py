"""`python -m course.plain_wsgi PORT`: serve the WSGI callable `application` of `app.py`."""

import sys

from werkzeug.serving import run_simple
from werkzeug.utils import import_string

from course.lessons import HOST

if __name__ == "__main__":
    run_simple(
        HOST,
        int(sys.argv[1]),
        import_string("app:application"),
        use_reloader=True,
        use_debugger=True,
        threaded=True,
    )
