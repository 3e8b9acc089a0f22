// What the page knows, and how a choice becomes a request, a result and a new drawing.
import {makeRunner} from "./engine.js";
import {stacksOf} from "./plan.js";
import {fromFragment, newPane, newState, toFragment} from "./state.js";

const TYPING_MILLISECONDS = 140;
const FORMS = 5;

// Args: models: [{manifest, description}]; ask: see engine.js; draw: draws everything that changed.
export function makeApp({ models, ask, lessons, draw, light }) {
  const first = models[0];
  const start = newState(newPane(0, first.description.search ?? {}, examplesOf(first)[0] ?? ""));
  if (document.body.classList.contains("is-small")) start.open = ["heads"];
  if (models.length > 1) start.panes.push(newPane(1, models[1].description.search ?? {}, start.panes[0].text));
  const app = { models, ask, lessons, light, state: fromFragment(location.hash, start), panes: [], expanded: firstLayers(models), place: "", timer: null };
  app.change = (mutate, { run = true, typing = false } = {}) => {
    mutate();
    clearTimeout(app.timer);
    app.waits = run && typing;
    if (app.waits) app.timer = setTimeout(() => {
      app.waits = false;
      runAll(app, draw);
    }, TYPING_MILLISECONDS);
    else if (run) runAll(app, draw);
    remember(app);
    if (!typing) draw(app);
  };
  app.open = (section) => app.change(() => (app.state.open = app.state.open.includes(section) ? app.state.open.filter((one) => one !== section) : [...app.state.open, section]));
  app.openBox = (pane, name) => app.change(() => {
    app.state.box = app.state.box === name ? null : name;
  });
  app.openHead = (id) => app.change(() => {
    app.state.head = id;
    if (!app.state.open.includes("heads")) app.state.open = [...app.state.open, "heads"];
  });
  app.openStep = (k) => {
    app.change(() => {
      app.state.step = k;
      if (!app.state.open.includes("steps")) app.state.open = [...app.state.open, "steps"];
    });
    document.getElementById("level-steps")?.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
  };
  app.expand = (name) => {
    app.expanded = app.expanded.includes(name) ? app.expanded.filter((one) => one !== name) : [...app.expanded, name];
    draw(app);
  };
  app.setText = (pane, text) => app.change(() => Object.assign(pane.chosen, { text, forced: [] }));
  app.compare = (on) => {
    app.change(() => {
      const [one] = app.state.panes;
      app.state.panes = on ? [one, { ...structuredClone(one), model: models.length > 1 ? 1 : one.model }] : [one];
      makePanes(app);
    });
  };
  app.restore = (fragment) => app.change(() => {
    app.state = fromFragment(fragment, app.state);
    makePanes(app);
  });
  app.isIdle = () => !app.waits;
  app.keyOf = (pane) => JSON.stringify([pane.chosen, pane.result?.target?.text ?? null]);
  app.measure = (pane, names) => measure(app, pane, names, draw);
  makePanes(app);
  return app;
}

// Switch off one part after the other, and keep what the answer loses without it.
async function measure(app, pane, names, draw) {
  const effects = { key: app.keyOf(pane), values: new Map() };
  pane.effects = effects;
  draw(app);
  const { chosen } = pane;
  const request = requestOf(app, pane);
  for (const name of names) {
    const off = { ...request, off: [...chosen.off, name], want: { taps: [] } };
    const { change } = await app.ask("run", { model: chosen.model, request: off });
    if (pane.effects !== effects || app.keyOf(pane) !== effects.key) return;
    effects.values.set(name, change?.logProbabilityOfBaseline ?? 0);
    draw(app);
  }
}

// In a deep model, only the first layer of each stack is drawn with its parts.
function firstLayers(models) {
  return [...new Set(models.flatMap(({ description }) => stacksOf(description).map((stack) => stack.layers[0]?.name)))];
}

export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function makePanes(app) {
  app.panes = app.state.panes.map((chosen, number) => {
    const model = app.models[chosen.model] ?? app.models[0];
    const old = app.panes[number];
    if (old && old.manifest === model.manifest) return old;
    const pane = { number, manifest: model.manifest, description: model.description, examples: examplesOf(model), result: null, error: null };
    Object.defineProperty(pane, "chosen", { get: () => app.state.panes[number] });
    pane.runner = makeRunner((request) => app.ask("run", { model: app.models.indexOf(model), request }));
    return pane;
  });
}

export function runAll(app, draw) {
  for (const pane of app.panes) {
    if (!pane.chosen.text.trim()) {
      Object.assign(pane, { result: null, error: null });
      draw(app);
      continue;
    }
    pane.runner(requestOf(app, pane), (result, error) => {
      pane.error = error ? error.message : null;
      if (result) pane.result = result;
      draw(app);
    });
  }
}

// Only what the open parts of the page show is calculated.
function requestOf(app, pane) {
  const { chosen } = pane;
  const open = (...names) => names.some((name) => app.state.open.includes(name));
  const taps = open("figure", "heads", "steps") ? ["*weights"] : [];
  if (open("figure") && app.state.box) taps.push(app.state.box);
  return {
    text: chosen.text, second: chosen.second || null, forced: chosen.forced, off: chosen.off,
    search: { beam: chosen.beam, lengthPenalty: chosen.lengthPenalty, temperature: chosen.temperature, sample: chosen.sample, seed: chosen.seed, forms: FORMS },
    want: { taps, lens: open("lens"), tree: open("beam"), residual: open("figure", "stream"), each: pane.description.task === "masked" ? true : undefined },
  };
}

// The address keeps the state, so that a link or a reload restores it.
function remember(app) {
  try {
    history.replaceState(null, "", `#${toFragment(app.state)}`);
  } catch {
    app.fragment = toFragment(app.state); // a page inside another page may have no address
  }
}

function examplesOf({ manifest, description }) {
  return description.examples ?? manifest.examples ?? [];
}
