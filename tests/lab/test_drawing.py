"""Charts as SVG: every point, its interval and its number are there, in both languages."""

import json
import math
import re

import pytest

from whyformer.charts.line_chart import MAX_MARKERS, LineStyle
from whyformer.foundation.bilingual import Bilingual, Language, alike
from whyformer.lab.method.charts import Axis, Chart, Formula, HeatMap, Series, Table
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, Spread, exactly
from whyformer.lab.pages.drawing import drawn

EN, KO = Language.ENGLISH, Language.KOREAN


def seen(value: float) -> Estimate:
    return Estimate(value, value * 0.9, value * 1.1, 5, Spread.STUDENT)


def chart(points, *, log: bool = True, more: tuple = ()) -> Chart:
    return Chart(
        "c",
        Bilingual("Title", "제목"),
        Axis(Bilingual("width d_k", "너비 d_k"), log=log),
        Axis(Bilingual("loss, nat", "손실 (nat)"), log=log),
        [Series(Bilingual("measured", "측정"), points), *more],
        Bilingual("Caption <b>", "설명"),
    )


POINTS = [(4, seen(2.0)), (64, seen(8.0)), (1024, seen(32.0))]
THEORY = Series(alike("√d_k"), [(d, exactly(d**0.5)) for d, _ in POINTS], LineStyle.THEORY)
MARK = Series(Bilingual("here", "여기"), [(64, exactly(0))], LineStyle.MARK)


def test_every_point_has_its_mark_its_whisker_and_its_words():
    svg = drawn(chart(POINTS, more=(THEORY, MARK)), EN)
    assert svg.count('class="dot s0" transform="translate(') == 3 + 1  # and the legend's
    assert svg.count('class="whisker') == 3
    assert svg.count('class="mark"') == 2
    assert svg.count("stroke-dasharray") == 2
    assert "measured\nwidth d_k: 64\nloss, nat: 8.0 [7.2, 8.8]" in svg


def test_the_numbers_are_a_table_behind_it():
    svg = drawn(chart(POINTS, more=(THEORY,)), EN)
    table = svg[svg.index("<details>") :]
    assert table.count("<tr>") == 1 + len(POINTS)
    assert table.count("<data") == 2 * len(POINTS)
    assert "[7.2, 8.8]" in table


def test_titles_axes_and_legend_speak_the_language():
    korean = drawn(chart(POINTS), KO)
    for word in ("제목", "너비 d<sub>k</sub>", "손실 (nat)", "측정", "그림 뒤의 숫자"):
        assert word in korean
    assert "Title" not in korean
    assert "&lt;b&gt;" in drawn(chart(POINTS), EN)


@pytest.mark.parametrize("log", [True, False])
def test_nothing_is_drawn_outside_of_the_picture(log):
    wild = [(1, seen(1e-3)), (2, Estimate(5, -1e9, 1e9, 3, Spread.RANGE)), (3, seen(1e5))]
    svg = drawn(chart(wild, log=log), EN)
    for x, y in re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", svg):
        assert 0 <= float(x) <= 640
        assert 0 <= float(y) <= 340
    assert "nan" not in svg.lower().replace("nan" + "o", "")


def test_a_run_that_broke_down_is_drawn_as_such():
    svg = drawn(chart([*POINTS, (4096, exactly(math.nan))]), EN)
    assert 'class="broken s0"' in svg
    assert "broke down" in svg


def test_an_exact_zero_lies_below_a_logarithmic_axis():
    svg = drawn(chart([*POINTS, (4096, exactly(0.0))]), EN)
    assert svg.count('class="broken s0"') == 1


def test_what_was_not_measured_is_left_out():
    svg = drawn(chart([*POINTS, (4096, NOT_MEASURED)]), EN)
    assert 'class="broken' not in svg
    assert "not part of this run" in svg


@pytest.mark.parametrize("points", [[], [(4, NOT_MEASURED)], [(4, exactly(math.nan))]])
def test_a_chart_without_points_says_so(points):
    assert "No points were measured." in drawn(chart(points), EN)


@pytest.mark.parametrize("points", [[(4, exactly(2))], [(4, exactly(2)), (8, exactly(2))]])
@pytest.mark.parametrize("log", [True, False])
def test_one_value_is_a_chart_too(points, log):
    assert "<svg" in drawn(chart(points, log=log), EN)


def test_many_points_have_a_band_for_their_intervals():
    svg = drawn(chart([(k + 1, seen(k + 1)) for k in range(MAX_MARKERS + 1)]), EN)
    assert 'class="band s0"' in svg
    assert 'class="whisker' not in svg


def heat(values) -> HeatMap:
    columns = [str(k) for k in range(len(values[0]))]
    rows = [Bilingual("a", "가"), Bilingual("b", "나")]
    return HeatMap("h", Bilingual("Map", "지도"), rows, columns, values, Bilingual("See", "보세요"))


@pytest.mark.parametrize(("language", "names"), [(EN, ["a", "b"]), (KO, ["가", "나"])])
@pytest.mark.parametrize("values", [[[0, 1], [1, 0]], [[-1, 0.5], [0, math.nan]], [[5, 6], [7, 8]]])
def test_a_heat_map_has_every_value_and_its_names(values, language, names):
    svg = drawn(heat(values), language)
    assert svg.count('<td class="n">') == 4
    data = json.loads(
        re.search('data-heat="([^"]+)"', svg).group(1).replace("&quot;", '"')  # pyright: ignore
    )
    assert data["rows"] == names
    assert data["values"][0] == values[0]


def test_equal_neighbours_share_a_path():
    even = drawn(heat([[1.0] * 50] * 2), EN)
    assert len(re.search(r'fill-opacity="1.000" d="([^"]+)"', even).group(1)) < 100  # pyright: ignore


def test_a_heat_map_of_nothing_says_so():
    assert "No points" in drawn(heat([[math.nan], [math.nan]]), EN)


def test_formulas_stand_beside_what_was_measured():
    table = Table(
        "t",
        Bilingual("Table 1", "표 1"),
        [
            Bilingual("layer", "층"),
            Bilingual("formula", "식"),
            Bilingual("measured", "측정"),
            alike(""),
        ],
        [[Bilingual("attention", "어텐션"), Formula("n^2 d"), seen(2.0), None]],
        Bilingual("Side by side", "나란히"),
    )
    html = drawn(table, KO)
    assert '<th scope="row">어텐션</th>' in html
    assert "<msup>" in html
    assert "[1.8, 2.2]" in html
    assert '<th scope="col" class=n>측정</th>' in html
