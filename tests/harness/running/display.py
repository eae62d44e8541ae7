"""Live progress: a block that is redrawn on a terminal, plain lines elsewhere."""

import sys
import time

PLAIN_SECONDS = 10


class Display:
    def __init__(self, stream=None):
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.drawn = 0
        self.began = time.monotonic()
        self.said_at = float("-inf")
        self.said = ""

    def say(self, text: str) -> None:
        """A line that stays."""
        self.drawn = 0
        self.stream.write(text + "\n")
        self.stream.flush()

    def show(self, stages: dict[str, tuple[int, int]]) -> None:
        if self.live:
            self._redraw(stages)
        else:
            self._plain(stages)

    def _redraw(self, stages: dict[str, tuple[int, int]]) -> None:
        if self.drawn:
            self.stream.write(f"\x1b[{self.drawn}A")
        for name, (done, wanted) in stages.items():
            filled = 30 * min(done, wanted) // wanted if wanted else 30
            self.stream.write(f"\x1b[2K  {name:<24} {'█' * filled}{'░' * (30 - filled)} "
                              f"{done} of {wanted}\n")
        self.stream.flush()
        self.drawn = len(stages)

    def _plain(self, stages: dict[str, tuple[int, int]]) -> None:
        now = time.monotonic()
        text = "; ".join(f"{name} {done} of {wanted}" for name, (done, wanted) in stages.items())
        complete = all(done >= wanted for done, wanted in stages.values())
        if text != self.said and (complete or now - self.said_at >= PLAIN_SECONDS):
            self.stream.write(f"{now - self.began:4.0f} s  {text}\n")
            self.stream.flush()
            self.said_at, self.said = now, text


def table(rows: list[list[str]]) -> str:
    """Columns as wide as their widest cell; all but the first to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(w) if i == 0 else cell.rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
