"""Commands that read text with a run accept its encoding, and remember that of the training."""

from pathlib import Path

import pytest

from whyformer.cli.main import main

TINY = [
    "--model.d-model", "16", "--model.heads", "2", "--model.d-ff", "16", "--training.updates", "2",
    "--text.vocabulary", "400", "--quiet",
]  # fmt: skip
LINES = {
    "translate": [f"값 {n}\t답 {n}" for n in range(60)],
    "classify": [f"값 {n}\t{('좋음', '나쁨')[n % 2]}" for n in range(60)],
    "language": [f"값 {n} 그리고 답 {n}" for n in range(60)],
}


@pytest.fixture(scope="module", params=LINES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = request.param
    folder = tmp_path_factory.mktemp(task)
    data = folder / "data.tsv"
    data.write_bytes("".join(f"{line}\n" for line in LINES[task]).encode("cp949"))
    name = "tiny-gpt" if task == "language" else task
    out = ["--out", str(folder / task)]
    assert main(["train", name, "--data", str(data), "--encoding", "cp949", *out, *TINY]) == 0
    return folder / task


def test_the_encoding_of_the_training_data_is_used_for_input(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "generate" if run.name == "language" else run.name
    ways = {"cp949": [], "utf-8": [], "utf-16": ["--encoding", "utf-16"]}
    said = {}
    for encoding, given in ways.items():
        file = tmp_path / f"{encoding}.txt"
        file.write_bytes("값 1\n답\n".encode(encoding))
        capsys.readouterr()
        assert main([command, str(run), "--input", str(file), *given]) == 0
        said[encoding] = capsys.readouterr()
    assert said["cp949"].out == said["utf-8"].out == said["utf-16"].out
    assert "It is read as cp949, as in training." in said["cp949"].err
    assert "as in training" not in said["utf-8"].err + said["utf-16"].err
    file = str(tmp_path / "cp949.txt")
    assert main([command, str(run), "--input", file, "--encoding", "utf-8"]) == 2
    assert "Give --encoding cp949" in capsys.readouterr().err
    assert main([command, str(run), "--input", file, "--encoding", "nonsense"]) == 2


def test_an_encoding_without_a_file_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, flag = (run.name, "--text")
    if run.name == "language":
        command, flag = ("generate", "--prompt")
    assert main([command, str(run), flag, "a", "--encoding", "cp949"]) == 2
    assert "`--encoding`" in capsys.readouterr().err


@pytest.mark.parametrize("run", ["translate"], indirect=True)
def test_scores_do_not_depend_on_the_encoding(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for encoding in ("utf-8", "cp949"):
        for side, text in (("source", "값 1\n"), ("target", "답 1\n")):
            (tmp_path / f"{side}.{encoding}").write_bytes(text.encode(encoding))
        files = [f"--{side}={tmp_path / side}.{encoding}" for side in ("source", "target")]
        assert main(["score", str(run), *files]) == 0
        shown.append(capsys.readouterr().out)
    for name, text in (("latin.source", "ab 1\n"), ("cp949.source", "값 1\n")):
        mixed = tmp_path / name
        mixed.write_bytes(text.encode("cp949"))
        target = "cp949" if name == "latin.source" else "utf-8"
        files = [f"--source={mixed}", f"--target={tmp_path / 'target'}.{target}"]
        assert main(["score", str(run), *files]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] == shown[3]
