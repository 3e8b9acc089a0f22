"""Formats are recognised by content, columns are found, and what cannot be read is named."""

import bz2
import gzip
import json
import lzma
import random
import re
import zipfile

import openpyxl
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from whyformer.data.encodings import guessed_encoding, known_encoding
from whyformer.data.formats.json_records import records_of_array
from whyformer.data.formats.recognition import Format, Wanted, recognized
from whyformer.data.formats.table import is_header
from whyformer.data.formats.tables import open_table
from whyformer.data.labelled import example_roles, read_examples
from whyformer.data.reading import Reading, pair_roles, parallel, read_pairs
from whyformer.data.tagged import read_tagged
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.recipe import Documents
from whyformer.tasks.pair_sources import _refuse_opposite
from whyformer.tasks.text_data import read_documents
from whyformer.workflows.evaluate import read_items

KOREAN = ["무엇을 드릴까요?", "톰은 갔다.", "나는 학생이다.", "비가 온다.", "책을 읽는다."]
ENGLISH = ["What can I get you?", "Tom left.", "I am a student.", "It rains.", "I read a book."]
ROWS = [(f"{ENGLISH[n % 5]} {n}", f"{KOREAN[n % 5]} {n}") for n in range(40)]
LICENCE = "CC-BY 2.0 (France) Attribution: tatoeba.org #{} (CK)"
TSV = "".join(f"{en}\t{ko}\n" for en, ko in ROWS)
PAIR = {"a": "x", "b": "y"}


def tatoeba() -> str:
    return "".join(f"{en}\t{ko}\t{LICENCE.format(n)}\n" for n, (en, ko) in enumerate(ROWS))


def numbered() -> str:
    return "".join(f"{3 * n}\t{en}\t{3 * n + 1}\t{ko}\n" for n, (en, ko) in enumerate(ROWS))


def csv_text(header: str = "Q,A,label\n", delimiter: str = ",") -> str:
    rows = (f'"{en}"{delimiter}"{ko}"{delimiter}{n % 3}\n' for n, (en, ko) in enumerate(ROWS))
    return header + "".join(rows)


def tmx() -> str:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{en}</seg></tuv><tuv xml:lang="ko"><seg>{ko}</seg></tuv></tu>'
        for en, ko in ROWS
    )
    return f'<?xml version="1.0"?><tmx version="1.4"><header/><body>{units}</body></tmx>'


def hugging_face() -> str:
    return "".join(
        json.dumps({"translation": {"en": en, "ko": ko}}, ensure_ascii=False) + "\n"
        for en, ko in ROWS
    )


def array(*, whole: bool = False) -> str:
    records = [{"id": n, "source": en, "target": ko} for n, (en, ko) in enumerate(ROWS)]
    return json.dumps({"version": 1, "data": records} if whole else records, indent=1)


TEXTS = {
    "kor.txt": (tatoeba(), Format.TSV),
    "links": (numbered(), Format.TSV),
    "header.tsv": ("source\ttarget\n" + TSV, Format.TSV),
    "chat.csv": (csv_text(), Format.CSV),
    "chat.txt": (csv_text(), Format.CSV),
    "semicolons.csv": (csv_text("Q;A;label\n", ";"), Format.CSV),
    "hf.jsonl": (hugging_face(), Format.JSONL),
    "hf.txt": (hugging_face(), Format.JSONL),
    "a.json": (array(), Format.JSON),
    "whole.json": (array(whole=True), Format.JSON),
    "a.tmx": (tmx(), Format.TMX),
}


@pytest.mark.parametrize("name", TEXTS)
def test_pairs_are_read_from_every_text_format(tmp_path, name):
    path = tmp_path / name
    path.write_text(TEXTS[name][0], encoding="utf-8")
    assert recognized(str(path), Wanted.PAIRS) == TEXTS[name][1]
    assert [pair[1:3] for pair in read_pairs(path)] == ROWS


def test_pairs_are_read_from_parquet_and_excel(tmp_path):
    english, korean = zip(*ROWS, strict=True)
    parquet.write_table(pyarrow.table({"en": english, "ko": korean}), tmp_path / "a")
    book = openpyxl.Workbook()
    for row in [("영어", "한국어"), *ROWS]:
        book.active.append(row)
    book.save(tmp_path / "b")
    for name, format in (("a", Format.PARQUET), ("b", Format.EXCEL)):
        assert recognized(str(tmp_path / name), Wanted.PAIRS) == format
        assert [pair[1:3] for pair in read_pairs(tmp_path / name)] == ROWS


@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        ("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress),
        ("zst", lambda text: pyarrow.compress(text, codec="zstd", asbytes=True)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("named", [True, False])
def test_compressed_files_are_read_whatever_their_name(tmp_path, ending, compress, named):
    path = tmp_path / (f"a.tsv.{ending}" if named else "a.tsv")
    path.write_bytes(compress(TSV.encode()))
    assert [pair[1:3] for pair in read_pairs(path)] == ROWS
    noise = random.Random(0).randbytes(2000).hex()
    path.write_bytes(compress(f"{noise}\tb\n".encode() * 50)[:-40])
    with pytest.raises(DataError, match="but it is damaged"):
        list(read_pairs(path))


def test_a_pronunciation_dictionary_is_read(tmp_path):
    rows = [f"W{n}  W ER1 D{n % 3}" for n in range(30)]
    path = tmp_path / "my.dict"
    path.write_text("\n".join([";;; a comment", *rows, "READ(2)  R EH1 D # past"]))
    found = list(read_pairs(path))
    assert len(found) == 31
    assert found[0][:3] == (2, "W0", "W ER1 D0")
    assert found[-1][:3] == (32, "READ", "R EH1 D")


def test_two_files_of_lines_are_two_sides(tmp_path):
    left, right = tmp_path / "left.txt", tmp_path / "right.txt"
    left.write_text("".join(f"{en}\n" for en, _ in ROWS), encoding="utf-8")
    right.write_text("".join(f"{ko}\n" for _, ko in ROWS), encoding="utf-8")
    assert parallel([str(left), str(right)]) == [(str(left), str(right))]
    with pytest.raises(DataError, match="Give the file of the sources and then"):
        list(read_pairs(left))
    left.write_text(TSV, encoding="utf-8")
    assert parallel([str(left), str(right)]) == [(str(left), None), (str(right), None)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7 x", "a PDF document"), (b"\x89PNG\r\n", "an image"),
        (b"PK\x03\x04 x", "a damaged ZIP file"), (b"SQLite format 3\0", "an SQLite database"),
        (b"<!DOCTYPE html><html>\n</html>", "an HTML page"),
        (b"<?xml version='1.0'?><a/>", "an XML file"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named_as_what_it_is(tmp_path, content, kind):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"is {kind}"):
        list(read_pairs(path))


def test_an_address_and_a_directory_are_named(tmp_path):
    with pytest.raises(DataError, match="is a web address"):
        list(read_pairs("https://example.org/pairs.tsv"))
    for side in ("ko", "en"):
        (tmp_path / f"train.{side}").write_text("a\n")
    with pytest.raises(DataError, match=r"directory.*--data .*train --source en --target ko"):
        list(read_pairs(tmp_path))


@pytest.mark.parametrize("encoding", ["cp949", "cp932", "cp1251", "gb18030"])
def test_other_encodings_are_named_and_read(tmp_path, encoding):
    text = {
        "cp949": KOREAN[0], "cp932": "ありがとうございます", "cp1251": "Привет, мир",
        "gb18030": "我是学生，你好",
    }[encoding]  # fmt: skip
    path = tmp_path / "a.tsv"
    path.write_bytes(f"{text}\tx\n".encode(encoding) * 30)
    with pytest.raises(DataError, match=f"looks like {encoding.upper()}. Give --encoding"):
        list(read_pairs(path))
    assert next(read_pairs(path, reading=Reading(encoding)))[1] == text
    assert guessed_encoding(text.encode(encoding)) == encoding


def test_an_unknown_encoding_is_refused():
    for name in ("cp94", "base64"):
        with pytest.raises(ConfigError, match=f"`{name}` is not an encoding"):
            known_encoding(name)


def test_columns_in_doubt_are_shown_and_settled(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"{en}\t{ko}\t{ko} {en}\n" for en, ko in ROWS), encoding="utf-8")
    with pytest.raises(DataError, match=r"3 columns, .*`3` \(“무엇을.*--columns SOURCE,TARGET"):
        list(read_pairs(path))
    assert [p[1:3] for p in read_pairs(path, source="2", target="1")] == [
        (ko, en) for en, ko in ROWS
    ]
    with pytest.raises(DataError, match="must have a column 4, but it has 3 columns"):
        list(read_pairs(path, source="4", target="1"))


def test_names_settle_the_order_of_columns(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("ko\ten\n" + "".join(f"{ko}\t{en}\n" for en, ko in ROWS), encoding="utf-8")
    assert [pair[1:3] for pair in read_pairs(path, source="en", target="ko")] == ROWS
    described = pair_roles(str(path), source="en", target=None).described()
    assert "TSV, line 1 is a header; source = `en` (“What" in described
    with pytest.raises(DataError, match="must name the column `de`, but it has ko, en"):
        list(read_pairs(path, source="de", target="ko"))


@pytest.mark.parametrize(
    ("first", "rows", "wanted"),
    [
        (["id", "document", "label"], [["7", "x", "0"]], True),
        (["source", "target"], [["a", "b"]], True),
        (["source", "target"], [["a", "b"], ["source", "c"]], False),
        (["cat", "K AE T"], [["dog", "D AO G"]] * 5, False),
        (["리뷰", "만족도"], [["좋아요", "5"], ["별로", "1"], ["최고", "5"]], True),
        (["5", "좋아요"], [["1", "별로"], ["5", "최고"], ["2", "음"]], False),
        (["text", "text"], [["a", "b"]] * 5, False),
        (["a"], [["b"]] * 5, False),
        (["KO_TXT", "EN_TXT"], [[f"저는 민수 {n}", f"I am Minsu {n}"] for n in range(40)], True),
        (["OK now", "Yes"], [[f"저는 민수 {n}", f"I am Minsu {n}"] for n in range(40)], False),
        (["잘 자요", "Good night"], [[f"저는 {n}", f"I am Minsu {n}"] for n in range(40)], False),
        (
            ["평문", "극성"],
            [[f"정말 재미있어요 {n}", "긍정부정"[n % 2 :]] for n in range(40)],
            True,
        ),
        (["평문", "극성"], [[f"정말 재미있어요 {n}", f"긍정 {n}"] for n in range(40)], False),
    ],
)
def test_a_header_is_told_from_a_row(first, rows, wanted):
    assert is_header(first, rows) is wanted


def test_a_header_can_be_forced_and_denied(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("source\ttarget\na\tb\n")
    assert [p[1:3] for p in read_pairs(path)] == [("a", "b")]
    denied = read_pairs(path, reading=Reading(header=False))
    assert [p[1:3] for p in denied] == [("source", "target"), ("a", "b")]
    path.write_text("eins\tzwei\na\tb\n")
    forced = read_pairs(path, reading=Reading(header=True))
    assert [p[1:3] for p in forced] == [("a", "b")]


LABELLED = {
    "nsmc": ("id\tdocument\tlabel\n", "{n}\t{text}\t{label}\n", ["document", "label"]),
    "nli": (
        "sentence1\tsentence2\tgold_label\n",
        "{text}\t{other}\t{label}\n",
        ["sentence1", "sentence2", "gold_label"],
    ),
    "cola": ("", "gj{group}\t{label}\t{mark}\t{text}\n", ["4", "2"]),
    "label-first": ("", "{label}\t{text}\n", ["2", "1"]),
    "plain": ("", "{text}\t{label}\n", ["1", "2"]),
    "two": ("", "{text}\t{other}\t{label}\n", ["1", "2", "3"]),
    "csv": ("리뷰,점수\n", '"{text}, 정말",{label}\n', ["리뷰", "점수"]),
}


@pytest.mark.parametrize("name", LABELLED)
def test_columns_of_labelled_texts_are_found(tmp_path, name):
    header, row, wanted = LABELLED[name]
    path = tmp_path / "a.txt"
    rows = (
        row.format(
            n=1000 + 7 * n, text=ko, other=f"{en} !", label=n % 3, group=n % 4, mark="*" * (n % 2)
        )
        for n, (en, ko) in enumerate(ROWS)
    )
    path.write_text(header + "".join(rows), encoding="utf-8")
    roles = example_roles(str(path))
    assert list(roles.columns.values()) == wanted
    found = list(read_examples(str(path)))
    assert [one.label for one in found] == [str(n % 3) for n in range(len(ROWS))]
    assert all(one.first.startswith(ko) for one, (_, ko) in zip(found, ROWS, strict=True))
    assert {one.second is None for one in found} == {len(wanted) == 2}


def test_the_number_of_a_regression_is_found(tmp_path):
    path = tmp_path / "sts.tsv"
    head = "genre\tfilename\tyear\tid\tscore\tsentence1\tsentence2\n"
    rows = (f"main\tMSR\t2012\t{n:04}\t{n % 5}.2\t{en}\t{ko}\n" for n, (en, ko) in enumerate(ROWS))
    path.write_text(head + "".join(rows), encoding="utf-8")
    roles = example_roles(str(path), number=True)
    assert roles.columns == {"text": "sentence1", "second text": "sentence2", "label": "score"}
    assert "not read: genre, filename, year, id" in roles.described()


KLUE = "## s1\t<경찰:OG>은\n경\tB-OG\n찰\tI-OG\n \tO\n은\tO\n"
UNIVERSAL = (
    "# text = a cat\n1-2\tacat\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\ta\tDET\tDT\t_\t2\tdet\t_\t_\n"
    "1.1\tx\tx\tX\t_\t_\t_\t_\t_\t_\n2\tcat\tcat\tNOUN\tNN\t_\t0\troot\t_\t_\n"
)
CONLL = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n# NN B-NP O\n"


@pytest.mark.parametrize(
    ("block", "words", "labels"),
    [
        (KLUE, ["경", "찰", "은"], ["B-OG", "I-OG", "O"]),
        (UNIVERSAL, ["a", "cat"], ["DET", "NOUN"]),
        (CONLL, ["EU", "rejects", "#"], ["B-ORG", "O", "O"]),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_one_word_per_line_is_recognised_by_content(tmp_path, name, block, words, labels):
    path = tmp_path / name
    path.write_text(f"{block}\n" * 20, encoding="utf-8")
    found = list(read_tagged(str(path)))
    assert len(found) == 20
    assert all(one.words == words and one.labels == labels for one in found)


def test_columns_of_conllu_have_names(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(f"{UNIVERSAL}\n" * 3)
    assert next(read_tagged(str(path), label="xpos")).labels == ["DT", "NN"]
    assert next(read_tagged(str(path), text="3", label="8")).labels == ["det", "root"]
    with pytest.raises(DataError, match="no column `colour`"):
        next(read_tagged(str(path), label="colour"))


def test_texts_of_tables_and_plain_texts(tmp_path):
    path = tmp_path / "reviews.txt"
    path.write_text("id\tdocument\n" + "".join(f"{n}\t{en}\n" for n, (en, _) in enumerate(ROWS)))
    assert list(next(read_documents(str(path), Documents.FILE))) == [en for en, _ in ROWS]
    path.write_text('He said, "no, never", and left.\tThen silence.\n' * 30)
    assert recognized(str(path), Wanted.TEXTS) == Format.LINES
    assert open_table(path, Wanted.TEXTS) is None


@pytest.mark.usefixtures("unchecked")
@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=5),
            st.recursive(st.text(max_size=9) | st.integers(), st.lists, max_leaves=6),
            min_size=1,
            max_size=4,
        ),
        max_size=8,
    ),
    st.sampled_from([None, 1, 4]),
)
def test_an_array_is_streamed_as_json_reads_it(tmp_path_factory, records, indent):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(records, indent=indent), encoding="utf-8")
    found = records_of_array(str(path), None)
    assert [record for _, record in found] == records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" + json.dumps(PAIR), "item 1: .*not closed"),
        (f"[{json.dumps(PAIR)}, 7]", r"item 2: must be an object, but it is 7"),
        (f"[{json.dumps(PAIR)} {json.dumps(PAIR)}]", "item 1: .*not closed"),
        ('[{"a": ' + "[" * 100_000, "item 1: .*cannot be parsed"),
        ('{"a": 1, "b": 2}'.replace(", ", ",\n"), "must be a JSON array of objects"),
    ],
)
def test_a_wrong_array_is_named_with_the_item(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        list(records_of_array(str(path), None))


def test_a_quote_that_is_never_closed_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('Q,A\n"a",b\n"c,d\ne,f\n')
    with pytest.raises(DataError, match=r"a\.csv:3: a row must be CSV.*Put a cell"):
        list(read_pairs(path))


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (",en,ko", ["en", "ko"]),
        ("한국어 문장,영어 번역,출처", ["한국어 문장", "영어 번역"]),
        ("kor_sentence,eng_sentence,id", ["kor_sentence", "eng_sentence"]),
    ],
)
def test_headings_of_several_words_and_of_pandas_are_known(tmp_path, header, wanted):
    path = tmp_path / "a.csv"
    first = header.startswith(",")
    rows = (
        f'{n},"{en}","{ko}"\n' if first else f'"{en}","{ko}",{n}\n'
        for n, (en, ko) in enumerate(ROWS)
    )
    path.write_text(header + "\n" + "".join(rows), encoding="utf-8")
    roles = pair_roles(str(path), source=None, target=None)
    assert list(roles.columns.values()) == wanted
    assert [pair[1:3] for pair in read_pairs(path)] == ROWS


def test_a_column_that_is_named_proves_a_header(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("Koreanisch\tEnglisch\n" + "".join(f"{ko}\t{en}\n" for en, ko in ROWS))
    pairs = read_pairs(path, source="Englisch", target="Koreanisch")
    assert [pair[1:3] for pair in pairs] == ROWS


def test_a_semicolon_divides_cells_although_the_texts_have_commas(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{en}, really.;{ko}\n" for en, ko in ROWS), encoding="utf-8")
    assert [p[1:3] for p in read_pairs(path)] == [(f"{en}, really.", ko) for en, ko in ROWS]


def test_a_spare_column_is_no_second_text(tmp_path):
    path = tmp_path / "a.csv"

    def write(spare):
        rows = (f'{n},"{ko}",{n % 5},{spare(n)}\n' for n, (_, ko) in enumerate(ROWS))
        path.write_text("번호,고객의견,만족도,비고\n" + "".join(rows), encoding="utf-8")

    wanted = {"text": "고객의견", "label": "만족도"}
    write(lambda n: f"{n}번 손님이 남긴 말")
    with pytest.raises(DataError, match="not clear which contain the text"):
        example_roles(str(path))
    assert example_roles(str(path), text="고객의견", label="만족도").columns == wanted
    write(lambda n: f"2024-03-{n % 28 + 1:02}")  # dates are not texts
    assert example_roles(str(path)).columns == wanted


def test_the_sheet_with_the_table_is_read_below_its_title(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    book.active.append(["My data"])
    sheet = book.create_sheet("Data")
    for row in [("Title", None), (None, None), ("원문", "번역문"), *ROWS]:
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    assert [pair[1:3] for pair in read_pairs(tmp_path / "a.xlsx")] == ROWS
    roles = pair_roles(str(tmp_path / "a.xlsx"), source=None, target=None)
    assert "sheet Data, line 1 is a header" in roles.described()


def test_mixed_encodings_and_a_needless_encoding_are_named(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(f"{KOREAN[0]}\tx\n".encode() * 20 + f"{KOREAN[1]}\ty\n".encode("cp949"))
    with pytest.raises(DataError, match=r"a\.tsv:21: .*looks like CP949: the file mixes encodings"):
        list(read_pairs(path))
    path.write_bytes("é à\tx\n".encode() * 20)
    with pytest.raises(DataError, match=r"it is UTF-8. Leave --encoding out"):
        list(read_pairs(path, reading=Reading("ascii")))


def test_the_sides_of_a_prefix_are_named(tmp_path):
    for side in ("ko", "en"):
        (tmp_path / f"corpus.{side}").write_text("a\n")
    with pytest.raises(DataError, match="Give --source en --target ko, or the other way round"):
        list(read_pairs(tmp_path / "corpus"))


def test_damaged_workbooks_and_parquet_files_are_named(tmp_path):
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    parquet.write_table(pyarrow.table({"en": [en for en, _ in ROWS]}), tmp_path / "b.parquet")
    rng = random.Random(0)
    for name, damaged in (("a.xlsx", "workbook"), ("b.parquet", "Parquet file")):
        whole, found = (tmp_path / name).read_bytes(), 0
        for _ in range(60):
            changed = bytearray(whole)
            for _ in range(8):
                changed[rng.randrange(8, len(changed))] ^= 1 << rng.randrange(8)
            (tmp_path / name).write_bytes(bytes(changed))
            try:
                list(read_pairs(tmp_path / name))
            except DataError as error:
                found += damaged in str(error)
        assert found > 10


def test_dates_and_bytes_of_parquet_are_texts(tmp_path):
    path, english = tmp_path / "a.parquet", [en for en, _ in ROWS]
    dates = pyarrow.array([2**62, 1] * 20).view(pyarrow.timestamp("us"))
    precise = pyarrow.array([1] * 40).view(pyarrow.timestamp("ns"))
    raw = pyarrow.array([f"{n} é".encode() for n in range(40)])
    columns = {"text": english, "label": precise, "date": dates, "raw": raw}
    parquet.write_table(pyarrow.table(columns), path)
    label = "1970-01-01 00:00:00.000000001"
    assert [one[1:4] for one in read_examples(str(path))] == [(en, None, label) for en in english]
    pairs = read_pairs(path, source="text", target="raw")
    assert [one.target for one in pairs] == [f"{n} é" for n in range(40)]
    parquet.write_table(pyarrow.table(columns | {"raw": [b"\xff"] * 40}), path)
    with pytest.raises(DataError, match=r"row 1: `raw` must be a text, but .* not UTF-8"):
        list(read_pairs(path, source="text", target="raw"))


def test_a_tmx_file_in_an_unknown_encoding_is_named(tmp_path):
    path = tmp_path / "a.tmx"
    for encoding, readable in (("utf-8", True), ("cp949", False), ("x-unknown", False)):
        path.write_text(tmx().replace("?>", f' encoding="{encoding}"?>', 1), encoding="utf-8")
        if readable:
            assert [pair[1:3] for pair in read_pairs(path)] == ROWS
        else:
            with pytest.raises(
                DataError, match=r"states another encoding .* Convert the file to UTF-8"
            ):
                list(read_pairs(path))


def _with_sheet_changed(path, change):
    """Change the XML of the first sheet of a workbook."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


@pytest.mark.usefixtures("unchecked")
def test_a_workbook_is_read_whatever_size_it_states(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for en, ko in ROWS:
        book.active.append((en, ko, "" if en.startswith("Tom") else "note"))
    book.save(path)
    for size in ("A1:B3", "A1", "A1:XFD1048576"):
        _with_sheet_changed(
            path, lambda xml, size=size: re.sub(r'ref="[A-Z0-9:]+"', f'ref="{size}"', xml)
        )
        pairs = read_pairs(path, source="1", target="2")
        assert [pair[1:3] for pair in pairs] == ROWS, size
    _with_sheet_changed(path, lambda xml: xml.replace('<row r="40"', '<row r="99999999999"'))
    with pytest.raises(DataError, match=r"damaged .a row has a number above 1,048,576"):
        list(read_pairs(path, source="1", target="2"))


def test_a_workbook_that_claims_a_huge_part_is_named(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(path)
    changed = bytearray(path.read_bytes())
    entry = changed.index(b"PK\x01\x02")  # the list of parts at the end of the file
    changed[entry + 20 : entry + 24] = (0xF0000000).to_bytes(4, "little")  # compressed size
    path.write_bytes(bytes(changed))
    with pytest.raises(DataError, match=r"damaged .* claims to be larger than the file"):
        list(read_pairs(path))


def test_a_blank_line_of_a_dictionary_is_an_empty_pair(tmp_path):
    path = tmp_path / "my.dict"
    path.write_text("\n".join([*(f"W{n}  W ER1 D{n % 3}" for n in range(30)), "", "END  EH1 N D"]))
    assert [pair[1:3] for pair in read_pairs(path)][-2:] == [("", ""), ("END", "EH1 N D")]


def test_files_of_opposite_directions_are_refused(tmp_path):
    tables = []
    for name, keys in (("a.jsonl", ("en", "ko")), ("b.jsonl", ("ko", "en"))):
        path = tmp_path / name
        path.write_text(json.dumps(dict.fromkeys(keys, "x")) + "\n")
        tables.append(pair_roles(str(path), source=None, target=None))
    _refuse_opposite([tables[0], tables[0]])
    with pytest.raises(
        DataError, match=r"from en to ko and .* from ko to en. Give --columns en,ko"
    ):
        _refuse_opposite(tables)


def test_evaluate_reads_the_columns_of_the_training_data(tmp_path):
    (tmp_path / "model").mkdir()
    facts = {"facts": {"columns": {"source": "2", "target": "1"}}}
    (tmp_path / "model" / "config.json").write_text(json.dumps(facts))
    path = tmp_path / "a.tsv"
    path.write_text("a\tx\nb\ty\n")
    assert read_items(path, run=tmp_path) == (["x", "y"], [["a"], ["b"]])
    assert read_items(path) == (["a", "b"], [["x"], ["y"]])


@pytest.mark.parametrize("blanks", [1, 3000])
@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_blank_lines_before_a_table_change_neither_its_format_nor_its_header(
    tmp_path, blanks, delimiter
):
    path = tmp_path / "ratings"
    rows = [("document", "label"), *((f"text {n}", str(n % 2)) for n in range(40))]
    path.write_text("\n" * blanks + "".join(f"{delimiter.join(row)}\n" for row in rows))
    assert recognized(str(path), Wanted.LABELLED) == (
        Format.TSV if delimiter == "\t" else Format.CSV
    )
    table = open_table(str(path), Wanted.LABELLED)
    assert (list(table.columns), table.named) == (["document", "label"], True)
    filled = [(number, tuple(cells)) for number, cells in table.rows() if any(cells)]
    assert filled == [(blanks + 1 + n, row) for n, row in enumerate(rows) if n]
