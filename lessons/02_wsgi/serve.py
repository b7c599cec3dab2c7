from wsgiref.simple_server import make_server
from wsgiref.validate import validator

from app import application
from middleware import prefixed, timed

wrapped = timed(prefixed(application, "/shelf"))

with make_server("127.0.0.1", 8002, validator(wrapped)) as server:
    server.serve_forever()
