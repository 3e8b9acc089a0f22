// An opened box of Figure 1: what it does, its switch, and its tensors.
import {cells} from "./cells.js";
import {button, html, svg} from "./dom.js";
import {largest, shades, textWidth} from "./heat.js";
import {smallHead} from "./heads.js";
import {clamp, count, mean, number} from "./numbers.js";
import {axesOf, kindOf, partName} from "./names.js";
import {headsOf} from "./plan.js";
import {picture} from "./saving.js";
import {isOff, toggle, whyButton} from "./switches.js";
import {explained} from "./terms.js";
import {say} from "./words.js";

export function drawOpenBox(app, pane) {
  const name = app.state.box;
  const { description } = pane;
  const kind = kindOf(name);
  const known = say(`about.${kind}`) !== `about.${kind}`;
  return html("div", { class: "opened" },
    html("header", {}, html("h3", {}, partName(name, description)), button(`${pane.number}:close-box`, "×", () => app.openBox(pane, name), { class: "quiet square", "aria-label": say("close") })),
    known ? html("p", {}, explained(say(`about.${kind}`))) : null,
    equation(kind, description, isOff(pane, "scale")),
    html("p", { class: "row" }, toggle(app, pane, name, say(isOff(pane, name) ? "switched_off" : "switched_on"), { key: `${pane.number}:opened:${name}`, why: true })),
    directionsIn(app, pane, name),
    headsIn(app, pane, name),
    output(pane, name),
    changes(pane, name),
    weights(app, pane, name),
  );
}

function equation(kind, { family, settings }, unscaled) {
  const inner = { relu: "max(0, xW₁ + b₁)W₂ + b₂", gelu: "GELU(xW₁ + b₁)W₂ + b₂", "gelu-tanh": "GELU(xW₁ + b₁)W₂ + b₂", swiglu: "(Swish(xW) ⊙ xV)W₂" }[settings.activation] ?? null;
  const attention = unscaled ? "softmax(QKᵀ) V" : "softmax(QKᵀ / √dₖ) V";
  const lines = { self_attention: attention, cross_attention: attention, feedforward: inner && `FFN(x) = ${inner}`, projection: "softmax(x Eᵀ)", embedding: settings.d_model ? "√d_model · E[token]" : null };
  if (kind === "cross_attention" && settings.cell) return null;
  if (["bert", "electra"].includes(family)) lines.embedding = "E[token] + S[segment]";
  if (settings.embedding_scale === "one") lines.embedding = "E[token]";
  return lines[kind] ? html("p", { class: "equation" }, explained(lines[kind])) : null;
}

// The two directions of a recurrent layer that reads both ways.
function directionsIn(app, pane, name) {
  const found = ["onward", "backward"].filter((one) => pane.description.switches.includes(`${name}.${one}`));
  return found.length ? html("p", { class: "row" }, found.map((one) => toggle(app, pane, `${name}.${one}`, say(`part.${one}`), { key: `${pane.number}:in:${name}:${one}` }))) : null;
}

// The heads of an attention, each with its switch.
function headsIn(app, pane, name) {
  const tap = pane.result?.taps?.[`${name}.weights`];
  if (!tap) return null;
  const heads = headsOf(name, pane.description) || tap.shape[0];
  return html("div", { class: "heads-in" }, Array.from({ length: heads }, (_, k) =>
    html("div", {}, smallHead(app, pane, name, k, { size: 92, key: `${pane.number}:in:${name}:${k}` }), toggle(app, pane, `${name}.heads.${k}`, say("part.head", { number: k + 1 }), { key: `${pane.number}:in-switch:${name}:${k}` })),
  ), whyButton(app, pane, `${name}.heads.0`, `${pane.number}:in-why`));
}

// The output of the box as a heat map: one row for each token, one column for each number of its vector.
function output(pane, name) {
  const tap = pane.result?.taps?.[name];
  if (!tap || tap.shape.length !== 2) return null;
  const [rows, columns] = tap.shape;
  const names = namesOf(pane, name, rows);
  const left = 10 + clamp(Math.max(...names.map((one) => textWidth(one, 11.5))), 18, 90);
  const tall = clamp(560 / rows, 11, 16);
  const wide = 320 / columns;
  const note = (r, c) => [number(tap.data[r * columns + c]), say("output_note", { token: names[r], column: c + 1 })];
  const label = say("output_of", { part: partName(name, pane.description) });
  const drawing = svg("svg", { class: "output", viewBox: `0 0 ${left + 324} ${rows * tall + 8}`, role: "group", "aria-label": label },
    svg("rect", { class: "paper", x: left, y: 4, width: 320, height: rows * tall }),
    shades(rows, columns, (r, c) => tap.data[r * columns + c], { left, top: 4, wide, tall: tall - 1, scale: spread(tap.data), hue: "warm" }),
    names.map((one, k) => svg("text", { x: left - 6, y: 4 + (k + 0.5) * tall + 4, "text-anchor": "end", class: "small" }, one)),
    cells({ left, top: 4, wide, tall, rows, columns }, note, { key: `${pane.number}:output-cells:${name}`, label }),
  );
  const kind = pane.description.settings.cell && name.endsWith("attention") ? "attention" : kindOf(name);
  return html("div", { class: "output-of" }, html("h4", {}, say("output")), html("p", { class: "soft" }, say(`output.${kind}`)),
    picture(drawing, { key: `${pane.number}:output:${name}`, caption: say("output_caption", { part: partName(name, pane.description), width: columns }) }));
}

// Two standard deviations: single large numbers must not make the rest invisible.
function spread(data) {
  const square = mean(Array.from(data, (one) => one * one));
  return 2.5 * Math.sqrt(square) || largest(data);
}

function namesOf(pane, name, rows) {
  const axis = axesOf(/cross/.test(name) ? name.replace("cross", "self") : name, pane).queries;
  return Array.from({ length: rows }, (_, k) => axis[k] ?? "");
}

// How long the stream is at each position, and how much this box changes it.
function changes(pane, name) {
  const entry = pane.result?.residual?.find((one) => one.name === name || one.name === name.replace(/\.(?=[^.]*$)/, ".wire_"));
  if (!entry) return null;
  const names = namesOf(pane, name, entry.norms.length);
  const most = Math.max(...entry.norms, ...entry.change, 1e-9);
  return html("details", { open: true }, html("summary", {}, say("changes_of_stream")),
    html("table", { class: "bars" }, html("tbody", {}, entry.norms.map((norm, k) =>
      html("tr", {}, html("th", { scope: "row" }, names[k]), html("td", {}, html("i", { class: "bar", style: `--share:${(norm / most).toFixed(3)}` }), html("i", { class: "bar strong", style: `--share:${(entry.change[k] / most).toFixed(3)}` })), html("td", { class: "n" }, number(entry.change[k])))))),
    html("p", { class: "soft" }, say("changes_help")),
  );
}

function weights(app, pane, name) {
  const found = Object.entries(pane.manifest.tensors ?? {}).filter(([one]) => one.startsWith(`${name}.`) || (name === "projection" && one.startsWith("projection")));
  if (!found.length) return null;
  const total = found.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return html("details", {}, html("summary", {}, say("weights_of", { count: count(total) })),
    html("ul", { class: "weights" }, found.map(([one, { shape }]) => {
      const place = html("div", {});
      return html("li", {}, button(`${pane.number}:weight:${one}`, [html("code", {}, one.slice(name.length + 1) || one), html("span", { class: "soft" }, shape.join(" × "))], () => showWeight(app, pane, one, place), { class: "quiet line" }), place);
    })),
  );
}

async function showWeight(app, pane, name, place) {
  if (place.firstChild) return place.replaceChildren();
  const { shape, data } = await app.ask("tensor", { model: pane.chosen.model, name });
  const rows = shape.length > 1 ? shape[0] : 1;
  const columns = data.length / rows;
  const canvas = html("canvas", { width: columns, height: rows, role: "img", "aria-label": `${name}, ${shape.join(" × ")}` });
  const image = new ImageData(columns, rows);
  const scale = spread(data);
  const [warm, cold] = [colour("--warm"), colour("--cold")];
  data.forEach((value, k) => image.data.set([...(value < 0 ? cold : warm), Math.min(255, (255 * Math.abs(value)) / scale)], 4 * k));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return place.replaceChildren(canvas);
}

function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((k) => Number.parseInt(hex.slice(k, k + 2), 16));
}
