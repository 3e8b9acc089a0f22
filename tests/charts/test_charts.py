"""Charts of plain numbers; `tests/lab/test_drawing.py` has those of estimates."""

import json
import math
import re
from itertools import pairwise

import pytest

from whyformer.charts.assets import read, with_charts
from whyformer.charts.heat_map import HeatMap, Shading, heat_map, heat_map_table
from whyformer.charts.line_chart import MAX_MARKERS, Line, LineChart, Point, line_chart
from whyformer.charts.scale import Axis, Scale, x_scale
from whyformer.charts.table import cards


def chart(*lines: Line, log: bool = False) -> LineChart:
    return LineChart(Axis("minutes"), Axis("loss", log), lines, "A chart <of> losses")


def test_points_without_an_interval_have_neither_whisker_nor_band():
    few = [Point(k, k + 1.0) for k in range(5)]
    many = [Point(k, k + 1.0) for k in range(MAX_MARKERS + 1)]
    for points in (few, many):
        svg = line_chart(chart(Line("loss", points)))
        assert "whisker" not in svg
        assert "band" not in svg
        assert svg.count("data-tip") == len(points)


def test_a_point_without_a_tip_says_the_names_and_the_numbers():
    svg = line_chart(chart(Line("training", [Point(1.5, 2.25)])))
    assert 'data-tip="training\nminutes: 1.5\nloss: 2.250"' in svg


def test_what_is_not_positive_is_marked_below_a_logarithmic_axis():
    svg = line_chart(chart(Line("loss", [Point(0, 1.0), Point(1, 0.0)]), log=True))
    assert svg.count('class="broken s0"') == 1


@pytest.mark.parametrize("points", [[], [Point(1, None)], [Point(1, math.nan)]])
def test_nothing_to_draw_is_said(points):
    assert line_chart(chart(Line("loss", points))) == "<p class=absent>No points.</p>"


def test_names_and_labels_are_escaped():
    svg = line_chart(chart(Line("<b>", [Point(0, 1.0)])))
    assert "&lt;b&gt;" in svg
    assert 'aria-label="A chart &lt;of&gt; losses"' in svg
    assert "<b>" not in svg


def test_a_logarithmic_axis_keeps_ratios():
    scale = Scale(1, 100, 0, 100, log=True)
    assert [scale.at(v) for v in (1, 10, 100)] == pytest.approx([0, 50, 100])
    assert scale.at(1000) == 100


def test_labels_of_an_axis_never_overlap():
    scale = x_scale(Axis("n", log=True), [1000.0 + k for k in range(9)], 0, 300)
    places = [scale.at(mark) for mark in scale.marks]
    assert all(b - a > 40 for a, b in pairwise(places))


def test_shades_start_at_zero_unless_all_values_are_far_from_it():
    assert Shading(0.1, 1.0).from_zero
    assert not Shading(0.9, 1.0).from_zero
    assert Shading(-1.0, 0.5).of(-1.0) == ("cold", 24)
    assert Shading(-1.0, 0.5).of(0.5) == ("warm", 12)
    assert Shading(-1.0, 0.5).least == -1.0


def test_a_heat_map_and_its_table_hold_every_number():
    weights = HeatMap(["a", "b"], ["x", "y", "z"], [[0.2, 0.3, 0.5], [1, 0, 0]], "weights")
    data = re.search('data-heat="([^"]+)"', heat_map(weights))
    assert data is not None
    assert json.loads(data[1].replace("&quot;", '"'))["values"] == [[0.2, 0.3, 0.5], [1, 0, 0]]
    assert heat_map_table(weights).count('<td class="n">') == 6


def test_a_style_sheet_says_where_the_rules_of_charts_go():
    places = ("colors.css", "colors.dark.css", "charts.css")
    sheet = "".join(f"/* {name} */\n" for name in places)
    assert with_charts(sheet) == "".join(map(read, places))
    with pytest.raises(ValueError, match=r"no line `/\* charts.css \*/`"):
        with_charts(sheet.replace("/* charts.css */\n", ""))


def test_every_class_of_a_chart_has_a_rule():
    points = [Point(k, k + 1.0, k + 0.5, k + 1.5) for k in range(3)]
    drawn = line_chart(chart(Line("loss", [*points, Point(3, math.nan)])))
    drawn += heat_map(HeatMap(["a"], ["x", "y"], [[-1, 1]], ""))
    classes = {word for names in re.findall(r'class="([^"]+)"', drawn) for word in names.split()}
    rules = read("charts.css")
    assert [name for name in classes - {"series"} if f".{name}" not in rules] == []


def test_cards_have_escaped_cells_and_no_empty_column() -> None:
    found = cards(("a", "b", "c"), [("1", "", "<x>"), ("2", "", '"y"')])
    assert '<td data-name="c">&lt;x&gt;</td>' in found
    assert '<td data-name="c">&quot;y&quot;</td>' in found
    assert "<th>b</th>" not in found
    assert cards(("a",), []) == ""
