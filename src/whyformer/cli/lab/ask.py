"""``whyformer ask``: answer a question in English or Korean with the results of the laboratory."""

import sys
from typing import Literal

from whyformer.cli.shared.options import Flag

EXAMPLES = """Examples:

  whyformer ask "왜 루트 d_k로 나누나요?"
  whyformer ask why sqrt dk
  whyformer ask "does post-norm need warm-up?" --json

The command compares the words with the keywords of each question; it uses no
model. If no question of the laboratory matches, the nearest questions are shown
(`nearest` with --json), and the exit code is 2."""

NEAREST = 3
"""Number of similar questions to show if no question matches."""


def ask(*words: str, lang: Literal["en", "ko"] | None = None, json: Flag = False) -> int:
    """Find the matching question of the laboratory, and print claims, verdicts and numbers.

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
    from whyformer.lab.matching import matches
    from whyformer.lab.method.questions import experiment_named, written
    from whyformer.lab.method.record import result_of
    from whyformer.lab.pages.answers import answer, as_json, language_of
    from whyformer.lab.pages.wording import WORDS

    language = language_of(query) if lang is None else Language(lang)
    near = matches(query)
    found = [match.experiment for match in near if match.answers]
    if not found:
        nearest = [match.experiment for match in near[:NEAREST]]
        shown = nearest or [experiment_named(name) for name in written()[:NEAREST]]
        if json:
            questions = [
                {"name": one.name, "question": {"en": one.question.en, "ko": one.question.ko}}
                for one in nearest
            ]
            print_json({"asked": query, "name": None, "nearest": questions})
        else:
            print(f"{WORDS['nearest' if nearest else 'answered'].in_(language)}:", file=sys.stderr)
            for one in shown:
                print(f"  {one.question.in_(language)}  ({one.name})", file=sys.stderr)
        raise UsageError(WORDS["nothing_found"].in_(language))
    first, others = found[0], [experiment.name for experiment in found[1:4]]
    if json:
        print_json({"asked": query, **as_json(first, result_of(first.name)), "also": others})
        return 0
    say(answer(first, result_of(first.name), language))
    if others:
        print(f"{WORDS['also'].in_(language)}: {', '.join(others)}", file=sys.stderr)
    return 0
