// Everything that a person has chosen, and how it is written into the fragment of the address.

export const SECTIONS = ["figure", "heads", "steps", "beam", "lens", "stream"];

export function newPane(model, search, text) {
  return {
    model, text, second: "", forced: [], off: [], beam: search.beam ?? 4,
    lengthPenalty: search.lengthPenalty ?? 0, temperature: search.temperature ?? 1, sample: search.sample ?? false, seed: 1,
  };
}

export function newState(pane) {
  return { panes: [pane], open: [], language: null, theme: null, head: null, query: null, step: null, box: null };
}

const PANE = { text: "text", second: "second", beam: "beam", lengthPenalty: "penalty",
  temperature: "temperature", sample: "sample", seed: "seed", off: "off", forced: "forced", model: "model" };
const WHOLE = { language: "lang", theme: "theme", head: "head", query: "query", step: "step", box: "box", open: "open" };

function written(value) {
  if (Array.isArray(value)) return value.length ? JSON.stringify(value) : null;
  if (value === null || value === "" || value === false) return null;
  return value === true ? "1" : String(value);
}

function read(text, like) {
  if (Array.isArray(like)) {
    try {
      const list = JSON.parse(text);
      return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
    } catch {
      return [];
    }
  }
  if (typeof like === "boolean") return text === "1";
  if (typeof like !== "number") return text;
  const value = Number(text);
  return Number.isFinite(value) ? value : like;
}

export function toFragment(state) {
  const fields = new URLSearchParams();
  state.panes.forEach((pane, k) => {
    const prefix = k ? "b." : "";
    if (k) fields.set("compare", "1");
    for (const [name, key] of Object.entries(PANE)) {
      const text = written(pane[name]);
      if (text !== null) fields.set(prefix + key, text);
    }
  });
  for (const [name, key] of Object.entries(WHOLE)) {
    const text = written(state[name]);
    if (text !== null) fields.set(key, text);
  }
  return fields.toString();
}

// The state of a fragment. What the fragment does not say stays as in `state`.
export function fromFragment(fragment, state) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const found = structuredClone(state);
  if (![...fields.keys()].length) return found;
  const whole = fields.has("beam"); // a link of the page, not a part of one written by hand
  const fresh = (prefix, pane) => {
    const changed = whole ? { ...pane, text: "", second: "", off: [], forced: [], sample: false } : { ...pane };
    for (const [name, key] of Object.entries(PANE)) {
      const text = fields.get(prefix + key);
      if (text !== null) changed[name] = read(text, pane[name]);
    }
    return changed;
  };
  const first = fresh("", found.panes[0]);
  const second = fields.has("compare") ? fresh("b.", { ...first }) : whole ? null : found.panes[1];
  found.panes = second ? [first, second] : [first];
  for (const [name, key] of Object.entries(WHOLE)) {
    const text = fields.get(key);
    if (text === null) continue;
    if (name === "step") found.step = /^\d+$/.test(text) ? Number(text) : found.step;
    else found[name] = read(text, name === "open" ? [] : "");
  }
  found.open = found.open.filter((name) => SECTIONS.includes(name));
  return found;
}
