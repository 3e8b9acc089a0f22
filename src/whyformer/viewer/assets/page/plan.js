// Where the boxes of Figure 1 stand, for a model with any number of layers. Nothing is drawn here.

const ORDER = ["self_attention", "cross_attention", "attention", "feedforward"];
const BOX = 48;
const NORM = 15;
const CLOSED = 34;
const NAME = 20; // room for the name of a layer

// The stacks of layers that the switches name, with their parts.
export function stacksOf(description) {
  if (description.settings.cell) return recurrentStacks(description);
  const stacks = new Map();
  for (const name of description.switches) {
    const found = /^(.*?)layers\.(\d+)$/.exec(name);
    if (!found) continue;
    const layers = stacks.get(found[1]) ?? [];
    layers[Number(found[2])] = { name, parts: ORDER.filter((part) => description.switches.includes(`${name}.${part}`)) };
    stacks.set(found[1], layers);
  }
  return [...stacks].map(([prefix, layers]) => ({ prefix, layers: layers.filter(Boolean), side: sideOf(prefix, description) }));
}

// A recurrent layer has no parts, so it has no separate switch.
function recurrentStacks(description) {
  const { encoder, decoder } = description.layers;
  const layersOf = (prefix, count) => Array.from({ length: count }, (_, k) => ({ name: `${prefix}layers.${k}`, parts: [] }));
  if (!encoder) return [{ prefix: "", layers: layersOf("", decoder), side: "target" }];
  return [["encoder.", encoder, "source"], ["decoder.", decoder, "target"]].map(([prefix, count, side]) => ({ prefix, layers: layersOf(prefix, count), side }));
}

// Whether a name belongs to the side that reads the source or to the side that writes the target.
export function sideOf(name, description) {
  if (name.startsWith("encoder")) return "source";
  if (name.startsWith("decoder")) return "target";
  return description.family === "gpt" || description.task === "language" ? "target" : "source";
}

export function headsOf(name, description) {
  const prefix = `${name}.heads.`;
  return description.switches.filter((one) => one.startsWith(prefix)).length;
}

// Layers that are drawn with all their parts: all of them in a small model, else the opened one.
export function isExpanded(stack, layer, opened) {
  return stack.layers.length <= 3 || opened.includes(layer.name);
}

// Return the items of the drawing. Heights grow upwards from 0 and are turned round at the end.
export function figurePlan(description, { width, opened = [] }) {
  const stacks = stacksOf(description);
  const narrow = width < 560;
  const box = Math.min(narrow ? 132 : 216, (width - 40) / Math.max(1, stacks.length) - 44);
  const items = [];
  const tops = stacks.map((stack, k) => {
    const middle = stacks.length === 1 ? width / 2 : k === 0 ? box / 2 + 40 : width - box / 2 - 26;
    return column(items, stack, { description, middle, box, opened, both: stacks.length > 1 });
  });
  if (stacks.length === 2) memory(items, tops[0], tops[1], narrow);
  const height = Math.max(...tops.map((top) => top.end), 40) + 10;
  return { width, height, items: items.map((item) => turned(item, height)) };
}

function column(items, stack, { description, middle, box, opened, both }) {
  const add = (item) => items.push({ side: stack.side, ...item });
  const { settings } = description;
  const left = middle - box / 2;
  const embedding = `${stack.prefix}embedding`;
  let y = 10;
  const room = box + 40;
  add({ kind: "text", x: middle, y, room, key: stack.side === "source" ? "inputs" : "outputs_shifted" });
  y += 14;
  add({ kind: "line", path: [[middle, y], [middle, y + 14]] });
  y += 14;
  add({ kind: "box", name: embedding, part: "embedding", x: left, y, wide: box, tall: 34 });
  y += 34;
  add({ kind: "line", path: [[middle, y], [middle, y + 36]] });
  if (settings.positions && settings.positions !== "none" && !settings.cell) {
    const own = `${stack.prefix}positions`;
    add({ kind: "positions", name: description.switches.includes(own) ? own : "positions", scheme: settings.positions, x: middle, y: y + 17, left: left });
  }
  y += 36;
  for (const layer of stack.layers) {
    const start = y;
    const expanded = isExpanded(stack, layer, opened) && layer.parts.length > 0;
    if (expanded) {
      y += 12;
      for (const part of layer.parts) y = sublayer(add, { layer, part, middle, box, left, y, settings });
      add({ kind: "line", path: [[middle, y - 12], [middle, y + NAME]] });
      y += NAME;
      add({ kind: "layer", name: layer.name, x: left - 24, y: start, wide: box + 38, tall: y - start, expanded: true, many: stack.layers.length > 3 });
    } else {
      y += layer.parts.length ? 0 : 2;
      add({ kind: "layer", name: layer.name, x: left, y, wide: box, tall: CLOSED, expanded: false, recurrent: layer.parts.length === 0, crossed: layer.parts.includes("cross_attention") });
      y += CLOSED;
    }
    add({ kind: "line", path: [[middle, y], [middle, y + 18]], arrow: true });
    y += 18;
  }
  if (stack.side === "target" && description.switches.includes(`${stack.prefix}attention`)) {
    add({ kind: "box", name: `${stack.prefix}attention`, part: "cross_attention", x: left, y, wide: box, tall: BOX, heads: 0 });
    add({ kind: "line", path: [[middle, y + BOX], [middle, y + BOX + 18]], arrow: true });
    y += BOX + 18;
  }
  if (/pre-norm/.test(settings.wiring ?? "")) {
    add({ kind: "norm", x: left + box * 0.2, y, wide: box * 0.6, tall: NORM });
    add({ kind: "line", path: [[middle, y + NORM], [middle, y + NORM + 14]], arrow: true });
    y += NORM + 14;
  }
  const end = { middle, left, right: left + box, top: y, end: y };
  if (both && stack.prefix === "encoder.") return end;
  add({ kind: "box", name: "projection", part: "projection", x: left, y, wide: box, tall: 34 });
  add({ kind: "line", path: [[middle, y + 34], [middle, y + 48]], arrow: true });
  add({ kind: "text", x: middle, y: y + 54, room, key: "probabilities" });
  return { ...end, end: y + 66 };
}

// One sub-layer: the norm before or behind the box, and the skip connection around it.
function sublayer(add, { layer, part, middle, box, left, y, settings }) {
  const name = `${layer.name}.${part}`;
  const skip = `${layer.name}.wire_${part}.skip`;
  const wiring = settings.wiring ?? "post-norm";
  const [start, before, behind] = [y, wiring === "pre-norm", wiring !== "pre-norm" && wiring !== "no-norm"];
  const norm = () => {
    add({ kind: "norm", x: left + box * 0.2, y, wide: box * 0.6, tall: NORM });
    y += NORM;
  };
  y += 8;
  if (before) {
    norm();
    y += 6;
  }
  add({ kind: "box", name, part, x: left, y, wide: box, tall: BOX });
  y += BOX + 16;
  if (wiring !== "no-skip") {
    add({ kind: "line", name: skip, path: [[middle, start], [left - 13, start], [left - 13, y], [middle - 9, y]], skip: true });
    add({ kind: "plus", name: skip, x: middle, y });
  }
  add({ kind: "line", path: [[middle, start - 12], [middle, y + 20]], behind: true });
  y += 9;
  if (behind) {
    y += 5;
    norm();
  }
  return y + 12;
}

// The encoder's output, which every cross-attention reads.
function memory(items, encoder, decoder, narrow) {
  const targets = items.filter((item) => item.side === "target" && ((item.kind === "box" && item.part === "cross_attention") || item.crossed));
  const channel = (encoder.right + decoder.left - (narrow ? 13 : 24)) / 2;
  const height = Math.max(encoder.top, ...targets.map((one) => one.y + one.tall / 2));
  for (const one of targets) {
    const level = one.y + one.tall / 2;
    items.push({ kind: "line", memory: true, arrow: true, side: "source", path: [[encoder.middle, encoder.top], [encoder.middle, encoder.top + 6], [channel, encoder.top + 6], [channel, level], [one.x - 1, level]] });
  }
  encoder.end = Math.max(encoder.end, encoder.top + 16);
  return height;
}

function turned(item, height) {
  const up = (y) => height - y;
  if (item.path) return { ...item, path: item.path.map(([x, y]) => [x, up(y)]) };
  return { ...item, y: up(item.y) - (item.tall ?? 0) };
}
