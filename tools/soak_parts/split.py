"""Part `split`: the training set contains no validation row, in any spelling.

A trial trains a small model on data with one kind of trouble: repeated lines (unchanged,
decomposed, in capitals or with spaces), one frequent line, or blank lines. Then it compares the
token ids of the training set and the validation set.
"""

import random
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soak_parts.forks import in_child, run_command
from soak_parts.tiny_runs import LABELLERS, TRANSLATORS, sentence, training_command
from soak_parts.verdicts import Verdict

TEXTS = ("gpt", "rnn-lm", "bert", "electra")
TASKS = (*TRANSLATORS, *TEXTS, *LABELLERS)
Rows = set[tuple[int, ...]]
TROUBLES: dict[str, Callable[[random.Random, list[str]], list[str]]] = {
    "repeated": lambda _, texts: texts + texts[::2],
    "decomposed": lambda _, texts: texts + [unicodedata.normalize("NFD", one) for one in texts],
    "capitals": lambda _, texts: texts + [one.upper() for one in texts],
    "spaces": lambda _, texts: texts + [f" {one} " for one in texts],
    "one frequent": lambda rng, texts: texts + [rng.choice(texts)] * (len(texts) // 2),
    "blank": lambda _, texts: [line for one in texts for line in (one, "")],
    "none": lambda _, texts: texts,
}


def set_up(place: Path) -> Path:
    """Make the directory; return it."""
    place.mkdir(parents=True, exist_ok=True)
    return place


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Train one task on one kind of data and check its split.

    Args: place: directory from `set_up`.
    """
    rng = random.Random(f"split/{seed}/{index}")
    name = TASKS[index % len(TASKS)]
    trouble = rng.choice(list(TROUBLES))
    work = place / f"split-{index}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    label = f"{name}, {trouble}"
    try:
        argv = _prepared(rng, name, trouble, work)
        ending = in_child(_both, argv, name, work / "run", seconds=120, memory=None)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if ending.fault:
        return Verdict(False, "crash", f"{label}: {ending.fault[-600:]}")
    result, learned, judged = ending.value
    if result.code != 0:
        return Verdict(False, "refused", f"{label}: {(result.fault or result.err)[-400:]}")
    if both := learned & judged:
        detail = f"{len(both)} of {len(judged)} rows of validation are in training"
        return Verdict(False, "leak", f"{label}: {detail}, {len(learned)} rows")
    if not judged:
        return Verdict(False, "empty", f"{label}: nothing was held out")
    if len(judged) > len(learned):
        return Verdict(False, "swallowed", f"{label}: {len(judged)} held out of {len(learned)}")
    return Verdict(True, name, f"{label}: {len(learned)} and {len(judged)} rows")


def _prepared(rng: random.Random, name: str, trouble: str, work: Path) -> list[str]:
    """Write the data and return the command that trains on it."""
    texts = list(dict.fromkeys(f"가나 é {sentence(rng)}" for _ in range(250)))
    texts = TROUBLES[trouble](rng, texts)
    if trouble != "blank":
        rng.shuffle(texts)
    plain = [unicodedata.normalize("NFC", one).strip().lower() for one in texts]
    match name:
        case "classify":
            lines = [
                f"{a}\t{'ab'[len(b) % 2]}" if b else "" for a, b in zip(texts, plain, strict=True)
            ]
        case "regress":
            lines = [f"{a}\t{len(b)}" if b else "" for a, b in zip(texts, plain, strict=True)]
        case "tag":
            lines = [
                "".join(f"{w} {'OB'[n % 2]}\n" for n, w in enumerate(a.split())) for a in texts
            ]
        case _ if name in TRANSLATORS:
            lines = [f"{a}\t{b.upper()}" if b else "" for a, b in zip(texts, plain, strict=True)]
        case _:
            lines = texts
    if name in ("classify", "regress"):  # a blank line has no columns
        lines = [line for line in lines if line]
    path = work / {"tag": "d.conll", **dict.fromkeys(TEXTS, "d.txt")}.get(name, "d.tsv")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    changes: dict[str, object] = {
        "training__updates": 30,
        "validation__every": 30,
        "text__lowercase": "true",
    }
    if name in TRANSLATORS:
        changes["validation__metric"] = "loss"
    if name in TEXTS:
        changes["data__documents"] = "lines"
    argv = training_command(name, work, work / "run", **changes)
    argv[argv.index("--data") + 1] = str(path)
    return argv


def _both(argv: list[str], name: str, run: Path) -> tuple[Any, Rows, Rows]:
    """Train; return the result of the command, the training rows and the validation rows."""
    learned: Rows = set()
    judged: Rows = set()
    if name in LABELLERS:
        _record(learned, judged)
    result = run_command(*argv)
    if result.code == 0 and name not in LABELLERS:
        learned, judged = _on_disk(name, run / "corpus"), _on_disk(name, run / "corpus-dev")
    return result, learned, judged


def _on_disk(name: str, place: Path) -> Rows:
    import json

    from whyformer.data.corpus import open_corpus
    from whyformer.data.documents import Documents

    if name in TRANSLATORS:
        corpus = open_corpus(place)
        return {tuple(corpus.source(n).tolist()) for n in range(len(corpus))}
    documents = Documents(place, json.loads((place / "documents.json").read_text(encoding="utf-8")))
    return {tuple(documents.document(n).tolist()) for n in range(len(documents))}


def _record(learned: Rows, judged: Rows) -> None:
    """Record every row of ids that a BERT reads, in training and in validation."""
    from whyformer.models.bert import BERT
    from whyformer.text.symbols import PAD

    embed = BERT.__init__

    def init(self: Any, *args: Any, **options: Any) -> None:
        embed(self, *args, **options)

        def note(_module: Any, inputs: tuple[Any, ...]) -> None:
            rows = learned if self.training else judged
            rows.update(tuple(i for i in row if i != PAD) for row in inputs[0].tolist())

        self.embedding.register_forward_pre_hook(note)

    BERT.__init__ = init
