from wsgiref.simple_server import make_server
from wsgiref.validate import validator

from hello import app
from middleware import prefixed, timed

with make_server("127.0.0.1", 8002, validator(timed(prefixed(app, "/hello")))) as server:
    server.serve_forever()
