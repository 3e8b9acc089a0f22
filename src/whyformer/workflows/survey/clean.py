"""Write the good lines of data files to a new file, and list all other lines with the reason."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from whyformer.data.survey.explain import explained
from whyformer.data.survey.findings import NOUNS
from whyformer.data.survey.judge import Judgement
from whyformer.data.survey.profile import Kind, Profile
from whyformer.data.survey.reasons import POSSIBLE, Reason, dropped_by_default, words
from whyformer.foundation.errors import UsageError, nearest
from whyformer.foundation.files import atomic_path
from whyformer.foundation.wording import counted
from whyformer.workflows.survey.files import SECOND, Files, Item

SUFFIXES = (".tsv", ".txt", ".jsonl", ".conll")
"""The name of the list of dropped lines is the name of the output file without one of these
suffixes, plus ``.dropped.tsv``."""
UNREADABLE = "cannot be read"
_CELL_END = re.compile(r"[\t\r\n]+")


def outputs(files: Files, out: Path) -> list[Path]:
    """Return the files that are written. The last file lists the lines that are left out."""
    stem = out.with_suffix("") if out.suffix in SUFFIXES else out
    dropped = stem.with_name(f"{stem.name}.dropped.tsv")
    if files.kind is Kind.PAIRS and files.suffixes and out.suffix not in (".tsv", ".jsonl"):
        return [*(out.with_name(f"{out.name}.{side}") for side in files.suffixes), dropped]
    return [out, dropped]


def reasons_to_drop(files: Files, keep: Sequence[str], drop: Sequence[str]) -> frozenset[Reason]:
    """Return the reasons for which lines are left out.

    Args:
        keep: names of reasons for which lines are kept.
        drop: names of reasons for which lines are left out; all other reasons follow the default.
    Raises: UsageError for an unknown reason.
    """
    known = {reason.value: reason for reason in POSSIBLE[files.kind]}
    for name in (*keep, *drop):
        if name not in known:
            raise UsageError(f"`{name}` is not a reason to leave a line out.{nearest(name, known)}")
    given = bool(files.validation)
    found = dropped_by_default(files.kind, given_validation=given)
    return (found | {known[name] for name in drop}) - {known[name] for name in keep}


@dataclass
class Cleaner:
    """Writes the good lines block by block.

    Args:
        dropped: the reasons for which lines are left out.
        exchange: whether the sides of swapped pairs are exchanged.
    """

    files: Files
    paths: Sequence[Path]
    dropped: frozenset[Reason]
    exchange: bool
    kept: int = 0
    exchanged: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """The number of lines that were left out for each reason."""
    _waiting: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)
    _streams: list[TextIO] = field(default_factory=list)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open the output files in a `with` block. The files get their final names when the block
        ends without an error."""
        with ExitStack() as ending:
            for path in self.paths:
                temporary = ending.enter_context(atomic_path(path))
                stream = temporary.open("w", encoding="utf-8", newline="\n")
                self._streams.append(ending.enter_context(stream))
            sides = self.files.task_words if self.files.kind is not Kind.TEXT else ("text",)
            self._list("line", "done", "reason", *sides)
            yield
            self._list_faults("", 0)

    def start(self) -> None:
        """Begin the pass that writes lines. In this pass, lines that cannot be read are listed."""
        self.files.faults.watch = self._fault

    def add(self, items: Sequence[Item], judgement: Judgement, profile: Profile) -> None:
        """Write a block of items."""
        for item, flags in zip(items, judgement.flags.tolist(), strict=True):
            reason = next((one for one in Reason if flags & one.bit and one in self.dropped), None)
            swapped = bool(flags & Reason.SWAPPED.bit) and self.exchange
            if reason is not None:
                self.counts[words(reason, self.files.kind)] += 1
                self._list_item(item, "dropped", explained(reason, item, profile))
            elif swapped:
                self.exchanged += 1
                self._list_item(item, "exchanged", explained(Reason.SWAPPED, item, profile))
                self._write(item._replace(source=item.target, target=item.source))
            else:
                self._write(item)
        self._list_faults(items[-1].path, items[-1].line)

    def summary(self) -> list[str]:
        """Return lines of text that state what was kept and what was left out."""
        noun = NOUNS[self.files.kind]
        names = " and ".join(map(str, self.paths[:-1]))
        more = ""
        if self.exchanged:
            more = f"; the sides of {counted(self.exchanged, noun)} were exchanged"
        left_out = sum(self.counts.values())
        reasons = "; ".join(f"{what}: {count:,}" for what, count in self.counts.most_common())
        return [
            f"{names}: {counted(self.kept, noun)} kept{more}",
            f"{self.paths[-1]}: {counted(left_out, 'line')} left out"
            + (f" ({reasons})" if reasons else ""),
        ]

    def to_json(self) -> dict[str, object]:
        """Return the numbers of kept, exchanged and dropped lines as JSON."""
        return {
            "files": [str(path) for path in self.paths],
            "kept": self.kept,
            "exchanged": self.exchanged,
            "left_out": dict(self.counts.most_common()),
        }

    def _fault(self, path: str, line: int, reason: str, text: str) -> None:
        self.counts[UNREADABLE] += 1
        self._waiting.append((path, line, (self._place(path, line), "dropped", reason, text)))

    def _list_faults(self, path: str, line: float) -> None:
        """Write to the list all unreadable lines that come before the given line of a file. These
        lines were found earlier, because items are processed in blocks."""
        while self._waiting and (self._waiting[0][0] != path or self._waiting[0][1] < line):
            self._list(*self._waiting.pop(0)[2])

    def _list_item(self, item: Item, done: str, reason: str) -> None:
        self._list_faults(item.path, item.line)
        sides = (item.source,) if self.files.kind is Kind.TEXT else (item.source, item.target)
        self._list(self._place(item.path, item.line), done, reason, *sides)

    def _place(self, path: str, line: int) -> str:
        return f"{path}:{line}" if len(self.files.data.train) > 1 else str(line)

    def _list(self, place: str, done: str, reason: str, *texts: str) -> None:
        cells = [place, done, reason, *(_cell(text) for text in texts)]
        self._streams[-1].write("\t".join(cells) + "\n")

    def _write(self, item: Item) -> None:
        self.kept += 1
        first, *others = self._streams[:-1]
        kind = self.files.kind
        if kind is Kind.TEXT:
            first.write(f"{item.source}\n")
        elif self.paths[0].suffix == ".jsonl":
            first.write(json.dumps(self._record(item), ensure_ascii=False) + "\n")
        elif kind is Kind.TAGGED:
            pairs = zip(item.source.split(), item.target.split(), strict=True)
            first.write("".join(f"{word}\t{label}\n" for word, label in pairs) + "\n")
        elif others:
            first.write(f"{_cell(item.source)}\n")
            others[0].write(f"{_cell(item.target)}\n")
        else:
            texts = item.source.split(SECOND) if self.files.second else [item.source]
            first.write("\t".join(map(_cell, (*texts, item.target))) + "\n")

    def _record(self, item: Item) -> Mapping[str, object]:
        if self.files.kind is Kind.PAIRS:
            return {"source": item.source, "target": item.target}
        if self.files.kind is Kind.TAGGED:
            return {"text": item.source.split(), "label": item.target.split()}
        texts = item.source.split(SECOND) if self.files.second else [item.source]
        names = ("text",) if len(texts) == 1 else ("sentence1", "sentence2")
        return dict(zip(names, texts, strict=True)) | {"label": item.target}


def _cell(text: str) -> str:
    return _CELL_END.sub(" ", text)
