// Level 2: Figure 1 of the paper with the layers of this model. Every box can be opened or switched off.
import {pressable, svg} from "./dom.js";
import {textWidth} from "./heat.js";
import {mean} from "./numbers.js";
import {partName, partWord, tokenName} from "./names.js";
import {figurePlan, headsOf} from "./plan.js";
import {canSwitch, flip, isOff} from "./switches.js";
import {say} from "./words.js";

export function drawFigure(app, pane, width) {
  const { description } = pane;
  const plan = figurePlan(description, { width, opened: app.expanded });
  const behind = plan.items.filter((item) => item.kind === "layer" && item.expanded);
  const lines = plan.items.filter((item) => item.kind === "line");
  const front = plan.items.filter((item) => !behind.includes(item) && item.kind !== "line");
  return svg("svg", { class: "figure-one", viewBox: `0 0 ${plan.width} ${Math.ceil(plan.height)}`, style: `max-width:${plan.width}px`, role: "group", "aria-label": say("figure.label", { name: description.name }) },
    svg("defs", {}, svg("marker", { id: `arrow-${pane.number}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { d: "M1 1L6.5 4L1 7", class: "tip-of-arrow" }))),
    behind.map((item) => drawLayer(app, pane, item)),
    lines.map((item) => drawLine(pane, item)),
    front.map((item) => ({ layer: drawLayer, box: drawBox, norm: drawNorm, plus: drawPlus, text: drawText, positions: drawPositions })[item.kind](app, pane, item)),
  );
}

function drawLine(pane, { path, name, arrow, skip, memory, side, behind }) {
  const d = path.map(([x, y], k) => `${k ? "L" : "M"}${x} ${y}`).join("");
  const off = name && isOff(pane, name);
  const kind = skip ? "skip" : memory ? "memory" : behind ? "stream" : "stream";
  return svg("path", { class: `flow ${kind} ${side}${off ? " is-off" : ""}`, d, "marker-end": arrow ? `url(#arrow-${pane.number})` : null });
}

function drawLayer(app, pane, item) {
  const { name, x, y, wide, tall, expanded, recurrent, many } = item;
  const label = say("part.layer", { number: Number(/(\d+)$/.exec(name)[1]) + 1 });
  const off = isOff(pane, name);
  const kind = `layer ${item.side}${off ? " is-off" : ""}${app.state.box === name ? " is-open" : ""}`;
  if (expanded) {
    return svg("g", { class: kind },
      svg("rect", { class: "frame", x, y, width: wide, height: tall, rx: 14 }),
      svg("text", { class: `layer-name${many ? " live" : ""}`, x: x + wide - 10, y: y + 17, "text-anchor": "end", ...(many ? pressable(`${pane.number}:collapse:${name}`, say("collapse", { part: partName(name, pane.description) }), () => app.expand(name)) : {}) }, label),
      canSwitch(pane, name) ? smallSwitch(app, pane, name, x + wide - 12 - textWidth(label, 12) - 34, y + 6) : null,
    );
  }
  const open = () => (recurrent ? app.openBox(pane, name) : app.expand(name));
  return svg("g", { class: `${kind} closed` },
    svg("rect", { class: "shape", x, y, width: wide, height: tall, rx: 9, ...pressable(`${pane.number}:layer:${name}`, say(recurrent ? "open_part" : "expand", { part: partName(name, pane.description) }), open) }),
    svg("text", { x: x + 12, y: y + tall / 2 + 5, class: "box-name" }, recurrent ? `${label} · ${(pane.description.settings.cell ?? "").toUpperCase()}` : label),
    canSwitch(pane, name) ? smallSwitch(app, pane, name, x + wide - 38, y + tall / 2 - 7) : null,
  );
}

function drawBox(app, pane, item) {
  const { name, part, x, y, wide, tall } = item;
  const { description } = pane;
  const off = isOff(pane, name);
  const label = partWord(part, name, description);
  const size = Math.min(13.5, (13.5 * (wide - 18)) / textWidth(label, 13.5));
  const low = tall > 40;
  return svg("g", { class: `box ${item.side} ${part}${off ? " is-off" : ""}${app.state.box === name ? " is-open" : ""}` },
    svg("rect", { class: "shape", x, y, width: wide, height: tall, rx: 10, ...pressable(`${pane.number}:box:${name}`, say("open_part", { part: partName(name, description) }), () => app.openBox(pane, name), { "aria-expanded": String(app.state.box === name) }) }),
    svg("text", { class: "box-name", x: low ? x + 12 : x + wide / 2, y: y + (low ? 20 : tall / 2 + 5), "text-anchor": low ? "start" : "middle", style: `font-size:${size}px` }, label),
    low ? headSquares(pane, name, x + 12, y + tall - 17, wide - 62) : null,
    low ? activity(pane, name, x, y + tall, wide) : null,
    canSwitch(pane, name) ? smallSwitch(app, pane, name, x + wide - 38, y + tall - 21) : null,
  );
}

// One square for each head; a head that is off is empty.
function headSquares(pane, name, x, y, room) {
  const heads = headsOf(name, pane.description);
  if (!heads) return null;
  const step = Math.min(13, room / heads);
  return Array.from({ length: heads }, (_, k) => svg("rect", { class: `head-square${isOff(pane, `${name}.heads.${k}`) ? " is-off" : ""}`, x: x + k * step, y, width: step - 3, height: 9, rx: 2 }));
}

// The line at the bottom of a box: how much the box changes the residual stream.
function activity(pane, name, x, y, wide) {
  const entry = pane.result?.residual?.find((one) => one.name === name || one.name === name.replace(/\.(?=[^.]*$)/, ".wire_"));
  if (!entry) return null;
  const share = Math.min(1, mean(entry.change) / Math.max(1e-9, mean(entry.norms)));
  return svg("rect", { class: "activity", x: x + 10, y: y - 4, width: Math.max(0, (wide - 20) * share), height: 2.5, rx: 1.2 });
}

function smallSwitch(app, pane, name, x, y) {
  const on = !isOff(pane, name);
  const inside = !on && !pane.chosen.off.includes(name);
  const press = inside ? () => {} : () => flip(app, pane, name);
  return svg("g", { class: `switch${on ? " on" : ""}`, ...pressable(`${pane.number}:switch:${name}`, partName(name, pane.description), press, { role: "switch", "aria-checked": String(on), "aria-disabled": inside ? "true" : null }) },
    svg("rect", { class: "hit", x: x - 6, y: y - 7, width: 40, height: 28 }),
    svg("rect", { class: "track", x, y, width: 26, height: 14, rx: 7 }),
    svg("circle", { class: "knob", cx: on ? x + 19 : x + 7, cy: y + 7, r: 5 }),
  );
}

function drawNorm(app, pane, { x, y, wide, tall }) {
  return svg("g", { class: "norm" }, svg("rect", { x, y, width: wide, height: tall, rx: tall / 2 }), svg("text", { x: x + wide / 2, y: y + tall - 4, "text-anchor": "middle" }, say("part.norm")));
}

// The place where a skip connection is added is also its switch.
function drawPlus(app, pane, { name, x, y, side }) {
  const off = isOff(pane, name);
  const switchable = canSwitch(pane, name);
  const own = switchable ? pressable(`${pane.number}:skip:${name}`, partName(name, pane.description), () => flip(app, pane, name), { role: "switch", "aria-checked": String(!off) }) : {};
  return svg("g", { class: `plus ${side}${off ? " is-off" : ""}${switchable ? " live" : ""}`, ...own },
    svg("circle", { class: "hit", cx: x, cy: y, r: 14 }),
    svg("circle", { class: "ring", cx: x, cy: y, r: 9 }),
    svg("path", { d: off ? `M${x - 4} ${y - 4}L${x + 4} ${y + 4}M${x - 4} ${y + 4}L${x + 4} ${y - 4}` : `M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}` }),
  );
}

// Schemes that change the scores of every self-attention. The others are added to the embeddings.
const IN_ATTENTION = ["rotary", "alibi", "relative"];

function drawPositions(app, pane, { name, scheme, x, y, side, left }) {
  const off = isOff(pane, name);
  const known = say(`scheme.${scheme}`);
  const named = known === `scheme.${scheme}` ? scheme : known;
  const added = !IN_ATTENTION.includes(scheme);
  if (!added) x += 22; // beside the stream, for nothing is added to it
  const own = canSwitch(pane, name) ? pressable(`${pane.number}:${side}:positions`, say("positions_of", { scheme: added ? named : say("scheme_inside", { scheme: named }) }), () => flip(app, pane, name), { role: "switch", "aria-checked": String(!off) }) : {};
  return svg("g", { class: `positions ${side}${off ? " is-off" : ""}`, ...own },
    svg("circle", { class: "hit", cx: x, cy: y, r: 14 }),
    svg("circle", { class: "ring", cx: x, cy: y, r: 9 }),
    svg("path", { d: `M${x - 6} ${y}q3 -8 6 0t6 0` }),
    svg("text", { x: x + 16, y: y + 4, class: "small" }, named),
  );
}

function drawText(app, pane, { x, y, key, side, room }) {
  const { result, description } = pane;
  let text = say(`figure.${key}`);
  if (key === "inputs" && result?.source) text = joined(result.source.tokens, description);
  if (key === "outputs_shifted" && result?.target?.tokens) text = joined(result.target.inputs ?? result.target.tokens, description);
  if (key === "probabilities" && result) text = result.target?.tokens ? joined(result.target.tokens, description) : result.answer || text;
  const size = 12.5;
  while (textWidth(text, size) > room && text.length > 3) text = `${text.slice(0, -3).trimEnd()}…`;
  return svg("text", { class: `flow-text ${side}`, x, y: y + 4, "text-anchor": "middle" }, text);
}

function joined(tokens, description) {
  return tokens.map((one) => tokenName(one, description)).join(" ");
}
