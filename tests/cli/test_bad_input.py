"""Whatever is asked wrongly: exit code 2, one sentence, no traceback, nothing overwritten."""

import errno
import importlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from toy_runs import seal
from whyformer.workflows.runs.lock import only_run_in

COPY = ("train", "copy", "--training.updates", "4", "--validation.sentences", "4")


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def fit_for_use(out: Path) -> bool:
    """Say whether a model stands there."""
    return (out / "model").exists()


# --- data to train on


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.tsv", None, r"`.*absent\.tsv` does not exist"),
        ("empty.tsv", "", r"`.*empty\.tsv` must have at least one line, but it is empty"),
        (
            "one.tsv",
            "a\tb\nonly\n",
            r"one\.tsv:2: a line must have as many columns as the other lines",
        ),
        ("three.tsv", "a\tb\tc\n", r"three\.tsv` has 3 columns, and it is not clear"),
        ("bytes.tsv", b"a\tb\n\xff\tb\n", r"bytes\.tsv:2: text must be UTF-8, but byte 0xff"),
        (
            "long.tsv",
            "x" * 100_000 + "\ty\n",
            r"none of 1 was kept: more than 20,000 characters: 1 \(.*long\.tsv:1\)",
        ),
        ("gap.tsv", "\t\n\t\n\t\n", r"none of 3 was kept: empty source: 3 \(.*gap\.tsv:1, "),
    ],
)
def test_training_data(cli, tmp_path, out, name, content, message):
    if content is not None:
        write(tmp_path / name, content)
    said = cli("train", "--data", tmp_path / name, "--out", out)
    assert re.search(message, said.sentence)
    assert not fit_for_use(out)


def test_files_side_by_side_with_unequal_lines(cli, tmp_path, out):
    write(tmp_path / "train.ko", "a\nb\nc\n")
    write(tmp_path / "train.en", "a\nb\n")
    said = cli(
        *("train", "--data", tmp_path / "train", "--source", "ko", "--target", "en", "--out", out)
    )
    assert re.search(r"train\.ko` has 3 and `.*train\.en` has 2", said.sentence)
    assert not fit_for_use(out)


def test_all_lines_filtered_away(cli, tmp_path, out):
    data = write(tmp_path / "d.tsv", "".join(f"a{i} b\tc\n" for i in range(50)))
    said = cli(
        *("train", "--data", data, "--dev", data, "--out", out),
        *("--data.filters.max-characters", "1"),
    )
    assert re.search(r"none of 50 was kept: .*Change the data or its filters", said.sentence)
    assert not fit_for_use(out)


def test_a_line_of_100_000_characters_does_not_stop_the_others(cli, tmp_path, out):
    lines = [f"w{i % 7} w{i % 5}\tw{i % 5} w{i % 7}" for i in range(300)]
    lines[7] = "x" * 100_000 + "\ty"
    data = write(tmp_path / "d.tsv", "\n".join(lines) + "\n")
    said = cli(
        *("train", "--data", data, "--dev", data, "--out", out, "--quiet", "--json"),
        *("--preset", "tiny", "--training.updates", "1", "--training.minutes", "null"),
        *("--validation.metric", "loss", "--text.units", "words"),
    )
    assert said.code == 0, said.err
    report = json.loads((out / "corpus" / "corpus.json").read_text(encoding="utf-8"))["report"]
    assert (report["read"], report["kept"]) == (300, 299)


def test_no_data_and_no_out(cli, out):
    assert "`--out` is required and was not given" in cli("train").sentence
    said = cli("train", "--out", out)
    assert "There is nothing to train on: `data.train` is empty" in said.sentence


# --- recipes and settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model:\n  d_modle: 64\n", r"r\.yaml:2: `model\.d_modle` is not a setting\. Did you mean "
         r"`d_model`\?"),
        ("modle:\n  d_model: 64\n", r"r\.yaml:1: `modle` is not a setting\. Did you mean `model`"),
        ("model:\n  d_model: wide\n", r'r\.yaml:2: `model\.d_model` must .* "wide" was found'),
        ("model:\n  d_model: 100\n  heads: 7\n", r"`d_model` must be divisible by `heads`.* 100 is "
         r"not divisible by 7\. Choose heads from 1, 2, 4, 5, 10"),
        ("model:\n  heads: 2\n  heads: 4\n", r"r\.yaml:3: `heads` is given twice"),
        ("model: [\n", r"r\.yaml:2: not valid YAML"),
        ("- a\n", r"r\.yaml:1: a recipe is a mapping"),
        (b"model: \xff\n", r"r\.yaml` is not UTF-8 text"),
        (None, r"r\.yaml` does not exist"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [("train", "--out", "OUT"), ("config", "show"), ("check",)])
def test_recipe_files(cli, tmp_path, out, command, text, message):
    recipe = tmp_path / "r.yaml"
    if text is not None:
        write(recipe, text)
    verb = [str(out) if token == "OUT" else token for token in command]
    said = cli(*verb, recipe)
    assert re.search(message, said.sentence)
    assert not out.exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--model.d-modle", "64"], r"`--model\.d_modle` is not a setting\. Did you mean `model\."),
        (["--model.d-model", "x"], r'command line: `model\.d_model` must .* "x" was found'),
        (["--model.d-model=100", "--model.heads=7"], r"100 is not divisible by 7"),
        (["--training.seed", "1", "--training.seed", "2"], r"takes one value, but 2 were given"),
        (["--preset.x", "1"], r"`--preset\.x` is not a setting"),
        (["--data", "a.tsv", "--data.train", "b.tsv"], r"`--data` is short for `--data\.train`"),
    ],
)
def test_settings_on_the_command_line(cli, out, argv, message):
    said = cli("train", "copy", "--out", out, *argv)
    assert re.search(message, said.sentence)
    assert not out.exists()


def test_an_unknown_recipe_names_the_nearest(cli, out):
    said = cli("train", "pronounse", "--out", out)
    assert "Did you mean `pronounce`?" in said.sentence


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "Did you mean \"train\"?"),
        (["train", "--ouf", "x"], "Unknown option: --ouf. Did you mean --out?"),
        (["translate", "x", "--beam", "wide"], "`--beam` must be a whole number such as 100"),
        (["translate", "x", "--model.d-model", "3"], "this command does not read recipes"),
        (["diagnose"], "requires"),
        (["translate"], "A run is required"),
        (["score", "x"], "`--source` is required"),
        (["evaluate", "x"], "`--references` is required"),
        (["demo", "--minutes", "0"], "`--minutes` must be from 0.01 to"),
    ],
)  # fmt: skip
def test_arguments(cli, argv, message):
    assert message in cli(*argv).sentence


# --- model directories


def spoil_nothing(run: Path) -> None:
    shutil.rmtree(run)


def spoil_weights(run: Path) -> None:
    place = run / "model" / "model.safetensors"
    place.write_bytes(place.read_bytes()[:-100])


def spoil_format(run: Path) -> None:
    seal(run, format=99)


def spoil_shape(run: Path) -> None:
    place = run / "model" / "model.safetensors"
    tensors = load_file(place)
    name = next(iter(tensors))
    tensors[name] = tensors[name][:-1].clone()
    save_file(tensors, place)
    seal(run)


class Trap:
    def __reduce__(self):
        return (os.abort, ())


def spoil_with_pickle(run: Path) -> None:
    (run / "model" / "model.safetensors").write_bytes(pickle.dumps(Trap()))


def spoil_with_only_pickle(run: Path) -> None:
    shutil.rmtree(run / "model")
    (run / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_nothing, "does not exist. Give the directory that"),
        (spoil_weights, "is missing, truncated or damaged"),
        (spoil_format, "has format 99, and this version of whyformer reads up to 2"),
        (spoil_shape, "does not fit its config.json"),
        (spoil_with_pickle, "is a pickle, not a safetensors file"),
        (spoil_with_only_pickle, "has the pickle `pytorch_model.bin`"),
    ],
)
def test_models(cli, tmp_path, own_run, spoil, message):
    spoil(own_run)
    assert message in cli("translate", own_run, "--text", "a").sentence
    lines = write(tmp_path / "lines.txt", "a\n")
    assert message in cli("score", own_run, "--source", lines, "--target", lines).sentence
    assert message in cli("evaluate", own_run, "--source", lines, "--references", lines).sentence


# --- text to translate, score and evaluate


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"`.*in\.txt` does not exist"),
        ("", r"`.*in\.txt` must have at least one line, but it is empty"),
        (b"a\nb\n\xc3\x28\n", r"in\.txt:3: text must be UTF-8, but byte 0xc3 at position 1"),
    ],
)
@pytest.mark.parametrize("verb", ["translate", "score", "evaluate", "files"])
def test_input_files(cli, tmp_path, run, verb, content, message):
    path = tmp_path / "in.txt"
    if content is not None:
        write(path, content)
    good = write(tmp_path / "good.txt", "a\n")
    output = tmp_path / "out.txt"
    argv = {
        "translate": ["translate", run, "--input", path, "--output", output],
        "score": ["score", run, "--source", good, "--target", path],
        "evaluate": ["evaluate", run, "--source", path, "--references", good],
        "files": ["evaluate", "--hypotheses", good, "--references", path],
    }[verb]
    assert re.search(message, cli(*argv).sentence)
    assert not output.exists()
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_unequal_line_counts(cli, tmp_path, run):
    two, three = write(tmp_path / "2.txt", "a\nb\n"), write(tmp_path / "3.txt", "a\nb\nc\n")
    said = cli("score", run, "--source", two, "--target", three)
    assert re.search(r"2\.txt` has 2 and `.*3\.txt` has 3", said.sentence)
    said = cli("evaluate", run, "--source", two, "--references", three)
    assert "there are 2 hypotheses and 3 references" in said.sentence
    said = cli("evaluate", "--hypotheses", two, "--references", two, three)
    assert "Reference files must have the same number of lines" in said.sentence


def test_a_line_of_100_000_characters_is_translated_up_to_the_models_limit(cli, tmp_path, run):
    path = write(tmp_path / "in.txt", "a\n" + "x " * 50_000 + "\nb\n")
    said = cli("translate", run, "--input", path)
    assert said.code == 0
    assert len(said.out.removesuffix("\n").split("\n")) == 3
    first = said.err.splitlines()[0]
    assert first == (
        "whyformer: line 2 is longer than the model can read, so its end is not translated. "
        "Add --split-long."
    )


def test_output_that_exists_is_kept(cli, tmp_path, run):
    output = write(tmp_path / "out.txt", "precious")
    said = cli("translate", run, "--text", "a", "--output", output)
    assert said.sentence.endswith("out.txt` exists already. Pass --overwrite to replace it.")
    assert output.read_text(encoding="utf-8") == "precious"
    said = cli("translate", run, "--text", "a", "--alignments", output)
    assert "Pass --overwrite" in said.sentence
    assert cli("translate", run, "--text", "a", "--output", output, "--overwrite").code == 0
    assert output.read_text(encoding="utf-8") != "precious"


def test_output_is_kept_when_the_input_is_bad_half_way(cli, tmp_path, run):
    output = write(tmp_path / "out.txt", "precious")
    bad = write(tmp_path / "in.txt", b"a\n\xff\n")
    said = cli("translate", run, "--input", bad, "--output", output, "--overwrite")
    assert "in.txt:2: text must be UTF-8" in said.sentence
    assert output.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--beam", "0"], "`--beam` must be from 1 to 1000, but it is 0"),
        (["--beam", "2", "--nbest", "3"], "Raise `--beam` to 3 or lower `--nbest`"),
        (["--beam", "4", "--groups", "3"], "`--groups` must divide `--beam`"),
        (["--top-p", "2"], "`--top-p` must be from 0.0 to 1.0"),
        (["--device", "tpu9"], "is not a device"),
        (["--input", "x", "--text", "a"], "`--input` and `--text` were both given"),
        (["--output", "x", "--alignments", "x"], "must be two files"),
    ],
)
def test_search_settings(cli, run, argv, message):
    tail = [] if "--text" in argv else ["--text", "a"]
    assert message in cli("translate", run, *argv, *tail).sentence


# --- places that cannot be written to


@pytest.mark.parametrize(
    "argv",
    [
        ["translate", "RUN", "--text", "a", "--output", "NAME"],
        ["classify", "RUN", "--text", "a", "--output", "NAME"],
        ["inspect", "RUN", "--text", "a", "--out", "NAME"],
        ["convert", "RUN", "--out", "NAME"],
        ["translate", "NAME", "--text", "a"],
        ["score", "RUN", "--source", "NAME", "--target", "NAME"],
        [*COPY, "--out", "NAME"],
        ["diagnose", "NAME"],
    ],
)
def test_a_name_that_is_too_long_for_the_system_is_refused(cli, run, tmp_path, argv):
    name = str(tmp_path / ("x" * 300))
    argv = [{"RUN": str(run), "NAME": name}.get(one, one) for one in argv]
    assert cli(*argv).sentence


def test_whatever_the_system_refuses_is_one_sentence(cli, run, monkeypatch):
    def broken(*_args, **_options):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "some/file")

    monkeypatch.setattr("whyformer.bundle.find_bundle", broken)
    said = cli("inspect", run, "--text", "a")
    assert said.code == 1
    assert said.err.startswith(
        "whyformer: The operating system reported an error for `some/file`: input"
    )
    assert said.err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_translations(cli, run):
    said = cli("translate", run, "--text", "a", "--output", "/dev/full")
    assert said.code == 2
    assert "There is no space left on the disk to write `/dev/full`" in said.err.splitlines()[-1]


@pytest.fixture
def small_disk(tmp_path):
    """Yield a directory with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", place], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_under_a_run(cli, small_disk):
    former = write(small_disk / "former.txt", "precious")
    said = cli(*COPY, "--out", small_disk / "run", "--model.d-model", "256")
    assert "There is no space left on the disk to write" in said.sentence
    assert former.read_text(encoding="utf-8") == "precious"
    assert not fit_for_use(small_disk / "run")


@pytest.fixture
def forbidden():
    """Yield a directory that this process may read but not write to."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o555)
        root = os.geteuid() == 0
        if root:  # who may write anywhere: be nobody for a while
            here = Path(__file__).resolve()
            if not all(parent.stat().st_mode & 0o001 for parent in here.parents):
                pytest.skip("root stands in for nobody, who may not enter this checkout")
            # Loaded while it may be: nobody may not read root's Python.
            importlib.import_module("importlib.readers")
            importlib.import_module("whyformer.workflows.train")

            os.seteuid(65534)
        try:
            yield place
        finally:
            if root:
                os.seteuid(0)
            place.chmod(0o755)


def test_a_place_without_permission(cli, forbidden):
    said = cli(*COPY, "--out", forbidden / "run")
    assert re.search(
        r"run` may not be written: permission denied\. Choose a location that you can write to",
        said.sentence,
    )
    assert list(forbidden.iterdir()) == []


def test_an_output_without_permission(cli, run, forbidden):
    # `run` stands where only root looks, so the text is refused before; a file shows the output.
    from whyformer.cli.shared.streams import written
    from whyformer.foundation.errors import OutputError

    with (
        pytest.raises(OutputError, match="may not be written: permission denied"),
        written(forbidden / "out.txt") as stream,
    ):
        stream.write("a")


def test_a_file_where_a_directory_is_needed(cli, tmp_path):
    place = write(tmp_path / "file", "precious")
    said = cli(*COPY, "--out", place)
    assert "cannot be written" in said.sentence
    assert place.read_text(encoding="utf-8") == "precious"


def test_a_pipe_that_closes_early(run):
    command = f"yes a | '{sys.executable}' -m whyformer translate '{run}' | head -1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[1]}}"], capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "1"
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.splitlines()[-1] == (
        "whyformer: The program that reads the output has exited, so the rest was not written."
    )


@pytest.mark.parametrize("command", ["translate", "classify", "generate"])
def test_the_input_is_never_replaced(cli, run, tmp_path, command):
    place = write(tmp_path / "lines.txt", "a b\n")
    said = cli(command, run, "--input", place, "--output", place, "--overwrite")
    assert "must be different files" in said.sentence
    assert place.read_text(encoding="utf-8") == "a b\n"


def test_two_runs_into_one_directory(cli, out):
    with only_run_in(out):
        said = cli(*COPY, "--out", out)
    assert "Another run is writing to" in said.sentence
    assert "choose another --out" in said.sentence


def test_a_run_begun_with_another_recipe(cli, out):
    assert cli(*COPY, "--out", out, "--quiet").code == 0
    before = (out / "model" / "model.safetensors").read_bytes()
    said = cli(*COPY, "--out", out, "--quiet", "--model.d-model", "32")
    assert "was started with another recipe (model.d_model: 64 before, 32 now)" in said.sentence
    assert (out / "model" / "model.safetensors").read_bytes() == before


def test_a_run_that_never_diverged_has_no_diagnosis(cli, run, tmp_path):
    assert "has no diagnosis" in cli("diagnose", run).sentence
    assert "does not exist" in cli("diagnose", tmp_path / "nowhere").sentence


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("model: x\n", ":1: `model` must be a section of settings"),
        ("preset: base\nmodel:\n", ":2: `model` must be a section of settings"),
        ("data:\n  filters: [1]\n", ":2: `data.filters` must be a section of settings"),
        ("preset: [a]\n", "`preset` ['a'] is not known"),
        (f"training:\n  updates: {'9' * 5000}\n", ":2: a whole number may have 30 digits"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--model.d-model", "64", "--data.filters.max-tokens", "9"]])
def test_a_recipe_with_a_value_of_another_kind(cli, tmp_path, text, fault, more):
    recipe = write(tmp_path / "recipe.yaml", text)
    assert fault in cli("config", "show", recipe, *more).sentence


def test_standard_input_of_an_attempt_that_failed_is_not_used_again(cli, out):
    pairs = "".join(f"{word} {n}\t{n}\n" for n in range(60) for word in ("a", "b"))
    train = ("train", "--data", "-", "--out", out, "--data.dev-share", "0.2", "--quiet")
    settings = ("--training.updates", "2", "--validation.sentences", "4")
    assert "stdin.tsv` must have pairs" in cli(*train, *settings, stdin="no tab\n").sentence
    assert cli(*train, *settings, stdin=pairs).code == 0
    assert cli(*train, *settings, stdin="").code == 0  # done; what was read then is kept
    assert cli(*train, *settings, stdin=pairs).code == 0
    assert cli(*train, *settings, stdin=pairs.replace("\n", "\r\n")).code == 0
    for other in (pairs + "c\t1\n", pairs[:-4], "\xff\n", "\n"):
        said = cli(*train, *settings, stdin=other)
        assert "Standard input is not the text that the run" in said.sentence
    (out / "stdin.tsv").write_text(pairs + "c\t1\n", encoding="utf-8")
    assert "has changed since it was started" in cli(*train, *settings, stdin="").sentence
    (out / "stdin.tsv").write_text(pairs, encoding="utf-8")
    assert fit_for_use(out)


def test_standard_input_as_validation_data_is_read_once(cli, tmp_path, out):
    file = write(tmp_path / "pairs.tsv", "".join(f"a {n}\t{n}\n" for n in range(60)))
    train = ("train", "--out", out, "--quiet", "--training.updates", "2", "--json")
    said = cli(*train, "--data", file, "--dev", "-", stdin="a 1\t1\nb\t2\n")
    assert said.code == 0
    assert json.loads(said.out)["scores"]["loss"] > 0
    assert (out / "stdin.tsv").read_text(encoding="utf-8") == "a 1\t1\nb\t2\n"
    said = cli(*train, "--data", file, "--dev", "-", stdin="a 1\t1\n")
    assert "Standard input is not the text" in said.sentence


@pytest.mark.parametrize("given", [["--data", "-", "--dev", "-"], ["--data.train", "-", "-"]])
def test_standard_input_is_given_once(cli, out, given):
    said = cli("train", *given, "--out", out, "--quiet", stdin="a\tb\n" * 50)
    assert "Standard input can be used only once" in said.sentence


def test_a_text_of_empty_lines(cli, tmp_path, out):
    blank = write(tmp_path / "blank.txt", "\n\n\n")
    for documents in ("lines", "paragraphs", "file"):
        asked = ("train", "tiny-gpt", "--data", blank, "--data.documents", documents)
        assert cli(*asked, "--out", out).sentence
        assert not fit_for_use(out)


def test_a_path_below_a_file(cli, tmp_path, out, run):
    file = write(tmp_path / "file.txt", "a\n")
    assert "cannot be opened" in cli("translate", run, "--input", file / "more").sentence
    said = cli("train", tmp_path / "file.txt" / "recipe.yaml", "--out", out)
    assert "cannot be opened" in said.sentence


def test_a_directory_without_a_model(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "is not a model directory" in cli("translate", ".", "--text", "a").sentence


def test_data_of_a_labelled_run_that_was_moved(cli, tmp_path, out):
    lines = "".join(f"{word} {n}\t{word}\n" for n in range(60) for word in ("a", "b"))
    file = write(tmp_path / "labels.tsv", lines)
    train = (
        "train", "--task", "classify", "--data", file, "--out", out, "--data.dev-share", "0.2",
        "--training.updates", "2", "--text.vocabulary", "300", "--quiet",
    )  # fmt: skip
    assert cli(*train).code == 0
    file.rename(tmp_path / "moved.tsv")
    assert "does not exist" in cli(*train).sentence


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (("--text", "t", "--beam", "8"), "beam"),
        (("--text", "t", "--metric", "bleu"), "metric"),
        (("--text", "t", "--labelled", "l"), "labelled"),
        (("--labelled", "l", "--source", "s"), "source"),
        (("--text", "t", "--tokenize", "13a"), "tokenize"),
        (("--text", "t", "--lowercase"), "lowercase"),
        (("--text", "t", "--no-normalize"), "no-normalize"),
        (("--labelled", "l", "--documents", "lines"), "documents"),
        (("--labelled", "l", "--no-normalize"), "no-normalize"),
        (("--labelled", "l", "--metric", "exact"), "metric"),
    ],
)
def test_what_evaluate_would_not_use_is_refused(cli, run, flags, name):
    assert f"`--{name}` has no effect with" in cli("evaluate", run, *flags).sentence


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--columns", "a", "b"), "`--columns` is only for `--pairs` and `--labelled`"),
        (("--documents", "lines"), "`--documents` is only for `--text FILE`"),
        (("--documents", "file"), "`--documents` is only for `--text FILE`"),
        (
            ("--metric", "per,exact", "--tokenize", "13a"),
            "`--tokenize` is only for bleu,",
        ),
        (
            ("--metric", "chrf", "--tokenize", "char"),
            "`--tokenize` is only for bleu,",
        ),
        (
            ("--metric", "ter", "--lowercase"),
            "is only for per, wer, exact, bleu or chrf,",
        ),
    ],
)
@pytest.mark.parametrize("mode", ["runs", "files"])
def test_settings_that_no_metric_reads_are_refused(cli, run, tmp_path, mode, flags, message):
    source = target = write(tmp_path / "lines.txt", "a b c\n" * 3)
    what = (run, "--source", source) if mode == "runs" else ("--hypotheses", source)
    assert message in cli("evaluate", *what, "--references", target, *flags).sentence
