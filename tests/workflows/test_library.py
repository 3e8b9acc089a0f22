"""What ``import whyformer`` offers."""

import subprocess
import sys

import pytest

import whyformer
from toy_runs import toy_run
from whyformer.foundation.errors import BundleError, ConfigError, UsageError


def test_load_and_translate(tmp_path):
    model = whyformer.load(toy_run(tmp_path / "run"))
    texts = model.translate(["a b", "", "c"])
    assert len(texts) == 3
    assert texts[1] == ""
    answers = model.answers(["a b", "", "c"], nbest=2)
    assert [answer.text for answer in answers] == texts
    assert len(answers[0].hypotheses) == 2
    assert model.search.beam == 2
    (score,) = model.score(["a b"], [texts[0]])
    assert score is not None
    assert score.log_probability < 0
    (best,) = (one for _, one in answers[0].hypotheses[:1])
    (score,) = model.score(["a b"], [best])
    assert score is not None
    assert score.log_probability == pytest.approx(best.log_probability, abs=1e-4)


def test_an_ensemble(tmp_path):
    runs = [toy_run(tmp_path / str(seed), seed) for seed in (1, 2)]
    assert len(whyformer.load(*runs).translate(["a"])) == 1


def test_train_and_load(tmp_path):
    outcome = whyformer.train(
        "copy",
        out=tmp_path / "run",
        overrides={"training.updates": 2, "validation.sentences": 2},
        quiet=True,
    )
    assert outcome.updates == 2
    assert len(whyformer.load(outcome.run).translate(["s00 s01"])) == 1


def test_messages(tmp_path):
    with pytest.raises(BundleError, match="does not exist"):
        whyformer.load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="is neither a built-in recipe nor a YAML file"):
        whyformer.train("nothing", out=tmp_path / "x")
    model = whyformer.load(toy_run(tmp_path / "run"))
    with pytest.raises(UsageError, match=r"must be a list of texts.*Write \[text\]"):
        model.translate("one")
    with pytest.raises(UsageError, match=r"`sources` must be a list of texts"):
        model.score("ab", "cd")
    with pytest.raises(UsageError, match=r"`targets` must be a list of texts"):
        model.score(["a", "b"], "cd")
    with pytest.raises(ConfigError, match=r"`beem` is not a setting. Did you mean `beam`"):
        model.translate(["one"], beem=3)
    with pytest.raises(AttributeError, match="has no attribute `lod`"):
        _ = whyformer.lod
    assert {"Transformer", "fit", "load", "observe", "train"} <= set(dir(whyformer))


def test_every_name_is_found_and_importing_the_package_loads_no_torch():
    assert all(getattr(whyformer, name) is not None for name in whyformer.__all__)
    said = "import sys, whyformer; print('torch' in sys.modules, 'IPython' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", ["max_length", "min_length"])
def test_no_length_may_exceed_what_the_model_was_made_for(tmp_path, name):
    model = whyformer.load(toy_run(tmp_path / "run", max_length=32))
    both = {"max_length": 32, "min_length": 32}
    assert len(model.answers(["a b"], **both)[0].hypotheses[0][1].tokens) <= 32
    with pytest.raises(UsageError, match=rf"`{name}` must be at most 32 .*but it is 100,000"):
        model.translate(["a b"], **{name: 100_000})
