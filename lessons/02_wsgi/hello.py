from flask import Flask

app = Flask(__name__)

BOOKS = ["Emma", "Jane Eyre", "Walden"]


@app.get("/")
def shelf():
    """Say how many books stand on the shelf."""
    return f"{len(BOOKS)} books on the shelf\n"
