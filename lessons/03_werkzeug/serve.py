from app import application
from werkzeug.serving import run_simple

run_simple("127.0.0.1", 8003, application, threaded=True, use_reloader=True, use_debugger=True)
