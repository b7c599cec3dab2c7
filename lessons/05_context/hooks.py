"""Say when each hook runs."""

from app import app
from flask import request


@app.get("/share/<int:people>")
def share(people):
    """Divide three books among people."""
    print("  the view")
    return f"{3 / people} books each\n"


def add_hooks(name):
    """Give the app one hook of each kind."""

    @app.before_request
    def before():
        print(f"  {name} before_request")
        if request.path == "/closed":
            return "Come back tomorrow.\n"

    @app.after_request
    def after(response):
        print(f"  {name} after_request, {response.status}")
        return response

    @app.teardown_request
    def teardown(error):
        print(f"  {name} teardown_request, {error!r}")


add_hooks("first")
add_hooks("second")
client = app.test_client()
for path in ("/share/3", "/closed", "/nowhere", "/share/0"):
    print(path)
    client.get(path)
