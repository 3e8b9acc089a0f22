"""Part `valid`: unusual but valid inputs are accepted.

Without this part, a program that rejects everything would pass.
"""

import gzip
import json
import random
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

from soak_parts.forks import in_child, run_command
from soak_parts.tiny_runs import prepare, sentence, training_command
from soak_parts.verdicts import Verdict

LINES = 160
CONTENTS: dict[str, Callable[[str, int], str]] = {
    "plain": lambda text, _: text,
    "emoji": lambda text, n: (
        f"{text} \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467" if n % 3 == 0 else text
    ),
    "right to left": lambda text, n: f"שלום {text} مرحبا" if n % 2 else text,
    "Hangul, decomposed": lambda text, _: unicodedata.normalize("NFD", f"안녕 {text} 세계"),
    "Hangul": lambda text, _: f"안녕하세요 {text}",
    "combining": lambda text, _: f"{text} e\u0301n\u0303 Å",
    "spaces around": lambda text, n: f"  {text} " if n % 2 else f"{text}\u00a0",
    "line separator": lambda text, n: text.replace(" ", "\u2028", 1) if n % 5 == 0 else text,
    "one long line": lambda text, n: " ".join([text] * 60) if n == 7 else text,
    "digits and signs": lambda text, n: f"{text} {n}% #1 'x' \"y\" <z> & \\n {{}}",
    "upper case": lambda text, _: text.upper(),
    "CJK": lambda text, _: f"你好 {text} 世界。",
    "rare letter": lambda text, n: f"{text} \U00010348" if n == 3 else text,
    "doubled lines": lambda text, _: text,
}
FILES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda content: content,
    "CRLF": lambda content: content.replace(b"\n", b"\r\n"),
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "no last line end": lambda content: content.rstrip(b"\n"),
    "blank last line": lambda content: content + b"\n",
    "gzip": lambda content: gzip.compress(content, mtime=0),
}
USES = (
    "pairs.tsv",
    "pairs.jsonl",
    "pairs side by side",
    "labelled.tsv",
    "labelled with a header",
    "labelled.jsonl",
    "numbers.tsv",
    "tagged.conll",
    "tagged.tsv",
    "text.txt",
    "translate",
    "score",
    "evaluate",
    "generate",
    "classify",
)


def set_up(place: Path) -> Path:
    """Train the runs that read the inputs; return ``place``."""
    return prepare(place, ("pairs", "gpt", "classify"))


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Run one command on one valid input. Args: place: directory from `set_up`."""
    rng = random.Random(f"valid/{seed}/{index}")
    use = USES[index % len(USES)]
    content = rng.choice(list(CONTENTS))
    form = rng.choice(list(FILES))
    work = place / f"valid-{index}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    label = f"{use}, {content}, {form}"
    try:
        argv = _prepared(rng, use, content, form, work, place)
        ending = in_child(run_command, *argv, seconds=60, memory=None)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if ending.fault:
        return Verdict(False, "crash", f"{label}: {ending.fault[-600:]}")
    result = ending.value
    if result.code != 0 or result.fault:
        return Verdict(
            False, "refused", f"{label}: exit {result.code}: {(result.fault or result.err)[-400:]}"
        )
    return Verdict(True, use, label)


def _prepared(
    rng: random.Random, use: str, content: str, form: str, work: Path, place: Path
) -> list[str]:
    """Write the input files and return the command line."""
    change = CONTENTS[content]
    sources = list(dict.fromkeys(sentence(rng) for _ in range(LINES)))
    if content == "doubled lines":
        sources = [text for text in sources for _ in range(2)]
    texts = [change(text, n) for n, text in enumerate(sources)]
    labels = ["long" if len(text) > 12 else "short" for text in sources]
    ending = ".gz" if form == "gzip" else ""

    def write(name: str, lines: list[str]) -> Path:
        path = work / f"{name}{ending}"
        path.write_bytes(FILES[form](("\n".join(lines) + "\n").encode()))
        return path

    if use == "translate":
        return ["translate", str(place / "pairs"), "--input", str(write("in.txt", texts[:20]))]
    if use == "classify":
        return ["classify", str(place / "classify"), "--input", str(write("in.txt", texts[:20]))]
    if use == "generate":
        return [
            "generate",
            str(place / "gpt"),
            "--input",
            str(write("in.txt", texts[:3])),
            "--tokens",
            "5",
        ]
    if use in ("score", "evaluate"):
        a, b = write("a.txt", texts[:20]), write("b.txt", [text.upper() for text in texts[:20]])
        other = (
            ["--target", str(b)] if use == "score" else ["--references", str(b), "--metric", "chrf"]
        )
        return [use, str(place / "pairs"), "--source", str(a), *other]
    pairs = [(text, text.upper()) for text in texts]
    kind = {
        "pairs": "pairs",
        "labelled": "classify",
        "numbers": "regress",
        "tagged": "tag",
        "text": "gpt",
    }
    name = kind[use.split(".")[0].split(" ")[0]]
    extra: list[str] = []
    match use:
        case "pairs.tsv":
            path = write("p.tsv", ["\t".join(pair) for pair in pairs])
        case "pairs.jsonl":
            path = write(
                "p.jsonl",
                [
                    json.dumps({"source": a, "target": b}, ensure_ascii=n % 2 == 0)
                    for n, (a, b) in enumerate(pairs)
                ],
            )
        case "pairs side by side":
            write("p.ko", [a for a, _ in pairs])
            write("p.en", [b for _, b in pairs])
            path, extra = work / "p", ["--source", "ko", "--target", "en"]
        case "labelled.tsv":
            path = write("l.tsv", [f"{a}\t{b}" for a, b in zip(texts, labels, strict=True)])
        case "labelled with a header":
            lines = [f"{n}\t{a}\t{b}" for n, (a, b) in enumerate(zip(texts, labels, strict=True))]
            path = write("l.tsv", ["id\ttext\tlabel", *lines])
            extra = ["--source", "text", "--target", "label"]
        case "labelled.jsonl":
            rows = zip(texts, labels, strict=True)
            path = write("l.jsonl", [json.dumps({"text": a, "label": b}) for a, b in rows])
            extra = ["--source", "text", "--target", "label"]
        case "numbers.tsv":
            path = write(
                "n.tsv", [f"{a}\t{len(b) / 10}" for a, b in zip(texts, sources, strict=True)]
            )
        case "tagged.conll":
            path = write(
                "t.conll",
                [
                    "".join(f"{w} {'B-X' if n else 'O'}\n" for n, w in enumerate(text.split()))
                    for text in texts
                ],
            )
        case "tagged.tsv":
            path = write(
                "t.tsv",
                [
                    f"{text}\t{' '.join('O' for _ in text.split())}"
                    if n % 2
                    else f"{text}\t{' '.join('B-X' for _ in text.split())}"
                    for n, text in enumerate(texts)
                ],
            )
        case _:
            path = write("t.txt", texts)
    short = {"training__updates": 2, "validation__every": 2}
    argv = training_command(name, place / "data", work / "run", **short)
    argv[argv.index("--data") + 1] = str(path)
    return [*argv, *extra]
