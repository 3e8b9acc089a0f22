// Level 7: where the residual stream changes most: ‖x after − x before‖ / ‖x after‖ for every sub-layer.
// A recurrent model has no residual stream: the norms of its hidden states are shown.
import {cells} from "./cells.js";
import {html, svg} from "./dom.js";
import {shades, textWidth} from "./heat.js";
import {clamp, mean, number} from "./numbers.js";
import {axesOf, partName} from "./names.js";
import {picture} from "./saving.js";
import {explained} from "./terms.js";
import {say} from "./words.js";

export function drawStream(app, pane) {
  const { residual } = pane.result;
  if (!residual?.length) return html("p", { class: "soft" }, say("no_stream"));
  const sides = ["source", "target"].map((side) => residual.filter((one) => one.side === side)).filter((one) => one.length);
  const recurrent = Boolean(pane.description.settings.cell);
  const ratios = residual.map((one) => [mean(ratio(one)), one]).sort((a, b) => b[0] - a[0]);
  const clean = (one) => partName(one.name.replace("wire_", ""), pane.description);
  return [
    recurrent ? null : html("p", {}, explained(say("stream_most", { part: clean(ratios[0][1]), share: number(ratios[0][0], 2) }))),
    html("div", { class: "streams" }, sides.map((entries) => picture(streamDrawing(pane, entries, clean, recurrent ? ({ norms }) => norms : ratio), { key: `${pane.number}:stream:${entries[0].side}`, wide: true, caption: say(recurrent ? `states_caption_${entries[0].side}` : `stream_caption_${entries[0].side}`, { text: pane.chosen.text.slice(0, 60) }) }))),
  ];
}

function ratio({ norms, change }) {
  return change.map((one, k) => one / Math.max(norms[k], 1e-9));
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function streamDrawing(pane, entries, clean, valuesOf) {
  const rows = [...entries].reverse();
  const first = rows[0].name.startsWith("decoder") ? "decoder.layers.0.self_attention" : rows[0].name.startsWith("encoder") ? "encoder.layers.0.self_attention" : rows[0].name;
  const names = axesOf(first, pane).queries;
  const places = rows[0].norms.length;
  const short = (one) => capital(clean(one).split(", ").slice(one.name.includes("coder") ? 1 : 0).join(", "));
  const left = 14 + Math.max(...rows.map((row) => textWidth(short(row), 12.5)));
  const [tall, cell, top] = [24, clamp(Math.max(...names.map((one) => textWidth(one, 12.5) + 8), 22), 14, 60), 28];
  const values = rows.map(valuesOf);
  const largestValue = Math.max(...values.flat().filter(Number.isFinite), 1e-9);
  const scale = valuesOf === ratio ? clamp(largestValue, 1, 1.5) : largestValue;
  const bars = left + places * cell + 10;
  const width = bars + 96;
  const height = top + rows.length * tall + 8;
  const most = Math.max(...values.map(mean), 1e-9);
  const note = (r, c) => [number(values[r][c], 2), `${names[c] ?? ""} · ${clean(rows[r])}`, say("stream_note", { change: number(rows[r].change[c]), norm: number(rows[r].norms[c]) })];
  const label = say("stream_label", { parts: rows.length });
  return svg("svg", { class: "stream", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label },
    names.slice(0, places).map((one, k) => svg("text", { x: left + (k + 0.5) * cell, y: 18, "text-anchor": "middle", class: "small" }, one)),
    rows.map((row, r) => svg("text", { x: left - 8, y: top + r * tall + 16, "text-anchor": "end", class: "small" }, short(row))),
    svg("rect", { class: "paper", x: left, y: top, width: places * cell, height: rows.length * tall }),
    shades(rows.length, places, (r, c) => values[r][c], { left, top, wide: cell, tall, scale, hue: rows[0].side === "source" ? "cold" : "warm" }),
    values.map((row, r) => [
      svg("rect", { class: `mean ${rows[0].side}`, x: bars, y: top + r * tall + 6, width: Math.max(1, (52 * mean(row)) / most), height: tall - 12, rx: 3 }),
      svg("text", { class: "small", x: bars + 58, y: top + r * tall + 16 }, number(mean(row), 2)),
    ]),
    cells({ left, top, wide: cell, tall, rows: rows.length, columns: places }, note, { key: `${pane.number}:stream-cells:${rows[0].side}`, label }),
  );
}
