"""What an app under test may do: no more than a slip of the learner's can repair."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has none
    resource = None

PATIENCE = 5  # seconds that one test may take
SLOW = 15  # seconds for a test marked as slow, which itself waits eight for the app to start
MEMORY = 1 << 30  # bytes
FILE = 64 << 20  # bytes; what an app prints goes into a file, too
PROCESSES = 20

_DELETES = {"os.remove", "os.rmdir", "os.rename", "os.truncate", "shutil.rmtree"}
_STARTS = {"subprocess.Popen", "os.system", "os.posix_spawn"}
_FORKS = {"os.fork", "os.forkpty"}


class Refused(PermissionError):
    """The app under test wanted what no lesson needs; the text says what."""


def impose(folder: Path) -> None:
    """Limit this process for good, and work in a folder from now on.

    Memory and the size of files are limited where the system can; so are, everywhere, what
    may be deleted (only what is beside the app, or in the temporary folder, which is there,
    too) and the number of processes that are started.

    Args:
        folder: the copy of the app that is run.
    """
    os.chdir(folder)
    tempfile.tempdir = str(folder.parent)
    sys.dont_write_bytecode = True  # two saves within a second would run the old code
    if resource:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit("RLIMIT_FSIZE", FILE)
        _limit("RLIMIT_AS", MEMORY)
    sys.addaudithook(_guard(folder.parent))


def lift_memory_limit() -> None:
    """Make room to say what happened, after an app took all the memory that it may."""
    if resource:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def _limit(name: str, value: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # macOS knows the name, and refuses
        hard = resource.getrlimit(getattr(resource, name))[1]
        resource.setrlimit(getattr(resource, name), (value, hard))


def _guard(own: Path):
    """Return an audit hook (PEP 578) that refuses to fork, and to delete outside a folder."""
    started = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal started
        if event in _FORKS:
            raise Refused("The tests do not let an app fork.")
        if event in _STARTS:
            started += 1
            if started > PROCESSES:
                raise Refused(f"The app started more than {PROCESSES} processes.")
        if event in _DELETES and isinstance(arguments[0], str | os.PathLike):
            path = Path(arguments[0])
            if not path.parent.resolve().is_relative_to(own):
                raise Refused(f"The tests do not let an app delete or move {path}.")

    return hook
