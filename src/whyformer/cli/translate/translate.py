"""``whyformer translate``: translate lines of text."""

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from whyformer.cli.shared.options import Flag, within
from whyformer.cli.shared.search_flags import NO_FLAGS, SEARCH, SearchFlags
from whyformer.cli.shared.streams import is_live, refuse_existing, warn

EXAMPLES = """Examples:

  echo "A dog runs." | whyformer translate runs/mine
  whyformer translate runs/mine --input in.txt --output out.txt --beam 8
  whyformer translate runs/a runs/b --input in.txt    (an ensemble)
  whyformer translate runs/mine --text hello --nbest 3
  whyformer translate runs/mine --text hello --sample --top-p 0.9 --seed 1
  whyformer translate runs/mine --input book.txt --split-sentences
  whyformer translate runs/many --input in.txt --tag de
  whyformer translate runs/mine --input page.html --output page.de.html
  whyformer translate runs/ko --input t.csv --column ko --into en --output o.csv
  whyformer translate runs/mine --input in.txt --engine torch
  whyformer translate runs/mine --input in.txt --confidence --lexicon terms.tsv
  whyformer translate runs/mine --input in.txt --glossary terms.tsv --fallback
  whyformer translate runs/mine --text hello --force "a phrase" --forbid word
  torchrun --nproc-per-node 2 -m whyformer translate runs/mine --input in.txt

Output: one line per input line, in order. Empty lines stay empty.
  --nbest above 1   INDEX<TAB>SCORE<TAB>TEXT: number of the input line (from 1),
                    score (log-probability / length penalty), text. Beam search
                    never lists the same text twice.
  --json            One JSON object per line: index, source, text, score,
                    source_truncated (the source was too long and was cut),
                    hypotheses (text, score, log_probability, finished, and
                    tokens: the token ids). With --split-sentences or
                    --split-long also sentences: the same fields for each
                    sentence of a line that was split. With --fallback also
                    fallback: true for a line whose translation is that of the
                    second search, false if the second search did not help,
                    null for other lines.
                    With --token-confidence, each hypothesis also has
                    token_confidence: pairs of a token and its probability.
  --confidence      CONFIDENCE<TAB>TEXT, with a number from 0 to 1, or the word
                    lexicon for an answer of --lexicon. With --json, the field
                    confidence: a number or null.
  --lexicon         With --json, the field lexicon: the targets of the lexicon
                    for this source, the first of which is the text; empty if
                    it has none. A note on standard error lists these lines.
  --alignments      One JSON object per line: text, source and target (tokens)
                    and weights[target][source]: cross-attention of the last
                    decoder layer, averaged over heads.
Documents (.md, .html, .srt, .vtt, .docx): the texts are translated sentence by
sentence into a file of the same format, and the markup is kept. With --column,
a column of a table (CSV, TSV or Excel) is translated into a new column.
--engine auto uses CTranslate2 if the run has an up-to-date conversion and the
search is greedy or plain beam search; otherwise torch. Long trainings end with
a conversion; `whyformer convert` makes one at any time. A conversion to int8 is
used only with --weights int8 or with the name of its engine.
Warnings on standard error list the lines whose translation was truncated at the
length limit, and lines that differ from the training data: lines with mostly
unknown characters and lines that are much longer.
Other search settings come from the run's recipe."""

Search = Parameter(group=SEARCH)


def translate(
    *runs: Path,
    input: Path | None = None,
    encoding: str | None = None,
    output: Path | None = None,
    text: Annotated[list[str] | None, Parameter(negative="")] = None,
    alignments: Path | None = None,
    column: str | None = None,
    into: str | None = None,
    overwrite: Flag = False,
    json: Flag = False,
    confidence: Flag = False,
    lexicon: str | None = None,
    split_sentences: Flag = False,
    split_long: Flag = False,
    tag: str | None = None,
    device: str = "auto",
    engine: str = "auto",
    weights: str | None = None,
    beam: Annotated[int | None, Search, within(1, 1000)] = None,
    nbest: Annotated[int | None, Search, within(1, 10_000)] = None,
    length_penalty: Annotated[float | None, Search, within(0.0, 10.0)] = None,
    prefix: Annotated[str, Parameter(group=SEARCH, show_default=False)] = "",
    min_length: Annotated[int | None, Search, within(0, 100_000)] = None,
    max_length: Annotated[int | None, Search, within(1, 100_000)] = None,
    no_repeat_ngram: Annotated[int | None, Search, within(0, 1000)] = None,
    groups: Annotated[int | None, Search, within(1, 1000)] = None,
    diversity: Annotated[float | None, Search, within(0.0, 1000.0)] = None,
    sample: Annotated[bool, Parameter(group=SEARCH, negative="", show_default=False)] = False,
    mbr: Annotated[str | None, Search] = None,
    temperature: Annotated[float | None, Search, within(0.0001, 1000.0)] = None,
    top_k: Annotated[int | None, Search, within(1, 10_000_000)] = None,
    top_p: Annotated[float | None, Search, within(0.0, 1.0)] = None,
    min_p: Annotated[float | None, Search, within(0.0, 1.0)] = None,
    seed: Annotated[int | None, Search, within(0, 2**64 - 1)] = None,
    more: SearchFlags = NO_FLAGS,
) -> int:
    """Translate text with a trained run, or with several runs as an ensemble.

    Args:
        runs: Directories of one or more runs.
        input: File (optionally .gz) with one sentence per line (default: standard input);
            or a document or a table, see below.
        encoding: Encoding of --input, such as cp949.
            Default: UTF-8; for a file that is not UTF-8, the encoding of the training data.
        output: File to write atomically (default: standard output).
        text: A text to translate, instead of a file. This option can be repeated.
        alignments: File to which the cross-attention weights are written, too, as JSON lines.
        column: Name or number of the column of --input to translate; needs --into.
        into: Name of the new column with the translations; needs --column.
        overwrite: Replace --output and --alignments if they exist.
        json: Write JSON lines.
        confidence: Begin each line with the probability that the translation is correct, and a tab.
            The probability is calibrated on the held-out data of the run.
        lexicon: Table of pairs, or the word `training` for the training pairs of the run.
            A source that is in the lexicon gets the lexicon's translation.
        split_sentences: Split lines into sentences, translate each sentence,
            and join the translations with spaces.
            This option is useful for models trained on single sentences.
        split_long: The same, only for lines that are longer than the model can read: lines of
            `model.max_length` tokens of the run or more. Without this option, the end of such
            a line is not translated. Shorter lines are not split, even if they are longer
            than those of the training data.
        tag: Tag of the lines that do not begin with one, such as de for <2de>,
            for a model that was trained with tags.
        device: auto, cpu, cuda, cuda:0 or mps.
        engine: auto, torch, ctranslate2 or onnx.
        weights: float32 (the default) or int8. int8 is faster and slightly less exact;
            it needs a CPU. It uses an int8 conversion of the run, or else torch.
        beam: Beam size; 1 is greedy search.
        nbest: Number of translations per line. If needed, the beam size of the run is increased.
        length_penalty: 0 ranks by log-probability; larger values favour longer translations.
        prefix: Text that every translation must begin with.
        min_length: Minimum number of tokens of a translation.
        max_length: Maximum number of tokens of a translation.
        no_repeat_ngram: Never repeat an n-gram of this size.
        groups: Number of groups for diverse beam search.
        diversity: Penalty for tokens that another group has chosen; needs --groups.
        sample: Draw translations at random instead of searching for the most probable ones.
        mbr: Minimum Bayes risk, with --sample: of --nbest samples (default: 16), print the one that
            is most similar to all samples, by chrf or bleu.
        temperature: Sampling temperature: below 1 sharpens the distribution, above 1 flattens it.
        top_k: Sample from this number of most probable tokens.
        top_p: Sample from the most probable tokens with this total probability.
        min_p: Sample only tokens with at least this fraction of the highest probability.
        seed: Random seed of sampling.
        more: Further flags of the search.
    """
    from whyformer.data.lines import STDIN
    from whyformer.foundation.errors import UsageError
    from whyformer.foundation.torchrun import is_first, world_size

    if not runs:
        raise UsageError(
            "A run is required and was not given. Give the directory that `whyformer train` wrote."
        )
    for one in runs:
        if one.is_file():
            raise UsageError(f"A run is a directory, but `{one}` is a file. Add --input before it.")
    first = runs[0]
    if input is not None and text:
        raise UsageError("`--input` and `--text` were both given. Keep one.")
    if encoding is not None and text:
        raise UsageError("`--encoding` has no effect on `--text`. Leave it out.")
    if world_size() > 1 and not text and (input is None or str(input) == STDIN):
        raise UsageError(
            "Several processes cannot share standard input. Use --input FILE, or run without "
            "torchrun."
        )
    if is_first():
        refuse_existing(overwrite, read=input, output=output, alignments=alignments)
    if alignments is not None and alignments == output:
        raise UsageError("`--output` and `--alignments` must be two files, but they are the same.")
    if mbr is not None:
        from whyformer.workflows.minimum_risk import SAMPLES

        if not sample:
            raise UsageError("`--mbr` chooses among samples, so it needs --sample. Add it.")
        nbest = SAMPLES if nbest is None else nbest
        if nbest < 2:
            raise UsageError(
                f"`--mbr` compares at least 2 samples, but --nbest is {nbest}. Leave --nbest out, "
                f"or use --nbest {SAMPLES}."
            )
    several = mbr is None and nbest is not None and nbest > 1
    for one, other, both in (
        ("confidence", "nbest", confidence and several),
        ("confidence", "sample", confidence and sample),
        ("confidence", "split-sentences", confidence and split_sentences),
        ("lexicon", "prefix", lexicon is not None and bool(prefix)),
        ("split-sentences", "split-long", split_sentences and split_long),
        ("mbr", "split-sentences", mbr is not None and split_sentences),
        ("mbr", "split-long", mbr is not None and split_long),
        ("confidence", "split-long", confidence and split_long),
        ("shortlist", "prefix", more.shortlist and bool(prefix)),
        ("shortlist", "glossary", more.shortlist and more.glossary is not None),
        ("shortlist", "force", more.shortlist and more.force is not None),
        ("shortlist", "force-file", more.shortlist and more.force_file is not None),
        ("glossary", "sample", more.glossary is not None and sample),
        ("fallback", "sample", more.fallback and sample),
    ):
        if both:
            raise UsageError(
                f"`--{one}` and `--{other}` cannot be combined. Leave one of them out."
            )
    if confidence and len(runs) > 1:
        raise UsageError("`--confidence` supports one run, but several were given. Give one run.")
    if split_sentences or split_long:
        flag = "split-sentences" if split_sentences else "split-long"
        several = nbest is not None and nbest > 1
        for name, given_too in (
            ("nbest", several),
            ("alignments", alignments is not None),
            ("prefix", bool(prefix)),
        ):
            if given_too:
                raise UsageError(
                    f"`--{name}` applies to a whole line, but `--{flag}` translates each sentence "
                    "separately. Leave one of them out."
                )
    if more.token_confidence and not json:
        raise UsageError("`--token-confidence` adds a field to the output of --json. Add --json.")
    if alignments is not None and len(runs) > 1:
        raise UsageError("`--alignments` supports one run, but several were given. Give one run.")
    from whyformer.cli.translate.documents import document_job
    from whyformer.cli.translate.output import Form, write_answers
    from whyformer.decoding.settings import Method
    from whyformer.foundation.joining import joined
    from whyformer.workflows.engines import Engines
    from whyformer.workflows.glossary import read_glossary
    from whyformer.workflows.lexicon import read_lexicon
    from whyformer.workflows.minimum_risk import minimum_risk
    from whyformer.workflows.reading_of_training import input_lines
    from whyformer.workflows.source_checks import SourceCheck
    from whyformer.workflows.translate import answers

    job = document_job(
        input,
        output,
        column,
        into,
        encoding,
        of_lines={
            "json": json, "confidence": confidence, "split-sentences": split_sentences,
            "split-long": split_long,
            "alignments": alignments is not None, "nbest": several,
        },
    )  # fmt: skip
    calibration = None
    if confidence:
        from whyformer.workflows.confidence import read_calibration

        calibration = read_calibration(first)

    given: dict[str, Any] = {
        "beam": beam, "nbest": nbest, "length_penalty": length_penalty, "min_length": min_length,
        "max_length": max_length, "no_repeat_ngram": no_repeat_ngram, "groups": groups,
        "diversity": diversity, "temperature": temperature, "top_k": top_k, "top_p": top_p,
        "min_p": min_p, "seed": seed,
        "method": "sample" if sample else None if beam is None else "beam",
        **more.settings(),
    }  # fmt: skip
    glossary = (
        None
        if more.glossary is None
        else read_glossary(more.glossary, say=lambda text: warn(text) if is_first() else None)
    )
    if job is not None:
        lines: Iterator[str] = iter(job.sentences)
    elif text:
        lines = iter([line for one in text for line in one.split("\n")])
    else:
        lines = input_lines(first, input, encoding, lambda text: warn(text) if is_first() else None)
        # Report an unreadable input before the model is loaded.
        if input is not None:
            lines = itertools.chain([next(lines)], lines)
    live = not text and input is None and is_live(sys.stdin)
    with contextlib.ExitStack() as stack:
        ranks = stack.enter_context(joined())
        # Warnings come from `write_answers`, which knows the line numbers of the input. The
        # translator knows only the line numbers in its current window.
        engines = Engines(
            runs,
            engine,
            device=device,
            ranks=ranks,
            weights=weights,
            say=warn,
            shortlist=more.shortlist,
        )
        chosen = engines.choose(
            {name: value for name, value in given.items() if value is not None},
            prefix=prefix,
            of_torch=[*(["--alignments"] if alignments is not None else []), *more.of_torch()],
            tag=tag,
        )
        known = None
        if lexicon is not None:
            known = read_lexicon(lexicon, first, chosen.translator)
            lines = known.without_known(lines)
        found = answers(
            chosen.translator,
            lines,
            chosen.settings,
            prefix=prefix,
            live=live,
            split_sentences=split_sentences,
            split_long=split_long,
            required=None if glossary is None else glossary.required,
            fallback=more.fallback,
        )
        if mbr is not None:
            found = minimum_risk(found, mbr, chosen.settings)
        if not ranks.first:  # compute only; rank 0 writes the results
            for _ in found:
                continue
            return 0
        if job is not None:
            job.write(found if known is None else (one for one, _ in known.with_known(found)))
            return 0
        sampled = chosen.settings.method is Method.SAMPLE and mbr is None
        form = Form(
            json=json,
            many=chosen.settings.nbest > 1 and mbr is None,
            split=split_sentences or split_long,
            fallback=more.fallback,
            listed=None if sampled else 1,
            live=live,
            tag=tag,
        )
        write_answers(
            found,
            output,
            form,
            SourceCheck(chosen.translator.source_tokenizer, chosen.translator.expected),
            alignments=alignments,
            bundle=None if alignments is None else chosen.bundles[0],
            calibration=calibration,
            lexicon=known,
            translator=chosen.translator if more.token_confidence else None,
        )
    return 0
