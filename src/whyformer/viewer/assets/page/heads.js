// Level 3: every head of every attention as a small map, and one of them enlarged.
import {cells} from "./cells.js";
import {button, html, svg} from "./dom.js";
import {drawLinks} from "./links.js";
import {inkOn, largest, shades, textWidth} from "./heat.js";
import {clamp, nats, percent, shortPercent} from "./numbers.js";
import {attentionOf, axesOf, partName} from "./names.js";
import {sideOf} from "./plan.js";
import {picture} from "./saving.js";
import {isOff, toggle} from "./switches.js";
import {explained} from "./terms.js";
import {say} from "./words.js";

const MANY = 28; // with more tokens, the lines are seen through a window that scrolls
const ROOM = 26; // from this width of a cell on, its number fits

export function attentionsOf(pane) {
  return Object.keys(pane.result?.taps ?? {}).filter((one) => one.endsWith(".weights")).map(attentionOf);
}

// The weights of one head as a function of query and key.
export function headOf(pane, attention, head) {
  const tap = pane.result?.taps?.[`${attention}.weights`];
  if (!tap) return null;
  const [heads, queries, keys] = tap.shape.length === 3 ? tap.shape : [1, ...tap.shape];
  if (head >= heads) return null;
  return { heads, queries, keys, at: (q, k) => tap.data[(head * queries + q) * keys + k] };
}

function hueOf(attention, pane) {
  return sideOf(attention, pane.description) === "source" ? "cold" : "warm";
}

// The weight of the darkest shade. Over many keys, all weights are small.
function scaleOf({ keys }) {
  return clamp(10 / keys, 0.1, 1);
}

export function smallHead(app, pane, attention, head, { size = 84, key }) {
  const weights = headOf(pane, attention, head);
  if (!weights) return null;
  const id = `${attention}/${head}`;
  const off = isOff(pane, `${attention}.heads.${head}`);
  const cell = Math.min(size / weights.keys, size / weights.queries);
  const [wide, tall] = [cell * weights.keys, cell * weights.queries];
  const drawing = svg("svg", { viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" },
    svg("rect", { class: "paper", x: (size - wide) / 2, y: (size - tall) / 2, width: wide, height: tall }),
    off ? null : shades(weights.queries, weights.keys, weights.at, { left: (size - wide) / 2, top: (size - tall) / 2, wide: cell, tall: cell, scale: scaleOf(weights), hue: hueOf(attention, pane) }));
  const label = `${partName(`${attention}.heads.${head}`, pane.description)}${off ? ` (${say("is_off")})` : ""}`;
  return button(key, drawing, () => app.openHead(id), { class: `small-head${off ? " is-off" : ""}`, "aria-label": label, "aria-pressed": String(app.state.head === id), title: label });
}

export function drawHeads(app, pane) {
  const attentions = attentionsOf(pane);
  if (!attentions.length) return html("p", { class: "soft" }, say("no_attention"));
  const chosen = chosenHead(app, attentions, pane);
  const effects = effectsOf(app, pane);
  const rows = attentions.map((attention) => {
    const { heads } = headOf(pane, attention, 0);
    return html("div", { class: "head-row" },
      html("h4", {}, partName(attention, pane.description)),
      html("div", { class: "small-heads", onkeydown: walk }, Array.from({ length: heads }, (_, k) => html("div", {}, smallHead(app, pane, attention, k, { key: `${pane.number}:small:${attention}:${k}` }), effectOf(app, effects, attention, k)))),
    );
  });
  return html("div", { class: "heads" }, html("div", { class: "multiples" }, measuring(app, pane, effects), rows), enlarged(app, pane, chosen));
}

// What the answer loses without each head, if it was measured for this text and these settings.
function effectsOf(app, pane) {
  return pane.effects?.key === app.keyOf(pane) ? pane.effects : null;
}

// The number below a small map; a click opens the head, as a click on the map does.
function effectOf(app, effects, attention, head) {
  const value = effects?.values.get(`${attention}.heads.${head}`);
  if (value === undefined) return null;
  const share = Math.min(1, Math.abs(value) / Math.max(0.1, largest(effects.values.values())));
  return html("small", { class: `effect-of-head${value < 0 ? " loses" : ""}`, style: `--share:${share.toFixed(3)}`, onclick: () => app.openHead(`${attention}/${head}`) }, nats(value));
}

function measuring(app, pane, effects) {
  const heads = pane.description.switches.filter((one) => /\.heads\.\d+$/.test(one));
  if (!heads.length || pane.result.kind === "value") return null;
  if (pane.chosen.off.length) return html("p", { class: "soft" }, say("measure_needs_all"), " ", button(`${pane.number}:measure-all-on`, say("all_on"), () => app.change(() => (pane.chosen.off = [])), { class: "quiet" }));
  if (!effects) return html("p", {}, button(`${pane.number}:measure`, say("measure_heads"), () => app.measure(pane, heads), { class: "pill" }));
  const done = effects.values.size;
  if (done < heads.length) return html("p", { class: "soft", role: "status" }, say("measuring", { done, all: heads.length }));
  const [most, value] = [...effects.values].reduce((least, one) => (one[1] < least[1] ? one : least));
  return html("p", { class: "soft", role: "status" }, explained(say("measured")), value < 0 ? [" ", say("measured_most"), " ", button(`${pane.number}:most`, `${partName(most, pane.description)} (${nats(value)})`, () => app.openHead(most.replace(".heads.", "/")), { class: "quiet strong" }), " ", say("measured_here")] : null);
}

// Left and right arrow keys walk over the heads.
function walk(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...event.currentTarget.closest(".multiples").querySelectorAll(".small-head")];
  all[clamp(all.indexOf(document.activeElement) + step, 0, all.length - 1)]?.focus();
}

function chosenHead(app, attentions, pane) {
  const [attention, head] = (app.state.head ?? "").split("/");
  if (attentions.includes(attention) && headOf(pane, attention, Number(head))) return { attention, head: Number(head) };
  return { attention: attentions.findLast((one) => /cross_attention|^decoder.attention/.test(one)) ?? attentions[0], head: 0 };
}

function enlarged(app, pane, { attention, head }) {
  const weights = headOf(pane, attention, head);
  const axes = axesOf(attention, pane);
  const name = `${attention}.heads.${head}`;
  const off = isOff(pane, name);
  const title = off ? say("without_part", { part: partName(name, pane.description) }) : partName(name, pane.description);
  const said = pane.chosen.text.length > 60 ? `${pane.chosen.text.slice(0, 60)}…` : pane.chosen.text;
  return html("div", { class: `enlarged${off ? " is-off" : ""}` },
    html("header", {}, html("h3", {}, title), toggle(app, pane, name, say(off ? "switched_off" : "switched_on"), { key: `${pane.number}:enlarged-switch`, why: true })),
    html("div", { class: "two-views" },
      picture(drawMap(app, pane, weights, axes, hueOf(attention, pane)), { key: `${pane.number}:map`, caption: [say("map_caption", { part: title, text: said }), hasNumbers(weights) ? say("map_numbers") : null].filter(Boolean).join(" ") }),
      picture(drawLinks(app, pane, weights, axes, hueOf(attention, pane)), { key: `${pane.number}:links`, tall: Math.max(weights.queries, weights.keys) > MANY, caption: say("links_caption", { part: title, text: said }) })),
    weightsTable(weights, axes),
  );
}

function sizeOfCell({ keys, queries }) {
  return clamp(330 / Math.max(keys, queries), 6, 34);
}

function hasNumbers(weights) {
  return sizeOfCell(weights) >= ROOM;
}

// The weights in percent, in their cells.
function numbersIn(weights, { left, top, cell }) {
  const scale = scaleOf(weights);
  const all = [];
  for (let q = 0; q < weights.queries; q += 1) {
    for (let k = 0; k < weights.keys; k += 1) {
      const weight = weights.at(q, k);
      const shown = shortPercent(weight);
      if (shown) all.push(svg("text", { class: `in-cell ${inkOn(weight, scale)}`, x: left + (k + 0.5) * cell, y: top + (q + 0.5) * cell + 4, "text-anchor": "middle" }, shown));
    }
  }
  return all;
}

function drawMap(app, pane, weights, { queries, keys }, hue) {
  const left = 10 + Math.max(24, ...queries.map((one) => textWidth(one, 12.5)));
  const top = 16 + Math.max(16, ...keys.map((one) => Math.min(90, textWidth(one, 12.5))));
  const cell = sizeOfCell(weights);
  const [wide, tall] = [cell * weights.keys, cell * weights.queries];
  const upright = (one) => textWidth(one, 12.5) < cell;
  const high = keys.every(upright) ? 24 : top;
  const every = Math.ceil(13 / cell);
  const note = (q, k) => [percent(weights.at(q, k)), `${queries[q] ?? q} → ${keys[k] ?? k}`];
  const label = say("map_label", { queries: weights.queries, keys: weights.keys });
  return svg("svg", { class: "map", viewBox: `0 0 ${left + wide + 8} ${high + tall + 8}`, style: `max-width:${left + wide + 8}px`, role: "group", "aria-label": label },
    keys.map((one, k) => (k % every ? null : upright(one)
      ? svg("text", { x: left + (k + 0.5) * cell, y: high - 8, "text-anchor": "middle" }, one)
      : svg("text", { transform: `translate(${left + (k + 0.5) * cell + 4} ${high - 6}) rotate(-60)` }, one))),
    queries.slice(0, weights.queries).map((one, q) => (q % every ? null : svg("text", { x: left - 7, y: high + (q + 0.5) * cell + 4, "text-anchor": "end" }, one))),
    svg("rect", { class: "paper", x: left, y: high, width: wide, height: tall }),
    shades(weights.queries, weights.keys, weights.at, { left, top: high, wide: cell, tall: cell, scale: scaleOf(weights), hue }),
    hasNumbers(weights) ? numbersIn(weights, { left, top: high, cell }) : null,
    cells({ left, top: high, wide: cell, tall: cell, rows: weights.queries, columns: weights.keys }, note, { key: `${pane.number}:cells`, label, seen: (q) => app.light(pane, q) }),
  );
}

function weightsTable(weights, { queries, keys }) {
  const valuesOf = (q) => Array.from({ length: weights.keys }, (_, k) => html("td", { class: "n" }, percent(weights.at(q, k))));
  const place = html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("numbers") });
  const details = html("details", {}, html("summary", {}, say("numbers")), place);
  details.addEventListener("toggle", () => {
    if (place.firstChild) return;
    place.append(html("table", {}, html("thead", {}, html("tr", {}, html("td", {}), keys.map((one) => html("th", { scope: "col" }, one)))),
      html("tbody", {}, Array.from({ length: weights.queries }, (_, q) => html("tr", {}, html("th", { scope: "row" }, queries[q]), valuesOf(q))))));
  });
  return details;
}
