"""A benchmark's arithmetic and structure; never how fast anything was."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from tiny import batch_of, gpt, recurrent, shape
from toy_runs import toy_bundle, toy_run
from whyformer.bundle import save_bundle
from whyformer.cli.bench import worker
from whyformer.data.rows import TextBatch
from whyformer.foundation.errors import DataError, UsageError
from whyformer.lab.instruments.counter import count_operations
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import Transformer
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.tasks.translation import Translation
from whyformer.workflows.bench import engines, process
from whyformer.workflows.bench import measure as bench_module
from whyformer.workflows.bench.engines import decoding_summary, sentences_of
from whyformer.workflows.bench.lines import render
from whyformer.workflows.bench.measure import bench, training_summary, with_data
from whyformer.workflows.bench.process import BenchError, Contender, Programs, peak_mib, spread
from whyformer.workflows.bench.training import (
    batch_flops,
    ceilings,
    product_shapes,
    training_contender,
)

PROGRAMS = Programs(
    whyformer=[sys.executable, "-m", "whyformer"],
    contender=[sys.executable, "-m", "whyformer.cli.bench.worker"],
)
NOTHING = Programs(whyformer=["false"], contender=["false"])
SMALL = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 24, "training.batch_tokens": 64}
ECHO = """
from whyformer.workflows.bench.process import answer_questions
def ready():
    print("a library's chatter")
    return lambda question: {"doubled": 2 * question["number"]}
answer_questions(ready)
"""


def small(name="copy", **changes) -> Recipe:
    return resolve(name, SMALL | changes).recipe


@pytest.mark.parametrize(
    ("values", "low", "middle", "high"),
    [([7], 7, 7, 7), ([1, 2, 3, 4, 5], 2, 3, 4), ([4, 1, 3, 2], 1.75, 2.5, 3.25)],
)
def test_a_spread_is_median_and_quartiles(values, low, middle, high):
    assert spread(values) == {"median": middle, "p25": low, "p75": high}


def test_a_contender_answers_what_it_is_asked(monkeypatch):
    monkeypatch.setattr(process, "PAUSE_SECONDS", 0)
    with Contender("echo", [sys.executable, "-c", ECHO]) as contender:
        assert contender.about["memory_mib"] > 0
        assert [contender.ask(number=n)["doubled"] for n in (1, 4)] == [2, 8]


def test_a_contender_that_ends_is_reported_with_its_last_word():
    code = "import sys; sys.exit('out of luck')"
    with pytest.raises(BenchError, match="`unlucky` ended during its measurement: out of luck"):
        Contender("unlucky", [sys.executable, "-c", code])


def test_peak_memory_is_this_process_not_its_parents():
    assert peak_mib() > 50  # torch is loaded here
    code = "from whyformer.workflows.bench import process as b; print(b.peak_mib())"
    held = np.ones(2**25)  # 256 MiB more than the child has
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < peak_mib() - 200
    assert held.all()


@pytest.mark.parametrize("lengths", [(3, 3, 3), (2, 5, 1)])
def test_operations_of_a_batch_are_the_counters_of_its_rows(lengths):
    settings = shape()
    model = Transformer(settings, (13, 13)).eval()
    rows = [[5 + k % 8 for k in range(length)] for length in lengths]
    counted = 0
    for row in rows:
        one = batch_of([row])
        with torch.no_grad(), count_operations(model) as found:
            model(one.source, one.source_real, one.target)
        counted += found.total
    assert batch_flops(settings, 13, batch_of(rows)) == 3 * 2 * counted


def test_operations_of_a_text_batch_are_the_counters():
    model = gpt().eval()
    y = torch.full((2, 7), 6)
    with torch.no_grad(), count_operations(model) as counted:
        model(y)
    batch = TextBatch(target=y, labels=y, documents=None, tokens=14)
    assert batch_flops(model.settings, 13, batch) == 3 * 2 * counted.total


def test_a_family_without_a_formula_has_no_operations():
    assert batch_flops(recurrent().settings, 13, batch_of([[5]])) is None


def test_shapes_of_products_are_the_models():
    assert product_shapes(small(), 300) == [
        (64, 16, 16), (64, 16, 24), (64, 24, 16), (64, 16, 300)
    ]  # fmt: skip
    large = small(**{"training.batch_tokens": 4096})
    assert product_shapes(large, 300)[-1] == (512, 16, 300)


def test_ceilings_are_of_every_shape():
    found = ceilings(small(), 300, torch.device("cpu"), 0.01)
    assert [shape["outer"] for shape in found["shapes"]] == [16, 24, 16, 300]
    assert all(shape["gflops"] > 0 for shape in found["shapes"])
    assert found["copy_gb_per_second"] > 0


def test_training_by_hand():
    ceiling = {"shapes": [{"gflops": 2.0}, {"gflops": 4.0}]}
    turn = {"updates": 2, "tokens": 100, "flops": 8e9, "seconds": 4.0, "memory_mib": 10}
    found = training_summary([(ceiling, turn), (ceiling, turn | {"seconds": 2.0})])
    assert found["tokens_per_second"]["median"] == (25 + 50) / 2
    assert found["share_of_ceiling"]["median"] == (0.5 + 1.0) / 2
    assert found["mflop_per_token"] == 80
    assert found["tokens_per_update"] == 50
    assert training_summary([(ceiling, turn | {"flops": None})])["share_of_ceiling"] is None


def test_decoding_by_hand():
    seconds = [k / 1000 for k in range(1, 102)]  # 1 to 101 ms
    turn = {"seconds": seconds, "tokens": 1010, "sentences": 101, "memory_mib": 10}
    found = decoding_summary([turn, turn])
    assert found["ms_p50"]["median"] == pytest.approx(51)
    assert found["ms_p95"]["median"] == pytest.approx(96)
    assert found["tokens_per_second"]["median"] == pytest.approx(1010 / sum(seconds))
    assert found["tokens_per_sentence"] == 10


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["copy", "tiny-gpt"])
def test_the_training_contender_makes_real_updates(name, tmp_path):
    recipe = small(name, **({"data.row_tokens": 16} if name == "tiny-gpt" else {}))
    config = {"recipe": recipe.model_dump(mode="json"), "data": str(tmp_path)}
    respond = training_contender(json.loads(json.dumps(config)))
    about = respond({"do": "about"})
    assert about["parameters"] > 0
    assert about["threads"] == torch.get_num_threads()
    found = respond({"do": "updates", "seconds": 0})
    assert found["updates"] == 3
    assert found["tokens"] > 0
    assert found["flops"] > 0
    again = respond({"do": "updates", "seconds": 0})
    assert again["flops"] < 2 * found["flops"]  # counted anew


@pytest.mark.usefixtures("unchecked")
def test_a_decoding_contender_translates_singly_or_all_at_once(tmp_path):
    config = {
        "contender": "torch",
        "weights": "float32",
        "directory": str(toy_run(tmp_path / "run")),
        "search": {"max_length": 4},
        "sentences": ["a b c", "d"],
    }
    respond = worker.load(config)
    found = respond({"do": "time", "beam": 2, "batch": 2, "count": 5})
    assert len(found["seconds"]) == 1
    assert len(respond({"do": "time", "beam": 2, "batch": 1, "count": 5})["seconds"]) == 5
    assert found["sentences"] == 5
    assert 5 <= found["tokens"] <= 5 * 5
    assert len(respond({"do": "write", "texts": ["a", "b c"]})["texts"]) == 2


def test_pairs_are_made_up_only_where_none_are_there(tmp_path):
    absent = resolve("translate", {"data.train": [str(tmp_path / "absent.tsv")]}).recipe
    for recipe in (absent, resolve("translate").recipe):
        made, origin = with_data(recipe, tmp_path / "made")
        assert "generated" in origin
        assert all((tmp_path / "made" / f"{name}.tsv").is_file() for name in ("train", "dev"))
        assert made.model == recipe.model
    own = tmp_path / "own.tsv"
    own.write_text("a\tb\n")
    there = resolve("translate", {"data.train": [str(own)]}).recipe
    assert with_data(there, tmp_path) == (there, str(own))
    assert with_data(small(), tmp_path) == (small(), "copy")


def test_sentences_come_longest_first_and_must_be_some(tmp_path):
    task = Translation(small(), tmp_path / "data")
    file = tmp_path / "s.txt"
    file.write_text("a\n\nb c d\ne f\n")
    assert sentences_of(task, file) == ["b c d", "e f", "a"]
    file.write_text("\n \n")
    with pytest.raises(DataError, match="must have a sentence"):
        sentences_of(task, file)


def test_what_does_not_go_together(tmp_path):
    recipe = resolve("copy")
    with pytest.raises(UsageError, match="`--seconds` must be above 0"):
        bench(recipe, PROGRAMS, seconds=0)
    with pytest.raises(UsageError, match="Give all three"):
        bench(recipe, PROGRAMS, references=[tmp_path / "r"])


@pytest.mark.usefixtures("unchecked")
def test_a_run_that_translates_nothing_is_refused_before_anything_is_measured(tmp_path):
    words = toy_bundle()
    sizes = (len(words.source_tokenizer),) * 2
    model = GPT(GPTSettings(layers=1, d_model=16, heads=2, d_ff=24), sizes)
    save_bundle(tmp_path / "model", replace(words, model=model))
    with pytest.raises(UsageError, match="holds a model of kind `gpt`, which does not translate"):
        bench(resolve("copy"), NOTHING, run=tmp_path)


def test_a_contender_that_ends_when_asked_is_reported(monkeypatch):
    monkeypatch.setattr(process, "PAUSE_SECONDS", 0)
    code = ECHO.replace("2 * question", "1 / 0 * question")
    with (
        pytest.raises(BenchError, match="`echo` ended during its measurement: ZeroDivisionError"),
        Contender("echo", [sys.executable, "-c", code]) as contender,
    ):
        contender.ask(number=1)


def summary(**changes):
    turn = {"seconds": [0.01], "tokens": 9, "sentences": 1, "memory_mib": 10.0}
    one = {"engine": "torch", "search": "greedy", "beam": 1, "batch": 1}
    training = {"updates": 2, "tokens": 100, "flops": 8e9, "seconds": 4.0, "memory_mib": 10}
    ceiling = {"shapes": [{"gflops": 2.0}]}
    shape_found = {"rows": 1, "inner": 2, "outer": 3, "gflops": spread([2.0])}
    return {
        "whyformer": "0", "python": "3", "torch": "2", "processor": "p", "cores": 2,
        "recipe": "copy", "task": "translate", "model": "m", "data": "copy", "run": None,
        "rounds": 5, "seconds": 1, "device": "cpu", "precision": "fp32", "threads": 2,
        "parameters": 5, "vocabulary": 7,
        "ceilings": {"gflops": spread([2.0]), "shapes": [shape_found],
                     "copy_gb_per_second": spread([1.0])},
        "training": training_summary([(ceiling, training)]),
        "decoding": [one | {"batch": n} | decoding_summary([turn]) for n in (1, 64)],
        "left_out": {"ctranslate2": "not installed"},
        "quality": {"torch": {"bleu": {"value": 12.345}, "chrf": {"value": 67.0}}},
        "starting": {"help_seconds": spread([0.5]), "first_answer_seconds": spread([2.0])},
        "cores_used_by_others": 0.0,
        **changes,
    }  # fmt: skip


def test_the_table_says_everything_measured():
    text = render(summary())
    for word in (
        "2 threads on 2 cores", "torch 2", "25 [25–25] target tokens/s", "100.0 [100.0–100.0] %",
        "10.00 [10.00–10.00]", "900 [900–900]", "left out: ctranslate2: not installed", "12.3",
        "--help 0.50", "medians of 5 alternating rounds",
    ):  # fmt: skip
        assert word in text, word
    assert "BUSY MACHINE" not in text


def test_the_table_admits_noise_and_what_is_missing():
    training = summary()["training"] | {"share_of_ceiling": None, "mflop_per_token": None}
    text = render(summary(cores_used_by_others=1.5, decoding=None, quality=None, training=training))
    assert "BUSY MACHINE: other programs used 1.50 cores" in text
    assert "there is no formula" in text


@pytest.mark.slow
def test_everything_is_measured_once(tmp_path, monkeypatch):
    for module in (bench_module, engines):
        monkeypatch.setattr(module, "ROUNDS", 1)
    run = toy_run(tmp_path / "run")
    for name in ("source", "references"):
        (tmp_path / name).write_text("a b c\nc b a\ne\n")
    recipe = resolve("copy", SMALL)
    found = bench(
        recipe,
        PROGRAMS,
        run=run,
        source=tmp_path / "source",
        references=[tmp_path / "references"],
        seconds=0.1,
    )
    found = json.loads(json.dumps(found))
    assert set(found) == set(summary())
    timed = {(one["engine"], one["beam"], one["batch"]) for one in found["decoding"]}
    both = ("torch", "torch-int8")
    assert timed >= {(name, beam, batch) for name in both for beam in (1, 5) for batch in (1, 64)}
    assert {engine for engine, _, _ in timed} | set(found["left_out"]) >= {
        "torch", "ctranslate2", "ctranslate2-int8"
    }  # fmt: skip
    assert set(found["quality"]["torch"]) == {"bleu", "chrf"}
    assert set(found["starting"]) == {"help_seconds", "first_answer_seconds"}
    assert render(found)
