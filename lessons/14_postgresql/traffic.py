"""Read and write without pause while the Shelf is rebuilt, and count what fails.

For example: python traffic.py upgrade=0014 deploy upgrade=0015
"""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import psycopg

BEFORE = Path("instance/before")  # the folder of the old code
NEIGHBOURS = 4
SETTINGS = {"FLASK_DEBUG": "0", "FLASK_SECRET_KEY": "of the traffic"}
running, answers = [], []


def serve(folder):
    """Start the Shelf of a folder, and return its process and its port when it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "flask", "run", "--port", str(port)],
        cwd=folder,
        env=os.environ | SETTINGS | {"FLASK_WTF_CSRF_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while ask(port, "GET", "/") == "no answer":
        if server.poll() is not None:
            sys.exit(f"The Shelf in {folder} did not start.")
        time.sleep(0.05)
    return server, port


def ask(port, method, path, fields=()):
    """Send a request, and return the status of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(fields), kind)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return "no answer"
    finally:
        connection.close()


def visit(neighbour):
    """Look for a book, then bring one, again and again, at the server that started last."""
    while True:
        answers.append(ask(running[-1][1], "GET", "/?q=emma"))
        title = f"Traffic {neighbour} {time.time_ns()}"
        fields = {"title": title, "author": f"Traffic {neighbour}"}
        answers.append(ask(running[-1][1], "POST", "/books/new", fields))


def do(act):
    """Put the new code in place of the old, or upgrade the database."""
    if act == "deploy":
        running.append(serve(Path()))  # from now on, new requests go there
        time.sleep(1)  # and those on their way come to their end
        running.pop(0)[0].terminate()
    else:
        command = [sys.executable, "-m", "flask", "db", *act.split("=")]
        done = subprocess.run(command, env=os.environ | SETTINGS, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        time.sleep(1)


def main(acts):
    """Do one act after the other under traffic, and print what became of the requests."""
    running.append(serve(BEFORE))
    for neighbour in range(NEIGHBOURS):
        Thread(target=visit, args=[neighbour], daemon=True).start()
    counted = 0
    try:
        for act in acts:
            do(act)
            new = answers[counted:]
            failed = Counter(status for status in new if status not in (200, 303))
            print(f"{act}: {len(new)} requests, {failed.total()} failed {dict(failed)}")
            counted += len(new)
    finally:
        for server, _ in running:
            server.terminate()
            server.wait()
        remove()


def remove():
    """Take the books of the traffic off the Shelf again, and their authors."""
    with psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE author")  # waits for what the servers had begun
        theirs = "(SELECT number FROM author WHERE name LIKE 'Traffic %')"
        connection.execute(f"DELETE FROM wrote WHERE author_number IN {theirs}")
        connection.execute("DELETE FROM book WHERE title LIKE 'Traffic %'")
        connection.execute("DELETE FROM author WHERE name LIKE 'Traffic %'")


main(sys.argv[1:])
