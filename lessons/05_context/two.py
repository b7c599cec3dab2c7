"""Two requests at once, in two threads."""

from threading import Barrier, Thread

from app import app
from flask import request

both_inside = Barrier(2, timeout=2)
answers = {}


@app.get("/wait/<name>")
def wait(name):
    """Wait until two requests are inside, then say what `request` is for this one."""
    both_inside.wait()
    return {"path": request.path, "id": id(request)}


def visit(name):
    """Ask as one visitor, and keep the answer."""
    answers[name] = app.test_client().get(f"/wait/{name}").json


threads = [Thread(target=visit, args=[name]) for name in ("ann", "bob")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print("ann asked for", answers["ann"]["path"])
print("bob asked for", answers["bob"]["path"])
print("one object:", answers["ann"]["id"] == answers["bob"]["id"])
