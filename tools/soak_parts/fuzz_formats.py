"""Formats of data files, each with valid files, for part `fuzz-readers`. All files are generated.

A file is read in one of several ways: as pairs, labelled texts, labelled words or texts, with or
without `--columns`, `--encoding` and `header`. The content of the file selects the way, so that a
trial can be repeated.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from soak_parts.tiny_runs import sentence, word

ROWS = 14
"""Rows of a file. In a short file, mutations reach a larger share of it."""
PLAIN = 0.6
"""Share of the files that are read without further options."""
COLUMNS = (None, None, None, "1", "2", "3", "source", "text", "label", "translation.ko", "en")
"""Names of columns that may be asked for. None is no name."""
DELIMITERS = (None, None, None, None, "|", "\t", ",", "e")
ENCODINGS = (
    "utf-8", "cp949", "euc_kr", "utf-16", "utf-16-le", "utf-32", "cp932", "gb18030", "big5",
    "cp1251", "cp1252",
)  # fmt: skip
SCRIPTS = {
    "cp949": "안녕하세요 나는 학생입니다",
    "euc_kr": "비가 온다",
    "cp932": "これはペンです",
    "gb18030": "我是学生。你好",
    "big5": "我是學生。你好",
    "cp1251": "добрый день",
    "cp1252": "déjà vu à Noël",
}
Seeds = tuple[bytes, ...]
Read = Callable[[Path], object]


def formats() -> dict[str, tuple[Seeds, str, Read, int]]:
    """Return name -> contents of valid files, name of the mutated file, reader and weight."""
    members = workbook()
    sheet, strings, book = (
        f"xl/{name}.xml" for name in ("worksheets/sheet1", "sharedStrings", "workbook")
    )
    tsv = _lines("\t".join(row) for row in _pairs())
    packed = (_csv(","), tsv, _json_lines()[0])
    return {
        "CSV": (
            (_csv(","), _csv(";"), _csv("|"), _csv(",", header="Q,A,label"), *_spreadsheets()),
            "f.csv",
            read_any_way,
            20,
        ),
        "JSON array": ((*_json_arrays(),), "f.json", read_any_way, 20),
        "JSON lines, nested": ((*_json_lines(),), "f.jsonl", read_any_way, 20),
        "Parquet": ((*_parquet(),), "f.parquet", read_any_way, 20),
        "Parquet, values": ((*_json_lines(),), "f.jsonl", _in_parquet, 20),
        "Excel": ((_zipped(members),), "f.xlsx", read_any_way, 4),
        "Excel, sheet": ((members[sheet],), "f.xml", _in_workbook(members, sheet), 4),
        "Excel, texts": ((members[strings],), "f.xml", _in_workbook(members, strings), 2),
        "Excel, workbook": ((members[book],), "f.xml", _in_workbook(members, book), 2),
        "TMX": ((*_tmx(),), "f.tmx", read_any_way, 20),
        "pronunciation dictionary": ((*_dictionaries(),), "f.dict", read_any_way, 10),
        "CoNLL-U": ((_conllu(),), "f.conllu", read_any_way, 10),
        "CoNLL and KLUE-NER": ((_conll(), _klue()), "f.txt", read_any_way, 10),
        "zstandard": (tuple(map(_zstandard, packed)), "f.zst", read_any_way, 8),
        "bzip2": (tuple(map(bz2.compress, packed)), "f.bz2", read_any_way, 4),
        "xz": (tuple(map(lzma.compress, packed)), "f.xz", read_any_way, 4),
        "compressed, without an ending": (
            (gzip.compress(tsv, mtime=0), bz2.compress(tsv), _zstandard(tsv)),
            "f",
            read_any_way,
            4,
        ),
        "compressed after the change": (packed, "f", _compressed, 10),
        "encodings": ((*_encoded(),), "f.txt", read_any_way, 20),
        "other kinds": ((*_other_kinds(),), "f.txt", read_any_way, 4),
    }


def read_any_way(path: Path) -> object:
    """Read a file in the way that its content selects."""
    from whyformer.data.labelled import example_roles, read_examples
    from whyformer.data.reading import Reading, pair_roles, parallel, read_pairs
    from whyformer.data.tagged import read_tagged, tag_roles
    from whyformer.recipes.recipe import Documents
    from whyformer.tasks.text_data import read_documents, text_roles

    rng = random.Random(zlib.crc32(path.read_bytes()))
    name = str(path)
    reading, first, second, third = Reading(), None, None, None
    if rng.random() > PLAIN:
        encoding = rng.choice((None, None, None, None, *ENCODINGS))
        header, delimiter = rng.choice((None, None, True, False)), rng.choice(DELIMITERS)
        reading = Reading(encoding=encoding, header=header, delimiter=delimiter)
        first, second, third = (rng.choice(COLUMNS) for _ in range(3))

    def pairs() -> object:
        roles = pair_roles(name, source=first, target=second, reading=reading).described()
        return roles, list(read_pairs(name, source=first, target=second, reading=reading))

    def labelled() -> object:
        options: dict[str, Any] = {"number": rng.random() < 0.3, "reading": reading}
        names = {"text": first, "second": second if rng.random() < 0.3 else None, "label": third}
        roles = example_roles(name, **names, **options).described()
        return roles, list(read_examples(name, **names, **options))

    def tagged() -> object:
        found = list(read_tagged(name, text=first, label=second, reading=reading))
        return found, tag_roles(name, text=first, label=second, reading=reading).described()

    def texts() -> object:
        end = rng.choice(list(Documents))
        roles = text_roles(name, first, reading)
        found = [list(one) for one in read_documents(name, end, first, reading)]
        return roles and roles.described(), found

    def two_files() -> object:
        return [list(read_pairs(*one)) for one in parallel([name, name], reading=reading)]

    ways = (pairs, pairs, pairs, labelled, labelled, tagged, tagged, texts, two_files)
    return rng.choice(ways)()


def _pairs(seed: int = 1) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    return [(text, text.upper()) for text in (sentence(rng) for _ in range(ROWS))]


def _lines(lines: Any) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _csv(delimiter: str, header: str = "") -> bytes:
    """Return CSV with quoted cells; some hold the delimiter, quotes or two lines."""
    rows = [header.replace(",", delimiter)] if header else []
    for number, (left, right) in enumerate(_pairs()):
        left = (left, f'"{left}{delimiter} {left}"', f'"a ""{left}"""', f'"{left}\n{left}"')[
            number % 4
        ]
        rows.append(delimiter.join((left, f'"{right}"', *([str(number % 3)] if header else []))))
    return _lines(rows)


def _spreadsheets() -> list[bytes]:
    """Return CSV as spreadsheets and pandas write it: with a mark, CRLF and numbered rows."""
    table = _csv(";", header="번호;질문;답변").replace(b"\n", b"\r\n")
    frame = _lines([",text,label", *(f"{n},{a},{n / 2}" for n, (a, _) in enumerate(_pairs()))])
    return [b"\xef\xbb\xbf" + table, frame]


def _records() -> list[dict[str, Any]]:
    return [{"id": n, "source": a, "target": b} for n, (a, b) in enumerate(_pairs())]


def _json_arrays() -> list[bytes]:
    records = _records()
    nested = [{"translation": {"en": a, "ko": b}, "tags": a.split()} for a, b in _pairs()]
    squad = {"version": 1, "data": [{"text": a, "label": "x", "words": ["a"]} for a, _ in _pairs()]}
    return [
        json.dumps(records, indent=1).encode(),
        json.dumps(records).encode(),
        json.dumps(nested).encode(),
        json.dumps(squad, indent=2).encode(),
    ]


def _json_lines() -> list[bytes]:
    nested = [{"translation": {"en": a, "ko": {"x": b}}} for a, b in _pairs()]
    labelled = [
        {"premise": a, "hypothesis": b, "label": n % 3, "words": a.split()}
        for n, (a, b) in enumerate(_pairs())
    ]
    return [_lines(map(json.dumps, one)) for one in (_records(), nested, labelled)]


def _parquet() -> list[bytes]:
    """Return Parquet files with texts, records, lists, numbers, dates, bytes and missing values."""
    from datetime import datetime
    from decimal import Decimal

    import pyarrow
    from pyarrow import parquet

    pairs = _pairs()
    plain = {"source": [a for a, _ in pairs], "target": [b for _, b in pairs]}
    nested = {
        "translation": [{"en": a, "ko": b} for a, b in pairs],
        "label": [n % 3 if n % 5 else None for n in range(ROWS)],
        "words": [a.split() for a, _ in pairs],
    }
    odd = {
        "text": [a.encode() for a, _ in pairs],
        "score": [n / 7 for n in range(ROWS)],
        "date": [datetime(2020, 1, 1 + n) for n in range(ROWS)],
        "price": [Decimal(n) / 4 for n in range(ROWS)],
        "yes": [n % 2 == 0 for n in range(ROWS)],
    }
    found: list[bytes] = []
    for columns in (plain, nested, odd):
        for compression in ("none", "snappy", "zstd"):
            stream = io.BytesIO()
            parquet.write_table(pyarrow.table(columns), stream, compression=compression)
            found.append(stream.getvalue())
    return found


def workbook() -> dict[str, bytes]:
    """Return the members of an Excel workbook with two sheets; the first is hidden."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    cells = "".join(
        f'<row r="{n + 2}"><c r="A{n + 2}" t="s"><v>{n}</v></c>'
        f'<c r="B{n + 2}" t="inlineStr"><is><t>{b}</t></is></c>'
        f'<c r="C{n + 2}"><v>{n / 2}</v></c><c r="D{n + 2}" s="1"><v>{44000 + n}</v></c></row>'
        for n, (_, b) in enumerate(_pairs())
    )
    top = "".join(
        f'<c r="{place}1" t="str"><v>{name}</v></c>'
        for place, name in zip("ABCD", ("text", "translation", "score", "date"), strict=True)
    )
    texts = "".join(f"<si><t>{a}</t></si>" for a, _ in _pairs())
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in enumerate(("data", "notes"), start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{office}/{of}" Target="{target}"/>'
        for n, of, target in (
            (1, "worksheet", "worksheets/sheet1.xml"),
            (2, "worksheet", "worksheets/sheet2.xml"),
            (3, "sharedStrings", "sharedStrings.xml"),
            (4, "styles", "styles.xml"),
        )
    )
    parts = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{kind}.{of}+xml"/>'
        for name, of in (
            ("workbook", "sheet.main"),
            ("worksheets/sheet1", "worksheet"),
            ("worksheets/sheet2", "worksheet"),
            ("sharedStrings", "sharedStrings"),
            ("styles", "styles"),
        )
    )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{sheets}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">{relations}'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><dimension ref="A1:D{ROWS + 1}"/>'
        f'<sheetData><row r="1">{top}</row>{cells}</sheetData></worksheet>',
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{main}"><sheetData/></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{texts}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><fonts count="1"><font/></fonts>'
        '<fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }
    return {name: (head + text).encode() for name, text in members.items()}


def _zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file with these members; the same members always give the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _in_workbook(members: Mapping[str, bytes], member: str) -> Read:
    """Return a reader that puts the file into a workbook as one of its members."""

    def read(path: Path) -> object:
        book = path.with_name("member.xlsx")
        book.write_bytes(_zipped({**members, member: path.read_bytes()}))
        return read_any_way(book)

    return read


def _in_parquet(path: Path) -> object:
    """Write the records of JSON lines to a Parquet file, and read it, unless it has no types."""
    import pyarrow
    from pyarrow import parquet

    table = path.with_name("f.parquet")
    try:
        records = [json.loads(line) for line in path.read_bytes().splitlines()]
        parquet.write_table(pyarrow.Table.from_pylist(records), table)
    except (
        ValueError,
        TypeError,
        AttributeError,
        pyarrow.ArrowException,
        ArithmeticError,
        RecursionError,
    ):
        return None  # no records, or values of one column that have no common type
    return read_any_way(table)


def _compressed(path: Path) -> object:
    """Compress a file, and read it."""
    content = path.read_bytes()
    packers = (gzip.compress, bz2.compress, lzma.compress, _zstandard)
    packed = path.with_name("packed")
    packed.write_bytes(packers[zlib.crc32(content) % len(packers)](content))
    return read_any_way(packed)


def _tmx() -> list[bytes]:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{a} <bpt i="1">b</bpt></seg></tuv>\n'
        f'<tuv xml:lang="ko"><seg>{b} &amp; &#233;</seg></tuv></tu>\n'
        for a, b in _pairs()
    )
    body = f'<tmx version="1.4"><header/><body>{units}</body></tmx>'
    entity = '<!DOCTYPE tmx [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>'
    heads = ("utf-8", "utf-16", "cp949", "latin-1", "unknown-8")
    declared = [f'<?xml version="1.0" encoding="{name}"?>\n{body}' for name in heads]
    entities = declared[0].replace("\n", f"\n{entity}", 1).replace("&amp;", "&b;")
    return [
        declared[0].encode(),
        declared[1].encode("utf-16"),
        *(text.encode() for text in declared[2:]),
        entities.encode(),
    ]


def _dictionaries() -> list[bytes]:
    """Return dictionaries with comments, numbered pronunciations and stress."""
    rng = random.Random(2)
    symbols = ("B", "D", "K", "AA1", "IY0", "OW2", "M", "N")
    words = sorted({word(rng) for _ in range(40)})
    lines = [f"{one.upper()}  {' '.join(rng.choices(symbols, k=4))}" for one in words]
    lines[3:3] = [f"{words[2].upper()}(2)  B AA1", "ZE  Z EH1 # foreign"]
    return [_lines([";;; a comment", *lines]), _lines(line.lower() for line in lines)]


def _conllu() -> bytes:
    blocks = []
    for number, (text, _) in enumerate(_pairs()):
        words = text.split()
        rows = [
            f"{n}\t{one}\t{one}\tNOUN\tNN\t_\t{n - 1}\tdep\t_\t_"
            for n, one in enumerate(words, start=1)
        ]
        range_ = f"1-2\t{words[0]}\t_\t_\t_\t_\t_\t_\t_\t_"
        empty = f"{len(words)}.1\tx\tx\tVERB\t_\t_\t_\t_\t_\t_"
        blocks.append("\n".join([f"# sent_id = {number}", range_, *rows, empty]))
    return ("\n\n".join(blocks) + "\n\n").encode()


def _conll() -> bytes:
    blocks = ["-DOCSTART- -X- -X- O"]
    blocks += [
        "\n".join(f"{one} NN B-NP {'B-X' if one[0] in 'bd' else 'O'}" for one in text.split())
        for text, _ in _pairs()
    ]
    return ("\n\n".join(blocks) + "\n").encode()


def _klue() -> bytes:
    """Return labelled characters, as KLUE-NER has them: blanks have labels too."""
    blocks = [
        f"## klue-ner-v1_{n}\t<{text}:PS>\n" + "\n".join(f"{one}\tO" for one in text)
        for n, (text, _) in enumerate(_pairs()[:6])
    ]
    return ("\n\n".join(blocks) + "\n").encode()


def _zstandard(content: bytes) -> bytes:
    import pyarrow

    return pyarrow.compress(content, codec="zstd", asbytes=True)


def _encoded() -> list[bytes]:
    """Return a table in each encoding, and one that mixes two of them."""
    found: list[bytes] = []
    for encoding in ENCODINGS:
        script = SCRIPTS.get(encoding, "안녕 déjà vu")
        table = "".join(f"{script} {a}\t{b}\n" for a, b in _pairs())
        found.append(table.encode(encoding))
    return [*found, found[0] + found[1]]


def _other_kinds() -> list[bytes]:
    """Return files that hold no text."""
    text = _zipped({"mine/data.tsv": b"a\tb\n" * ROWS})
    page = b"<!DOCTYPE html>\n<html><body><table><tr><td>a</td></tr></table></body></html>\n"
    heads = (
        b"%PDF-1.7",
        b"\x89PNG\r\n",
        b"RIFF",
        b"SQLite format 3\0",
        b"ARROW1",
        b"\xd0\xcf\x11\xe0",
    )
    return [text, page, *(head + bytes(range(256)) for head in heads)]
