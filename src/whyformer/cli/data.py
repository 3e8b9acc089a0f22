"""``whyformer data``: show the content and the faults of data files, and write the good lines."""

from pathlib import Path

from whyformer.cli.shared.options import Flag, Overrides, Texts, required

EXAMPLES = """Examples:

  whyformer data pairs.tsv
  whyformer data corpus/train --source ko --target en --dev corpus/dev
  whyformer data reviews.csv --columns document,label
  whyformer data pairs.tsv --clean good.tsv
  whyformer data pairs.tsv --clean good.tsv --keep numbers,html --drop several
  whyformer data book.txt --task language
  whyformer data table.csv --data.header true
  zcat pairs.tsv.gz | whyformer data -
  whyformer data pairs.tsv --html data.html

--clean writes the good lines to OUT, and the other lines with their reasons to
OUT.dropped.tsv. Swapped pairs are kept; their sides are exchanged. Names of
reasons for --keep and --drop: empty, header, control, duplicate, untranslated,
script, language, length, numbers, html, validation, several, html-both,
identical, swapped (docs/data.md)."""


def data(
    *files: str,
    source: str | None = None,
    target: str | None = None,
    columns: Texts = None,
    encoding: str | None = None,
    dev: Texts = None,
    task: str | None = None,
    clean: Path | None = None,
    keep: Texts = None,
    drop: Texts = None,
    html: Path | None = None,
    overwrite: Flag = False,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Show the content of data files: columns, lengths, scripts, faults and the strangest lines.

    Nothing is trained. The memory use does not grow with the size of the files.

    Args:
        files: Data files in any format that `whyformer train` reads, the prefix of two files, or -
            for standard input.
        source: Column of the source or text, or suffix of its file.
        target: Column of the target or label, or suffix of its file.
        columns: Columns to read, by name or number, as for `whyformer train`.
        encoding: Encoding of the files, such as cp949 (default: UTF-8).
        dev: Validation data. Training data that is nearly equal to validation data is reported.
            Default: the part that training would hold out.
        task: What the data is for: translate, language, masked, replaced, classify, regress or
            tag (default: decided by the content).
        clean: TSV file to write the good lines to. If the data is in two files, the prefix of two
            files to write.
        keep: For --clean: keep lines with these faults, which are left out by default.
        drop: For --clean: also leave out lines with these faults.
        html: HTML file to write: a page with plots, in one file that needs no other files.
        overwrite: Replace existing output files.
        json: Print all figures as one JSON object.
    """
    given = required(list(files), "FILE", "the path of a file")
    from whyformer.cli.shared.recipes import columns_in, data_settings
    from whyformer.cli.shared.streams import print_json, refuse_existing
    from whyformer.foundation.errors import UsageError
    from whyformer.tasks.standard_input import as_files
    from whyformer.workflows.survey.clean import Cleaner, outputs, reasons_to_drop
    from whyformer.workflows.survey.files import opened
    from whyformer.workflows.survey.report import report
    from whyformer.workflows.survey.text import rendered

    settings = data_settings(
        as_files(given),
        dev=dev,
        source=source,
        target=target,
        columns=columns,
        encoding=encoding,
        overrides=overrides,
    )
    opened_files = opened(settings, task)
    if clean is None:
        for name, value in (("keep", keep), ("drop", drop)):
            if value is not None:
                raise UsageError(f"`--{name}` has no effect without --clean OUT. Leave it out.")
        refuse_existing(overwrite, clean=None, html=html)
        found, cleaner = report(opened_files), None
    else:
        paths = outputs(opened_files, clean)
        for read in opened_files.paths:
            refuse_existing(overwrite, read=read, html=html, **{str(path): path for path in paths})
        kept, reasons = columns_in(keep), columns_in(drop)
        cleaner = Cleaner(
            opened_files,
            paths,
            reasons_to_drop(opened_files, kept, reasons),
            exchange="swapped" not in kept,
        )
        with cleaner.writing():
            found = report(opened_files, cleaner=cleaner)
    if html is not None:
        from whyformer.foundation.files import write_text
        from whyformer.workflows.survey.page import page

        write_text(html, page(found))
    written = cleaner.summary() if cleaner else []
    if json:
        print_json(found.to_json() | ({"written": cleaner.to_json()} if cleaner else {}))
    else:
        print("\n".join([rendered(found, cleaned=cleaner is not None), *written]))
    return 0
