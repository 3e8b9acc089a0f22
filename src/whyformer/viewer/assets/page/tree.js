// Level 5: the beam search as a tree. Each column is a step; the thick line is the answer.
import {html, svg} from "./dom.js";
import {textWidth} from "./heat.js";
import {nats, percent} from "./numbers.js";
import {tokenName} from "./names.js";
import {slider} from "./controls.js";
import {picture} from "./saving.js";
import {tipped} from "./tip.js";
import {say} from "./words.js";

const MOST_STEPS = 80;
const DROPPED = 2; // dropped candidates that are drawn in each step

export function drawBeam(app, pane) {
  const { tree } = pane.result;
  const width = slider(app, pane, "beam");
  if (!tree?.length) return [width, html("p", { class: "soft" }, say("no_tree"))];
  return [width, picture(drawTree(pane, tree), { key: `${pane.number}:tree`, wide: true, caption: say("tree_caption", { beam: pane.chosen.beam, text: pane.chosen.text.slice(0, 60) }) })];
}

// Which nodes are drawn, and where: the best on top of each column.
export function treePlan(tree, nameOf) {
  const steps = new Map();
  for (const node of tree) {
    if (node.step >= MOST_STEPS) continue;
    steps.set(node.step, [...(steps.get(node.step) ?? []), node]);
  }
  const places = new Map();
  let x = 16;
  for (const step of [...steps.keys()].sort((a, b) => a - b)) {
    const ranked = steps.get(step).sort((a, b) => b.cumulative - a.cumulative);
    const kept = ranked.filter((node) => node.kept || node.finished);
    const shown = [...kept, ...ranked.filter((node) => !node.kept && !node.finished).slice(0, DROPPED)];
    const wide = Math.max(30, ...shown.map((node) => textWidth(nameOf(node), 13) + 14));
    shown.forEach((node, row) => places.set(node.id, { node, x, y: 22 + row * 27, wide, name: nameOf(node) }));
    x += wide + 34;
  }
  const lowest = Math.max(...[...places.values()].map((one) => one.y), 0);
  return { places, width: x, height: lowest + 24 };
}

// The path to the answer: the finished hypothesis with the tokens of the answer.
export function bestPath(tree, tokens) {
  const byId = new Map(tree.map((node) => [node.id, node]));
  const pathOf = (node) => {
    const path = [];
    for (let one = node; one; one = byId.get(one.parent)) path.unshift(one);
    return path;
  };
  let best = [];
  for (const node of tree) {
    if (!node.kept && !node.finished) continue;
    const path = pathOf(node);
    const tail = tokens.slice(tokens.length - path.length);
    if (path.length > best.length && path.every((one, k) => one.token === tail[k])) best = path;
  }
  return new Set(best.map((node) => node.id));
}

function drawTree(pane, tree) {
  const { description, result } = pane;
  const plan = treePlan(tree, (node) => tokenName(node.token, description));
  const best = bestPath(tree, result.target.tokens);
  const nodes = [...plan.places.values()];
  const edges = nodes.map((one) => {
    const from = plan.places.get(one.node.parent);
    if (!from) return null;
    const middle = (from.x + from.wide + one.x) / 2;
    return svg("path", { class: `edge${best.has(one.node.id) ? " best" : ""}${one.node.kept || one.node.finished ? "" : " dropped"}`, d: `M${from.x + from.wide} ${from.y}C${middle} ${from.y} ${middle} ${one.y} ${one.x} ${one.y}` });
  });
  const drawn = nodes.map(({ node, x, y, wide, name }) => {
    const kind = `node${best.has(node.id) ? " best" : ""}${node.kept || node.finished ? "" : " dropped"}${node.finished ? " finished" : ""}`;
    const note = [`${name} · ${percent(node.probability)}`, say("node_total", { nats: nats(node.cumulative) }), say(node.finished ? "node_finished" : node.kept ? "node_kept" : "node_dropped")];
    return svg("g", { class: kind, ...tipped(note) }, svg("rect", { x, y: y - 11, width: wide, height: 22, rx: 11 }), svg("text", { x: x + wide / 2, y: y + 4.5, "text-anchor": "middle" }, name));
  });
  return svg("svg", { class: "tree", viewBox: `0 0 ${plan.width} ${plan.height}`, width: plan.width, height: plan.height, role: "img", "aria-label": say("tree_label", { steps: new Set(tree.map((node) => node.step)).size, nodes: tree.length }) }, edges, drawn);
}
