"""A model card says what the run recorded, and nothing else."""

from pathlib import Path

import pytest
import yaml

from toy_runs import toy_run
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.evaluation.score import Score
from whyformer.evaluation.significance import Comparison
from whyformer.evaluation.verdict import Verdict
from whyformer.workflows.library import train
from whyformer.workflows.model_card import CODE, COMMANDS, CardFacts, hub_task, model_card
from whyformer.workflows.verdict.verdict import write_verdict

TEXTS = [(f"{word} {number}", word) for word in ("good", "bad") for number in range(60)]
SMALL = {
    "task": "classify", "model.layers": 1, "model.d_model": 16, "model.heads": 2,
    "model.d_ff": 16, "training.updates": 3, "validation.every": 3, "text.lowercase": True,
    "model.max_length": 32, "data.row_tokens": 32,
}  # fmt: skip


def score(value: float, interval: tuple[float, float] | None) -> Score:
    return Score("accuracy", value, "percent, higher is better", interval, "exact", 40)


def verdict(difference: float) -> Verdict:
    low, high = difference - 1, difference + 1
    found = Comparison(
        "accuracy", "baseline", "model", difference, (low, high), 0.01, "bootstrap", 999, 1
    )
    return Verdict(
        score(91.25, (88.5, 93.75)), True, "text", "logistic regression", score(80.0, None), found,
        ("These items neither trained the model nor selected its weights.",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("card") / "run"
    data = run.parent / "private" / "reviews.tsv"
    data.parent.mkdir()
    data.write_text("".join(f"{text}\t{label}\n" for text, label in TEXTS), encoding="utf-8")
    train(out=run, data=str(data), overrides=SMALL, quiet=True)
    return run


def parts(card: str) -> tuple[dict, str]:
    """Return the metadata and the text of a card."""
    _, header, body = card.split("---\n", 2)
    return yaml.safe_load(header), body


def test_the_card_has_the_scores_with_intervals_and_the_baseline(classifier: Path):
    write_verdict(classifier, verdict(11.25), identity="x", step=3)
    given = CardFacts("Reviews", ("en", "ko"), "apache-2.0", "collected by us, CC BY 4.0")
    header, body = parts(model_card(classifier, given, "me/reviews"))
    assert header["language"] == ["en", "ko"]
    assert header["license"] == "apache-2.0"
    assert header["pipeline_tag"] == "text-classification"
    (result,) = header["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "name": "accuracy", "value": 91.25}]
    assert "| this model | accuracy | 91.25 | 88.50 to 93.75 | 40 |" in body
    assert "| baseline: logistic regression | accuracy | 80.00 | – | 40 |" in body
    assert "neither trained the model nor selected its weights" in body
    assert 'model="me/reviews"' in body
    assert "- Licence: collected by us, CC BY 4.0" in body
    assert "- Training: `reviews.tsv`." in body
    assert "It predicts 2 labels: `bad`, `good`." in body
    assert "3 updates in" in body
    assert "at most 32 tokens" in body
    assert "converted to lower case" in body
    assert "baseline (logistic regression)." not in body  # it is better


def test_the_card_has_no_path_of_the_data(classifier: Path):
    card = model_card(classifier, CardFacts("Reviews"))
    assert "private" not in card.replace("type: private", "")
    assert str(classifier.parent) not in card
    assert "- Licence: not stated." in card


def test_a_model_that_is_not_better_than_its_baseline_says_so(classifier: Path):
    write_verdict(classifier, verdict(-0.5), identity="x", step=3)
    card = model_card(classifier, CardFacts("Reviews"))
    assert "this model is not better than a simple baseline (logistic regression)" in card
    write_verdict(classifier, verdict(-5.0), identity="x", step=3)
    assert "this model is worse than a simple baseline" in model_card(classifier, CardFacts("R"))


def test_a_run_without_verdict_has_the_scores_of_the_validation(classifier: Path):
    (classifier / "verdict.json").unlink(missing_ok=True)
    header, body = parts(model_card(classifier, CardFacts("Reviews")))
    assert "model-index" not in header
    assert "On the validation set, which also selected the weights: loss" in body


def test_a_model_without_its_run_has_no_record_of_the_training(tmp_path: Path):
    bundle = load_bundle(toy_run(tmp_path / "run"))
    facts = {**bundle.facts, "imported": {"model_type": "marian"}}
    alone = tmp_path / "alone"
    save_bundle(
        alone, Bundle(bundle.model, bundle.source_tokenizer, bundle.target_tokenizer, facts)
    )
    card = model_card(alone, CardFacts("Toy"))
    assert (
        "There is no record of the training. It was imported from a model of type marian." in card
    )
    assert "This model was not evaluated." in card
    assert hub_task(bundle.model.settings) == "translation"


def test_every_task_of_the_hub_has_examples():
    assert CODE.keys() == COMMANDS.keys()
