"""``whyformer evaluate``: compute scores with intervals, and test differences of systems."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag, Paths, required, within

EXAMPLES = """Examples:

  whyformer evaluate runs/mine --source test.ko --references test.en
  whyformer evaluate runs/a runs/b --source test.ko --references test.en
  whyformer evaluate runs/many --source test.en --references test.de --tag de
  whyformer evaluate runs/g2p --pairs test.tsv --metric per,wer
  whyformer evaluate runs/gpt --text book.txt
  whyformer evaluate runs/sentiment --labelled test.tsv --columns text label
  whyformer evaluate --hypotheses a.txt b.txt --references r1.txt r2.txt \\
    --metric bleu,chrf

Scores have 95 % intervals: Wilson intervals for proportions, bootstrap
intervals otherwise. With two or more systems, each other system is compared
with the first by paired bootstrap resampling, or by an exact test if at most 14
lines differ. With fewer than 20 items there is no interval and no p-value."""


def evaluate(
    *runs: Path,
    source: Path | None = None,
    references: Paths = None,
    pairs: Path | None = None,
    hypotheses: Paths = None,
    text: Path | None = None,
    documents: str | None = None,
    labelled: Path | None = None,
    columns: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    encoding: str | None = None,
    metric: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    lowercase: Flag = False,
    tokenize: str | None = None,
    no_normalize: Flag = False,
    tag: str | None = None,
    beam: Annotated[int | None, within(1, 1000)] = None,
    length_penalty: Annotated[float | None, within(0.0, 10.0)] = None,
    engine: str | None = None,
    weights: str | None = None,
    json: Flag = False,
) -> int:
    """Compute scores of runs, or of files of translations, against references.

    Args:
        runs: Runs to evaluate; each run is one system.
        source: UTF-8 file to translate, one sentence per line.
        references: Reference files, one line per source. Required.
            Several files give several references per source.
        pairs: Table of sources and references, such as a TSV,
            instead of --source and --references.
            Rows with the same source are one item with several references.
        hypotheses: Files of existing translations, instead of runs.
        text: For language models: the text to compute perplexity on.
        documents: For --text: the unit of a document: file (the default), paragraphs or lines.
        labelled: For classifiers and taggers: a table with labels, such as a TSV.
            For taggers, also a CoNLL file.
        columns: Names or numbers of columns.
            For --pairs: source and target.
            For --labelled: text and label, or first text, second text and label.
            Default: the columns used in training, if the file has them;
            otherwise, columns are found by their content.
        encoding: Encoding of all files, such as cp949.
            Default: UTF-8; for a file that is not UTF-8, the encoding of the training data.
        metric: bleu, chrf, ter, per, wer or exact.
            Default: the metric of the run; without a run, bleu.
            Separate several metrics by commas or spaces.
        lowercase: Ignore case. The metric ter always ignores case.
        tokenize: Tokenizer of sacreBLEU for bleu: 13a (the default), intl, char, zh or none.
        no_normalize: Compare the text unchanged, without Unicode normalisation (NFC).
        tag: Tag of the sources that do not begin with one, such as de.
        beam: Beam size (default: the setting of the run).
        length_penalty: Length penalty (default: the setting of the run).
        engine: auto, torch, ctranslate2 or onnx (default: auto). See `whyformer translate --help`.
        weights: float32 (the default) or int8. See `whyformer translate --help`.
        json: Print all results as one JSON object.
    """
    from whyformer.cli.shared.recipes import columns_in
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.torchrun import world_size

    if world_size() > 1 and (text is not None or labelled is not None or hypotheses):
        raise UsageError(
            "Several processes can only be used to translate --source or --pairs with runs. Run "
            "this command without torchrun."
        )
    translating: dict[str, Any] = {
        "source": source, "references": references, "pairs": pairs, "hypotheses": hypotheses,
        "metric": metric, "tag": tag, "lowercase": lowercase or None, "beam": beam,
        "tokenize": tokenize, "no-normalize": no_normalize or None,
        "length-penalty": length_penalty, "engine": engine, "weights": weights,
    }  # fmt: skip
    if text is not None:
        _refuse_others("text", translating | {"labelled": labelled, "columns": columns})
        return _text(runs, text, documents or "file", encoding, json=json)
    if labelled is not None:
        _refuse_others("labelled", translating | {"documents": documents})
        return _labelled(runs, labelled, columns_in(columns), encoding, json=json)
    if columns is not None and not pairs:
        raise UsageError("`--columns` is only for `--pairs` and `--labelled`. Leave it out.")
    if documents is not None:
        raise UsageError("`--documents` is only for `--text FILE`. Leave it out.")
    names = [name for one in metric or [_metric_of(runs)] for name in one.split(",") if name]
    if bool(runs) == bool(hypotheses):
        raise UsageError(
            "Give either runs and --source, or --hypotheses FILE with existing translations; "
            f"{'both were' if runs else 'neither was'} given."
        )
    if pairs and (not runs or source or references):
        raise UsageError(
            "`--pairs` needs runs and replaces --source and --references. Use either --pairs or "
            "the other two."
        )
    how: dict[str, Any] = {
        "lowercase": lowercase,
        "tokenize": tokenize,
        "normalize": not no_normalize,
    }
    if runs:
        from whyformer.cli.shared.streams import shortened, warn
        from whyformer.foundation.joining import joined
        from whyformer.workflows.evaluate import evaluate_runs, read_items, read_parallel

        if pairs:
            items = read_items(pairs, columns_in(columns), encoding, run=runs[0], say=warn)
            how["places"] = [shortened(source) for source in items[0]]
        else:
            right = required(references, "references", "--references FILE")
            sources = required(source, "source", "--source FILE, the text to translate")
            items = read_parallel(sources, right, encoding, run=runs[0], say=warn)
        given = {"beam": beam, "length_penalty": length_penalty}
        search = {name: value for name, value in given.items() if value is not None}
        with joined() as ranks:
            report = evaluate_runs(
                runs,
                *items,
                names,
                search=search,
                engine=engine or "auto",
                weights=weights,
                ranks=ranks,
                warn=warn,
                tag=tag,
                **how,
            )
        if report is None:
            return 0
    else:
        right = required(references, "references", "--references FILE")
        of_runs = {
            "source": source, "tag": tag, "beam": beam, "length-penalty": length_penalty,
            "engine": engine, "weights": weights,
        }  # fmt: skip
        for name, value in of_runs.items():
            if value is not None:
                raise UsageError(
                    f"`--{name}` needs runs and has no effect with --hypotheses. Leave it out."
                )
        from whyformer.workflows.evaluate import evaluate_files

        report = evaluate_files(hypotheses or [], right, names, encoding=encoding, **how)
    if json:
        print_json(report.to_json())
    else:
        print(report.table())
    return 0


def _refuse_others(mode: str, others: dict[str, Any]) -> None:
    from whyformer.foundation.errors import UsageError

    for name, value in others.items():
        if value is not None:
            raise UsageError(f"`--{name}` has no effect with `--{mode}`. Leave one of them out.")


def _metric_of(runs: tuple[Path, ...]) -> str:
    """Return the metric that selected the weights of the first run. Without such a metric, return
    bleu."""
    from whyformer.registries import metrics
    from whyformer.workflows.reading_of_training import facts_of

    kept = facts_of(runs[0]).get("validation") if runs else None
    found = [name for name in kept or () if name in metrics]
    return found[0] if found else "bleu"


def _text(
    runs: tuple[Path, ...], text: Path, documents: str, encoding: str | None, *, json: bool
) -> int:
    from whyformer.cli.shared.streams import print_json, warn
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.wording import counted
    from whyformer.workflows.generate import evaluate_text

    if not runs:
        raise UsageError("`--text` needs a run. Give the directory that `whyformer train` wrote.")
    if documents not in ("file", "paragraphs", "lines"):
        raise UsageError(f"`--documents` must be file, paragraphs or lines, but it is {documents}.")
    options: dict[str, Any] = {"documents": documents, "encoding": encoding, "say": warn}
    found = [evaluate_text(run, text, **options) for run in runs]
    if json:
        print_json({"systems": found})
        return 0
    for one in found:
        print(
            f"{one['run']}: {one['loss']:.4f} nats per token, perplexity {one['perplexity']:.3f}, "
            f"{one['bits_per_character']:.4f} bits per character, "
            f"{one['bits_per_byte']:.4f} bits per byte "
            f"({counted(one['tokens'], 'token')} in rows of {one['row_tokens']})"
        )
    return 0


def _labelled(
    runs: tuple[Path, ...], file: Path, columns: list[str], encoding: str | None, *, json: bool
) -> int:
    from whyformer.cli.shared.streams import print_json, warn
    from whyformer.evaluation.score import each_once
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.wording import counted
    from whyformer.workflows.labelling import evaluate_labelled

    if not runs:
        raise UsageError(
            "`--labelled` needs a run. Give the directory that `whyformer train` wrote."
        )
    found = [
        (str(run), evaluate_labelled(run, file, columns, encoding=encoding, warn=warn))
        for run in runs
    ]
    if json:
        systems = [{"run": run, "scores": [s.to_json() for s in scores]} for run, scores in found]
        print_json({"systems": systems})
        return 0
    for run, scores in found:
        print(f"{run}: {', '.join(map(str, scores))} ({counted(scores[0].n, 'text')})")
    for note in each_once(score.note for _, scores in found for score in scores):
        print(note)
    return 0
