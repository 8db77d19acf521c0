"""A table as Markdown."""

from bench.machine import described


class Table:
    """Rows under a title; ``str`` gives Markdown."""

    def __init__(self, title: str, head: list[str]):
        self._title = title
        self._rows = [head, ["---"] * len(head)]
        self._notes: list[str] = []

    def row(self, *cells: str) -> None:
        """Add a row."""
        self._rows.append(list(cells))

    def note(self, text: str) -> None:
        """Add to the lines below the table."""
        self._notes.append(text)

    def __str__(self) -> str:
        rows = "\n".join("| " + " | ".join(row) + " |" for row in self._rows)
        below = "; ".join([*self._notes, described()])
        return f"### {self._title}\n\n{rows}\n\n{below}\n"
