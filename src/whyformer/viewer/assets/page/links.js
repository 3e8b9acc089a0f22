// The same head as lines from each query to the keys that it reads: the token under the pointer is lit.
import {svg} from "./dom.js";
import {textWidth} from "./heat.js";
import {percent} from "./numbers.js";
import {say} from "./words.js";
import {hideTip, leaveTip, showTip} from "./tip.js";

const FAINT = 0.04;

export function drawLinks(app, pane, weights, { queries, keys }, hue) {
  const rows = Math.max(weights.queries, weights.keys);
  const step = Math.max(17, Math.min(30, 420 / rows));
  const wide = (names) => Math.max(30, ...names.map((one) => textWidth(one, 13)));
  const [left, right] = [wide([...queries.slice(0, weights.queries), say("queries")]) + 12, wide([...keys, say("keys")]) + 12];
  const [middle, height] = [150, rows * step + 34];
  const place = (count, k) => 30 + ((rows - count) / 2 + k + 0.5) * step;
  const x2 = left + middle;
  const lines = [];
  for (let q = 0; q < weights.queries; q += 1) {
    for (let k = 0; k < weights.keys; k += 1) {
      const weight = weights.at(q, k);
      if (weight < FAINT) continue;
      const [y1, y2] = [place(weights.queries, q), place(weights.keys, k)];
      lines.push(svg("path", { class: `thread ${hue}`, "data-query": q, "data-base": (0.12 + 0.6 * weight).toFixed(3), "stroke-opacity": (0.12 + 0.6 * weight).toFixed(3), "stroke-width": (0.8 + 4 * weight).toFixed(2), d: `M${left + 2} ${y1}C${left + middle / 2} ${y1} ${left + middle / 2} ${y2} ${x2 - 2} ${y2}` }));
    }
  }
  const read = (q) => {
    const all = Array.from({ length: weights.keys }, (_, k) => [weights.at(q, k), keys[k] ?? String(k)]);
    return all.sort((a, b) => b[0] - a[0]).slice(0, 4).map(([weight, key]) => `${key} ${percent(weight)}`);
  };
  const dark = () => app.light(pane, null);
  const lit = (q) => (event) => {
    showTip([queries[q], ...read(q)], event, { end: dark });
    app.light(pane, q);
  };
  return svg("svg", { class: "links", viewBox: `0 0 ${left + middle + right} ${height}`, style: `max-width:${left + middle + right}px`, role: "group", "aria-label": say("links_label") },
    svg("text", { class: "small", x: left - 6, y: 14, "text-anchor": "end" }, say("queries")),
    svg("text", { class: "small", x: x2 + 6, y: 14 }, say("keys")),
    lines,
    queries.slice(0, weights.queries).map((one, q) => svg("text", { class: "query", "data-query": q, "data-key": `${pane.number}:query:${q}`, tabindex: 0, role: "img", "aria-label": `${one}: ${read(q).join(", ")}`, x: left - 6, y: place(weights.queries, q) + 4, "text-anchor": "end", onpointerenter: lit(q), onpointerdown: lit(q), onpointerleave: leaveTip, onfocus: lit(q), onblur: hideTip }, one)),
    keys.map((one, k) => svg("text", { class: "key", x: x2 + 6, y: place(weights.keys, k) + 4 }, one)),
  );
}

// Show the lines of one query only; null shows all.
export function lightLinks(place, query) {
  for (const line of place.querySelectorAll(".thread")) {
    const own = query === null || line.dataset.query === String(query);
    line.setAttribute("stroke-opacity", query !== null && own ? Math.min(1, Number(line.dataset.base) + 0.25) : own ? line.dataset.base : 0.03);
  }
  for (const name of place.querySelectorAll(".query")) name.classList.toggle("lit", name.dataset.query === String(query));
}
