"""``whyformer score``: compute the log-probability of given translations."""

import sys
from pathlib import Path
from typing import Any

from whyformer.cli.shared.options import Flag, required

EXAMPLES = """Examples:

  whyformer score runs/mine --source test.ko --target test.en
  whyformer score runs/mine --source test.ko --target test.en --json
  whyformer translate runs/mine --input in.txt --nbest 5 --json > out.jsonl
  whyformer score runs/mine --translations out.jsonl

Output for each pair: LOG_PROBABILITY<TAB>TOKENS. The log-probability is
ln P(target, eos | source) in nats; TOKENS counts the target tokens, including
eos. A text is scored with the tokens that the tokenizer produces. With
--translations, each hypothesis is scored with the tokens of the search.
If a target is longer than the model's positions, the output is `-`, and a
warning on standard error gives the number of the pair. Totals are printed on
standard error, or are part of the JSON object."""


def score(
    *runs: Path,
    source: Path | None = None,
    target: Path | None = None,
    translations: Path | None = None,
    encoding: str | None = None,
    tag: str | None = None,
    engine: str = "auto",
    weights: str | None = None,
    json: Flag = False,
) -> int:
    """Print the log-probability of each translation, given its source.

    Args:
        runs: Directory of a run; several runs are scored as one ensemble.
        source: File of the sources, one per line.
        target: File of the translations, one per line.
        translations: Output file of `whyformer translate --json`,
            instead of --source and --target.
        encoding: Encoding of --source and --target, such as cp949.
            Default: UTF-8; for a file that is not UTF-8, the encoding of the training data.
        tag: Tag of the sources that do not begin with one, such as de.
        engine: auto, torch, ctranslate2 or onnx. See `whyformer translate --help`.
        weights: float32 (the default) or int8. See `whyformer translate --help`.
        json: Print pairs and totals as one JSON object.
    """
    from whyformer.cli.shared.streams import print_json, warn, written
    from whyformer.foundation.errors import UsageError

    if not runs:
        raise UsageError(
            "A run is required and was not given. Give the directory that `whyformer train` wrote."
        )
    from whyformer.foundation.wording import counted
    from whyformer.workflows.score import score, score_translations

    if translations is not None and encoding is not None:
        raise UsageError("`--encoding` has no effect on `--translations`. Leave it out.")
    how: dict[str, Any] = {"tag": tag, "engine": engine, "weights": weights, "say": warn}
    if translations is None:
        sources = required(source, "source", "--source FILE, the sources")
        targets = required(target, "target", "--target FILE, their translations")
        scored = score(runs, sources, targets, encoding=encoding, **how)
    elif source is None and target is None:
        scored = score_translations(runs, translations, **how)
    else:
        raise UsageError(
            "`--translations` replaces --source and --target. Use either --translations or the "
            "other two."
        )
    for finding in scored.findings:
        warn(finding)
    for number in scored.too_long:
        warn(f"the target of pair {number} is longer than the model's positions and is not scored.")
    if json:
        print_json(scored.to_json())
        return 0
    with written(None) as stream:
        for pair in scored.pairs:
            shown = "-\t-" if pair is None else f"{pair.log_probability:.4f}\t{len(pair.tokens)}"
            print(shown, file=stream)
    print(
        f"{counted(len(scored.scored), 'pair')}, {counted(scored.tokens, 'token')}, "
        f"log-probability {scored.log_probability:.2f} nats; "
        + ", ".join(f"{total.name} {total.value:.4g}" for total in scored.totals),
        file=sys.stderr,
    )
    return 0
