// Level 6: the logit lens. What would each layer have said, if it had been the last one?
import {html, svg} from "./dom.js";
import {textWidth} from "./heat.js";
import {percent} from "./numbers.js";
import {partName, tokenName} from "./names.js";
import {picture} from "./saving.js";
import {tipped} from "./tip.js";
import {say} from "./words.js";

export function drawLens(app, pane) {
  const { lens } = pane.result;
  if (!lens?.length) return html("p", { class: "soft" }, say("no_lens"));
  const last = lens.at(-1).tokens;
  const other = pane.result.target?.tokens?.some((token, k) => last[k] && last[k][0].token !== token);
  const drawing = picture(lensDrawing(pane, lens), { key: `${pane.number}:lens`, wide: true, caption: say("lens_caption", { text: pane.chosen.text.slice(0, 60) }) });
  return other ? [drawing, html("p", { class: "soft" }, say("lens_other"))] : drawing;
}

// The final answer at each position, to compare with what the layers say.
function finalOf(result) {
  if (result.target?.tokens) return result.target.tokens;
  if (result.labels) return [result.answer];
  const found = [];
  for (const one of result.tags ?? []) found[one.place] = one.label;
  for (const one of result.guesses ?? []) found[one.place] = one.candidates[0].token;
  return result.kind === "value" ? [result.answer] : found;
}

function lensDrawing(pane, lens) {
  const { description, result } = pane;
  const named = (token) => tokenName(token, description);
  const rows = [...lens].reverse();
  const places = rows[0].tokens.length;
  const final = finalOf(result);
  const heads = result.target?.tokens ? null : places > 1 ? result.source.tokens.map(named) : null;
  const label = (row) => (row.name ? partName(row.name, description) : say("part.layer", { number: row.layer + 1 }));
  const left = 16 + Math.max(...rows.map((row) => textWidth(label(row), 12.5)), textWidth(say("final_answer"), 12.5));
  const [tall, top] = [32, 34];
  const wide = Array.from({ length: places }, (_, k) => Math.max(38, 16 + textWidth(named(final[k] ?? ""), 13), 16 + textWidth(heads?.[k] ?? "", 13), ...rows.map((row) => 16 + textWidth(named(row.tokens[k][0].token), 13))));
  const starts = wide.reduce((all, one) => [...all, all.at(-1) + one], [left]);
  const cells = rows.flatMap((row, r) => row.tokens.map((found, k) => {
    const [best] = found;
    const right = best.token === final[k];
    return svg("g", { class: `lens-cell${right ? " right" : ""}`, ...tipped([label(row), ...found.slice(0, 5).map((one) => `${named(one.token)} ${percent(one.probability)}`)]) },
      svg("rect", { x: starts[k] + 1.5, y: top + r * tall + 1.5, width: wide[k] - 3, height: tall - 3, rx: 6, "fill-opacity": (0.04 + 0.5 * best.probability).toFixed(3) }),
      svg("text", { x: starts[k] + wide[k] / 2, y: top + r * tall + tall / 2 + 4.5, "text-anchor": "middle" }, named(best.token)));
  }));
  const width = starts.at(-1) + 8;
  const height = top + rows.length * tall + 8;
  return svg("svg", { class: "lens", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": say("lens_label", { layers: rows.length }) },
    svg("text", { class: "small", x: left - 8, y: 20, "text-anchor": "end" }, say(heads ? "input" : "final_answer")),
    (heads ?? final).slice(0, places).map((token, k) => svg("text", { class: "strong", x: starts[k] + wide[k] / 2, y: 20, "text-anchor": "middle" }, named(token ?? ""))),
    rows.map((row, r) => svg("text", { class: "small", x: left - 8, y: top + r * tall + tall / 2 + 4, "text-anchor": "end" }, label(row))),
    cells,
  );
}
