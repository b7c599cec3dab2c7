"""What holds unless the instance's file, the environment or a caller says otherwise."""

from datetime import timedelta

MAX_CONTENT_LENGTH = 2_000_000
PERMANENT_SESSION_LIFETIME = timedelta(days=30)
SESSION_COOKIE_SAMESITE = "Lax"
SQLALCHEMY_DATABASE_URI = "sqlite:///shelf.db"
