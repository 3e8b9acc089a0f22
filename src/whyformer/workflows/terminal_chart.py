"""A line chart in a terminal, drawn with Braille characters: 2 x 4 dots in each cell."""

from collections.abc import Sequence

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each dot of a Braille character, by its column and row (Unicode, chapter 21.1)."""
BLANK = 0x2800


def terminal_chart(
    points: Sequence[tuple[float, float]], *, width: int, height: int
) -> Sequence[str]:
    """Return the lines of a chart, with the largest and the smallest y at the left.

    Args: points: x and y; x must not decrease. width, height: size of the drawing in cells.

    >>> for line in terminal_chart([(1, 3.0), (8, 1.0)], width=4, height=2):
    ...     print(line)
      3.00 ┤⠑⢄⠀⠀
      1.00 ┤⠀⠀⠑⢄
    """
    low, high = min(y for _, y in points), max(y for _, y in points)
    first, last = points[0][0], points[-1][0]
    columns, rows = 2 * width, 4 * height
    cells = [[BLANK] * width for _ in range(height)]

    def place(x: float, y: float) -> tuple[int, float]:
        across = round((x - first) / (last - first) * (columns - 1)) if last > first else 0
        return across, ((high - y) / (high - low) if high > low else 0.5) * (rows - 1)

    before: tuple[int, float] | None = None
    for point in points:
        column, row = place(*point)
        start = before or (column, row)
        for step in range(start[0], column + 1):
            share = (step - start[0]) / (column - start[0]) if column > start[0] else 1.0
            dot = round(start[1] + share * (row - start[1]))
            cells[dot // 4][step // 2] |= DOTS[step % 2][dot % 4]
        before = column, row
    labels = {0: high, height - 1: low}
    return [
        f"{format(labels[n], '6.2f') if n in labels else ' ' * 6} ┤" + "".join(map(chr, cells[n]))
        for n in range(height)
    ]
