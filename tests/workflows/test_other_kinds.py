"""A run of the wrong kind is refused with the command that fits it."""

from pathlib import Path
from typing import Any

import pytest

from toy_runs import toy_run
from whyformer.bundle import Bundle, save_bundle
from whyformer.foundation.errors import UsageError
from whyformer.models.bert import AnswerOf, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.electra import ElectraSettings
from whyformer.models.gpt import GPTSettings
from whyformer.text.tokenizer import train_tokenizer
from whyformer.workflows.generate import load_language_model
from whyformer.workflows.labelling import load_labeller
from whyformer.workflows.systems import load_system

SMALL: dict[str, Any] = {"layers": 1, "d_model": 8, "heads": 2, "d_ff": 8}
KINDS = {
    "gpt": GPTSettings(**SMALL),
    "bert": BERTSettings(**SMALL),
    "labels": BERTSettings(**SMALL, outputs=2),
    "tags": BERTSettings(**SMALL, outputs=2, answer_of=AnswerOf.TOKENS),
    "electra": ElectraSettings(**SMALL),
}
FINE_TUNE = r"Fine-tune it first: `whyformer train --task classify --start-from RUN`"
FITTING = {
    "translate": "Use `whyformer translate`", "gpt": "Use `whyformer generate`",
    "bert": FINE_TUNE, "electra": FINE_TUNE,
    "labels": "Use `whyformer classify`", "tags": "Use `whyformer classify`",
}  # fmt: skip
VERBS = {
    "translate": (lambda run: load_system([run]), {"translate"}),
    "generate": (load_language_model, {"gpt"}),
    "classify": (load_labeller, {"labels", "tags"}),
}


def saved(kind: str, run: Path) -> Path:
    if kind == "translate":
        return toy_run(run)
    tokenizer = train_tokenizer("chars", ["a b"], vocabulary=300)
    model = build_model(KINDS[kind], (len(tokenizer),) * 2, shared=True)
    facts = {"labels": ["x", "y"], "row_tokens": 16}
    save_bundle(run / "model", Bundle(model.eval(), tokenizer, tokenizer, facts))
    return run


@pytest.mark.parametrize("kind", FITTING)
def test_the_message_names_the_command_that_fits(tmp_path, kind):
    run = saved(kind, tmp_path / "run")
    for load, fitting in VERBS.values():
        if kind in fitting:
            load(run)
        else:
            with pytest.raises(UsageError, match=FITTING[kind]):
                load(run)
