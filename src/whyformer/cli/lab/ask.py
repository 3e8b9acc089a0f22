"""``whyformer ask``: answer a question in English or Korean with the results of the laboratory."""

import sys
from typing import TYPE_CHECKING, Any, Literal

from whyformer.cli.shared.options import Flag

if TYPE_CHECKING:
    from whyformer.foundation.bilingual import Language
    from whyformer.lab.matching.find import Found
    from whyformer.lab.matching.open_questions import OpenQuestion
    from whyformer.lab.method.experiment import Experiment

EXAMPLES = """Examples:

  whyformer ask "왜 루트 d_k로 나누나요?"
  whyformer ask why sqrt dk
  whyformer ask "does post-norm need warm-up?" --json

The command compares the words of the question with the texts of the
laboratory; it uses no model. If the laboratory has not measured the answer
yet, the command says so and shows related questions (`not_yet` with --json).
If no question matches, the nearest questions are shown (`nearest` with
--json), and the exit code is 2."""

EXAMPLE_QUESTIONS = 3
"""Number of questions to show if no question is near."""


def ask(*words: str, lang: Literal["en", "ko"] | None = None, json: Flag = False) -> int:
    """Find the matching question of the laboratory, and print a short answer and the verdicts.

    Args:
        words: The question, in English or Korean.
        lang: Language of the answer: en or ko (default: the language of the question).
        json: Print the answer as one JSON object.
    """
    from whyformer.foundation.errors import UsageError

    query = " ".join(words).strip()
    if not query:
        raise UsageError(
            'A question is required and was not given. Ask, for example, "why sqrt dk".'
        )
    from whyformer.cli.lab.lab import say
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.bilingual import Language
    from whyformer.lab.matching.find import find
    from whyformer.lab.matching.open_questions import OpenQuestion
    from whyformer.lab.pages.answers import language_of
    from whyformer.lab.pages.wording import WORDS

    language = language_of(query) if lang is None else Language(lang)
    found = find(query)
    if json:
        print_json({"asked": query, **_as_json(found)})
    if found.answer is None:
        if not json:
            _print_nearest(found, language)
        raise UsageError(WORDS["nothing_found"].in_(language))
    if json:
        return 0
    if isinstance(found.answer, OpenQuestion):
        say(_not_measured(found.answer, language))
    else:
        say(_answer(found.answer, language))
    if found.near:
        say("\n".join(["", f"{WORDS['also'].in_(language)}:", *_questions(found.near, language)]))
    return 0


def _answer(experiment: "Experiment", language: "Language") -> str:
    """Return the answer in one sentence, the advice, the verdicts, the command that measures them
    again, and the page."""
    from whyformer.lab.method.experiment import Mode
    from whyformer.lab.method.record import result_of
    from whyformer.lab.pages.answers import page_of, title, verdict_words
    from whyformer.lab.pages.cards import facts_of
    from whyformer.lab.pages.wording import WORDS

    record = result_of(experiment.name)
    facts = facts_of(experiment, record.results if record else None)
    lines = [f"{title(experiment, record, language)}  ({experiment.name})", ""]
    if (brief := experiment.brief) is not None:
        practice = f"{WORDS['practice'].in_(language)}: {brief.practice.in_(language)}"
        lines += [brief.answer.in_(language), "", practice, ""]
    lines.append(WORDS["claims"].in_(language))
    for claim in experiment.claims:
        verdict = verdict_words(facts.judgements.get(claim.name), language)
        lines.append(f"  {verdict}: {claim.popular.in_(language)}")
    command = experiment.command_of(Mode.FULL)
    return "\n".join([
        *lines,
        "",
        f"{WORDS['reproduce'].in_(language)}: {command}",
        f"{WORDS['page'].in_(language)}: {page_of(experiment, language)}",
    ])  # fmt: skip


def _not_measured(topic: "OpenQuestion", language: "Language") -> str:
    """Return an open question, and a text that it is not measured yet."""
    from whyformer.lab.matching.wording import NOT_MEASURED

    return "\n".join([
        topic.question.in_(language),
        "",
        NOT_MEASURED.in_(language),
        topic.text.in_(language),
    ])  # fmt: skip


def _print_nearest(found: "Found", language: "Language") -> None:
    """Print the nearest questions, or examples of questions, on standard error."""
    from whyformer.lab.matching.wording import ALL_QUESTIONS
    from whyformer.lab.method.questions import experiment_named, written
    from whyformer.lab.pages.wording import WORDS

    examples = tuple(experiment_named(name) for name in written()[:EXAMPLE_QUESTIONS])
    print(f"{WORDS['nearest' if found.near else 'answered'].in_(language)}:", file=sys.stderr)
    print("\n".join(_questions(found.near or examples, language)), file=sys.stderr)
    if found.near:
        print(ALL_QUESTIONS.in_(language), file=sys.stderr)


def _questions(experiments: "tuple[Experiment, ...]", language: "Language") -> list[str]:
    return [f"  {one.question.in_(language)}  ({one.name})" for one in experiments]


def _as_json(found: "Found") -> dict[str, Any]:
    """Return the answer, or the open question, and the near questions as JSON values."""
    from whyformer.foundation.bilingual import Language
    from whyformer.lab.matching.open_questions import OpenQuestion
    from whyformer.lab.method.experiment import Mode
    from whyformer.lab.method.record import result_of
    from whyformer.lab.pages.answers import as_json, page_of

    answer = found.answer
    if answer is not None and not isinstance(answer, OpenQuestion):
        return {
            **as_json(answer, result_of(answer.name)),
            "command": answer.command_of(Mode.FULL),
            "page": {str(language): page_of(answer, language) for language in Language},
            "also": [one.name for one in found.near],
        }
    topic = None
    if answer is not None:
        topic = {
            "name": answer.name,
            "question": {"en": answer.question.en, "ko": answer.question.ko},
            "text": {"en": answer.text.en, "ko": answer.text.ko},
        }
    near = [
        {"name": one.name, "question": {"en": one.question.en, "ko": one.question.ko}}
        for one in found.near
    ]
    return {"name": None, "not_yet": topic, "nearest": near}
