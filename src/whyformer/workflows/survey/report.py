"""Survey data files: compute statistics, find faults, and give advice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from whyformer.data.survey.explain import explained, unusual_length
from whyformer.data.survey.findings import (
    NEAR,
    NOUNS,
    few,
    important,
    near_duplicates,
    other_script,
    percent,
)
from whyformer.data.survey.profile import Kind
from whyformer.data.survey.reasons import POSSIBLE, Reason, dropped_by_default, words
from whyformer.data.survey.strangest import Strange
from whyformer.data.survey.survey import Survey, surveyed
from whyformer.foundation.wording import counted
from whyformer.tasks.pair_sources import MAX_HELD_OUT
from whyformer.workflows.auto.contents import is_number
from whyformer.workflows.survey.clean import Cleaner
from whyformer.workflows.survey.files import Files, Item

HELD_OUT_LABELLED = 5000
"""Maximum number of labelled texts that training holds out."""
RARE_LABEL = 5
"""A label with fewer texts than this is hard to learn."""
HALF = 0.3
"""If more than this share of the items have the same fault, the faults may have a common
cause."""
MANY_LABELS = 0.5
"""If the number of different labels is more than this share of the texts, the column probably does
not contain labels."""


@dataclass(frozen=True)
class DataReport:
    """The report on data files.

    Args: advice: sentences of advice, the most important first.
    """

    files: Files
    survey: Survey[Item]
    advice: Sequence[str]

    @property
    def kind(self) -> Kind:
        """The kind of data in the files."""
        return self.survey.kind

    @property
    def dropped(self) -> frozenset[Reason]:
        """The reasons for which `--clean` leaves a line out by default."""
        return dropped_by_default(self.kind, given_validation=self.survey.given_validation)

    @property
    def found(self) -> list[tuple[Reason, int]]:
        """The reasons to drop a line that were found, with the number of items for each."""
        counts = self.survey.found
        present = [(reason, counts[reason]) for reason in POSSIBLE[self.kind] if counts[reason]]
        return sorted(present, key=lambda one: -one[1])

    @property
    def absent(self) -> list[Reason]:
        """The reasons to drop a line that were not found in the files."""
        return [reason for reason in POSSIBLE[self.kind] if not self.survey.found[reason]]

    def explained(self, one: Strange[Item]) -> str:
        """Return a text that tells why an item is strange."""
        if one.reason is None:
            return unusual_length(one.item, self.survey.profile)
        return explained(one.reason, one.item, self.survey.profile)

    def to_json(self) -> dict[str, Any]:
        """Return all figures as JSON."""
        survey, repeats = self.survey, self.survey.repeats
        source, target = self.files.task_words
        sides: dict[str, Any] = {source: survey.source.to_json()}
        if self.kind is Kind.PAIRS:
            sides[target] = survey.target.to_json()
        labels = dict(survey.labels.most_common(1000))
        return {
            "files": self.files.described,
            "kind": self.kind,
            "count": survey.count,
            **sides,
            **({"labels": labels, "different_labels": len(survey.labels)} if labels else {}),
            "unreadable_lines": self.files.faults.count,
            "different_sources": repeats.sources,
            "sources_with_several_targets": repeats.several,
            "validation": {
                "files": self.files.validation,
                "count": repeats.validation,
                "near_duplicates": repeats.near_validation,
                "opposite_direction": survey.opposite,
            },
            "findings": {
                reason: {
                    "count": survey.found[reason],
                    "share": survey.share(reason),
                    "what": words(reason, self.kind),
                    "clean": self.treatment(reason),
                }
                for reason in POSSIBLE[self.kind]
            },
            "advice": list(self.advice),
            "strangest": [
                {
                    "line": one.item.place,
                    "reason": one.reason,
                    "what": self.explained(one),
                    source: one.item.source,
                    **({target: one.item.target} if self.kind is not Kind.TEXT else {}),
                }
                for one in survey.strangest
            ],
        }

    def treatment(self, reason: Reason) -> str:
        """Return a text that tells what `--clean` does with lines that have this fault."""
        if reason is Reason.SWAPPED:
            return "exchanges the sides"
        return "leaves it out" if reason in self.dropped else "keeps it"


def report(
    files: Files,
    *,
    cleaner: Cleaner | None = None,
    progress: Callable[[str, int], None] = lambda what, count: None,
) -> DataReport:
    """Survey files and return the report.

    Args:
        cleaner: object that writes the good lines; None writes nothing.
        progress: see `surveyed`.
    """

    def first_pass_done(count: int) -> None:
        files.refuse_faults(count)
        if cleaner is not None:
            cleaner.start()

    data = files.data
    most = MAX_HELD_OUT if files.kind is Kind.PAIRS else HELD_OUT_LABELLED
    survey = surveyed(
        files.kind,
        files.read,
        validation=files.read_validation if files.validation else None,
        headings=files.headings,
        held_out=(data.dev_share, most),
        first_pass_done=first_pass_done,
        on_block=cleaner.add if cleaner else lambda *block: None,
        progress=progress,
    )
    return DataReport(files, survey, [*_advice(files, survey)])


def _advice(files: Files, survey: Survey[Item]) -> list[str]:
    found: list[str] = []
    if text := few(survey.kind, survey.count):
        found.append(text)
    if files.faults.count:
        error = files.faults.errors[0]
        found.append(f"{counted(files.faults.count, 'line')} cannot be read. The first: {error}")
    found += _columns(files, survey)
    if survey.opposite:
        found.append(
            "The validation data has the opposite direction: its sources are in the language of "
            "the targets. Exchange the columns of the validation data."
        )
    if (shifted := survey.alignment).first is not None:
        line, lag = shifted.first + 1, shifted.lag
        side = "target" if lag < 0 else "source"
        found.append(
            f"From about pair {line:,}, source and target do not belong together: the {side}s seem "
            f"to lack {counted(abs(lag), 'line')} before it. Correct the files."
        )
    noun = NOUNS[survey.kind]
    for reason, text in important(survey.kind, {one: survey.share(one) for one in Reason}):
        found.append(f"{text}.{_more(survey, reason)}")
    near, of = survey.repeats.near_validation, survey.repeats.validation
    if near > NEAR * of and survey.kind is not Kind.TEXT:
        found.append(near_duplicates(near, of, noun, given=survey.given_validation))
    return found


def _more(survey: Survey[Item], reason: Reason) -> str:
    """Return additional sentences about an important finding."""
    if reason is Reason.SWAPPED:
        more = " The direction of the other pairs is taken as the right one."
        return " --clean exchanges their sides." + (more if survey.share(reason) > HALF else "")
    if survey.share(reason) > HALF:
        return " Check the columns."
    return ""


def _columns(files: Files, survey: Survey[Item]) -> list[str]:
    """Return sentences about columns that are probably the wrong ones."""
    found: list[str] = []
    names = [*files.headings][:1] or [files.suffixes or ("", "")]
    if survey.kind is Kind.PAIRS:
        for side, name in enumerate(names[0]):
            if script := other_script(name, survey.profile.scripts[side]):
                found.append(f"The side `{name}` is mostly {script}. Check the columns.")
        return found
    if survey.kind is Kind.LABELLED and survey.labels:
        different = len(survey.labels)
        numbers = all(is_number(label) for label in list(survey.labels)[:1000])
        if different == 1:
            found.append("All labels are equal, so there is nothing to learn. Check the columns.")
        elif different > MANY_LABELS * survey.count and not numbers:
            found.append(
                f"There are {counted(different, 'different label')} for "
                f"{counted(survey.count, 'text')}: is this column the "
                "label? Name the columns: --columns TEXT,LABEL."
            )
        elif not numbers:
            rare = [label for label, count in survey.labels.items() if count < RARE_LABEL]
            if rare:
                shown = ", ".join(rare[:3]) + (", …" if len(rare) > 3 else "")
                found.append(
                    f"{counted(len(rare), 'label')} with fewer than {RARE_LABEL} texts: {shown}."
                )
    return found


def share_of(report: DataReport, reason: Reason) -> str:
    """Return the percentage of items that have the fault ``reason``, as text."""
    return percent(report.survey.share(reason))
