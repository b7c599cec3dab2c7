"""What a check has to say: where the course is not as it should be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is not so.

    `page` is a path in the clone, `line` counts from 1, and `step` is the step in which
    the line stands: 0 before the first, None after the last or where there are no steps.
    """

    page: str
    step: int | None
    line: int
    expected: str
    found: str

    def __str__(self) -> str:
        step = "" if self.step is None else f", step {self.step}"
        where = f"{self.page}{step}, line {self.line}"
        return f"{where}:\n  expected {self.expected}\n  found {self.found}"
