"""Eight neighbours press “Borrow it” in the same moment, for one book after the other."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from shelf import create_app
from shelf.models import Book, Loan, Reader, db
from sqlalchemy import func, select

BOOKS, NEIGHBOURS = 100, 8
start = Barrier(NEIGHBOURS)


def press(client, number):
    """Wait until all are ready, then borrow the book, and return the status."""
    start.wait()
    return client.post(f"/books/{number}/borrow").status_code


app = create_app({"WTF_CSRF_ENABLED": False, "SQLALCHEMY_DATABASE_URI": "sqlite:///race.db"})
app.logger.setLevel("ERROR")
clients = [app.test_client() for _ in range(NEIGHBOURS)]
with app.app_context():
    db.drop_all()
    db.create_all()
    db.session.add_all(Book(title=f"Book {n}", author="Nobody") for n in range(BOOKS))
    for number, client in enumerate(clients):
        db.session.add(Reader(name=f"Neighbour {number}"))
        with client.session_transaction() as session:
            session["name"] = f"Neighbour {number}"
    db.session.commit()
with ThreadPoolExecutor(NEIGHBOURS) as pool:
    answers = Counter()
    for number in range(1, BOOKS + 1):
        answers.update(pool.map(press, clients, [number] * NEIGHBOURS))
with app.app_context():
    loans = db.session.scalar(select(func.count(Loan.number)))
print(f"{answers[303]} were told “yes”, {answers[409]} “no”: {loans} loans of {BOOKS} books")
