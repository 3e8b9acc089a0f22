"""The report on data files as text for a terminal of 100 columns."""

from collections.abc import Sequence

from whyformer.data.survey.findings import NOUNS, percent
from whyformer.data.survey.profile import Kind
from whyformer.data.survey.reasons import Reason, words
from whyformer.data.survey.side import Lengths, SideFigures
from whyformer.foundation.wording import counted
from whyformer.workflows.survey.report import DataReport, share_of

WIDTH = 100
LABELS = 8
"""Maximum number of labels that are listed."""
SCRIPTS = 4


def rendered(report: DataReport, *, cleaned: bool = False) -> str:
    """Return the report as text. Args: cleaned: whether the good lines were written."""
    parts = [
        *report.files.described,
        "",
        *_sides(report),
        "",
        *_findings(report),
        *_strangest(report),
        *_advice(report, cleaned=cleaned),
    ]
    return "\n".join(parts)


def _sides(report: DataReport) -> list[str]:
    survey = report.survey
    columns = [(report.files.task_words[0], survey.source)]
    if report.kind is Kind.PAIRS:
        columns.append((report.files.task_words[1], survey.target))
    rows = [
        (counted(survey.count, NOUNS[report.kind]), *(name for name, _ in columns)),
        ("characters", *(lengths(side.characters) for _, side in columns)),
        ("words", *(lengths(side.words) for _, side in columns)),
        ("different characters", *(f"{side.different_characters:,}" for _, side in columns)),
        ("different words", *(_different(side) for _, side in columns)),
        ("scripts", *(_scripts(side) for _, side in columns)),
    ]
    lines = table(rows)
    lines[1] += "   (median, 95 %, longest)"
    if any(side.emoji for _, side in columns):
        texts = sum(side.emoji for _, side in columns)
        lines.append(f"{counted(texts, 'text')} {'has' if texts == 1 else 'have'} emoji")
    if survey.labels:
        lines.append(_labels(report))
    return lines


def _labels(report: DataReport) -> str:
    labels = report.survey.labels
    total = sum(labels.values())
    shown = ", ".join(
        f"{label} {percent(count / total)}" for label, count in labels.most_common(LABELS)
    )
    more = ", …" if len(labels) > LABELS else ""
    return clipped(f"{counted(len(labels), 'different label')}: {shown}{more}", WIDTH)


def lengths(found: Lengths) -> str:
    """Return the median, the 95 % quantile and the maximum of lengths, as text."""
    return f"{found.quantile(0.5):,}, {found.quantile(0.95):,}, {found.longest:,}"


def _different(side: SideFigures) -> str:
    estimated = side.different_words.halvings > 0
    return f"{'about ' if estimated else ''}{side.different_words.count:,}"


def _scripts(side: SideFigures) -> str:
    shown = [f"{name} {percent(share)}" for name, share in side.letters.items()]
    return ", ".join(shown[:SCRIPTS]) + (", …" if len(shown) > SCRIPTS else "") or "no letters"


def _findings(report: DataReport) -> list[str]:
    lines: list[str] = []
    if report.found:
        rows = [("found", f"{NOUNS[report.kind]}s", "share", "--clean")]
        rows += [
            (words(reason, report.kind), f"{count:,}", share_of(report, reason),
             report.treatment(reason))
            for reason, count in report.found
        ]  # fmt: skip
        lines += table(rows, right=(1, 2))
    faults = report.files.faults.count
    if faults:
        lines.append(f"{counted(faults, 'line')} cannot be read; --clean leaves such lines out")
    if absent := ", ".join(report.absent):
        lines += wrapped(f"not found: {absent}")
    repeats = report.survey.repeats
    if repeats.several and report.kind is Kind.PAIRS:
        lines.append(
            f"sources with several targets: {repeats.several:,} of "
            f"{counted(repeats.sources, 'different source')}"
        )
    return lines


def _strangest(report: DataReport) -> list[str]:
    if not report.survey.strangest:
        return []
    lines = ["", f"The strangest {NOUNS[report.kind]}s:"]
    for one in report.survey.strangest:
        several = len({*report.files.data.train}) > 1
        place = one.item.place if several else f"line {one.item.line}"
        texts = [_quoted(one.item.source)]
        if report.kind is not Kind.TEXT:
            texts.append(_quoted(one.item.target))
        start = f"  {place}: {report.explained(one)}: "
        room = max(30, WIDTH - len(start)) - 3 * (len(texts) - 1)
        lines.append(start + " | ".join(_shared(texts, room)))
    return lines


def _quoted(text: str) -> str:
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in " ".join(text.split()))
    return shown or "(empty)"


def _shared(texts: Sequence[str], room: int) -> list[str]:
    """Shorten texts so that they fit into ``room`` columns together. The space that a short text
    does not need is used by the other texts."""
    half = room // len(texts)
    rooms = [half] * len(texts)
    if len(texts) == 2:
        widths = [width_of(text) for text in texts]
        rooms = [max(half, room - widths[1]), max(half, room - widths[0])]
    return [clipped(text, size) for text, size in zip(texts, rooms, strict=True)]


def cleaning(report: DataReport) -> str:
    """Return the command that writes the good lines; "" if all lines are good."""
    changed = report.dropped | {Reason.SWAPPED}
    faulty = any(reason in changed for reason, _ in report.found) or report.files.faults.count
    return f"whyformer data {report.files.data.arguments} --clean OUT" if faulty else ""


def _advice(report: DataReport, *, cleaned: bool) -> list[str]:
    lines = [line for one in report.advice for line in wrapped(one, "- ")]
    if not cleaned and (command := cleaning(report)):
        lines += wrapped(f"To write the good lines: {command}", "- ")
    return ["", *(lines or ["Nothing to correct."])] if not cleaned or lines else [""]


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return rows with aligned columns. Args: right: indices of the columns that are aligned to the
    right."""
    widths = [max(width_of(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = []
        for place, cell in enumerate(row):
            space = " " * (widths[place] - width_of(cell))
            cells.append(space + cell if place in right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def width_of(text: str) -> int:
    """Return the number of columns that a text needs on a terminal."""
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "FW" else 1 for c in text)


def clipped(text: str, room: int) -> str:
    """Shorten a text to ``room`` columns of a terminal."""
    if width_of(text) <= room:
        return text
    while text and width_of(text) > room - 1:
        text = text[: max(0, min(len(text) - 1, room - 1))]
    return f"{text}…"


def wrapped(text: str, start: str = "") -> list[str]:
    """Return the lines of a text that is wrapped as a paragraph."""
    from textwrap import wrap

    return wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start) or "  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
