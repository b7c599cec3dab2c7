from wsgiref.simple_server import make_server
from wsgiref.validate import validator

from counter import counter

with make_server("127.0.0.1", 8098, validator(counter)) as server:
    server.serve_forever()
