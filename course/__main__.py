"""`python -m course COMMAND`: install what is missing, then run the command.

This file runs under whatever Python the reader has, before anything is
installed, so it keeps to what Python 3.6 understands.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if sys.version_info < (3, 11):
    sys.exit(
        "The course needs Python 3.11 or newer, and this is Python %d.%d: install a newer "
        "one, or name the one you have, for example `make start PYTHON=python3.12`."
        % sys.version_info[:2]
    )
sys.path[0] = ROOT  # also when started as `python path/to/course`

if sys.argv[1:] == ["doctor"]:  # it must work where set-up does not
    from course import doctor

    sys.exit(doctor.main())

from course import environment  # noqa: E402

try:
    environment.enter(sys.argv[1:])
except environment.SetupError as error:
    sys.exit(str(error))

from course.cli import main  # noqa: E402

main(prog_name="course")
