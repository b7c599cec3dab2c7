from wsgiref.simple_server import make_server
from wsgiref.validate import validator

from look import look

with make_server("127.0.0.1", 8002, validator(look)) as server:
    server.serve_forever()
