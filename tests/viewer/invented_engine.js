// An engine with invented numbers, for tests of the page. Its results have the form of session.js.
const HEADS = 4;
const GUESSES = ["K", "AE1", "T", "S", "AH0", "N", "IY1", "R", "EH1", "D"];

function invented(...parts) {
  let hash = 2166136261;
  for (const letter of parts.join("\u0001")) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2246822507);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 4294967296;
}

function rows(name, heads, queries, keys, causal, off) {
  const data = new Float32Array(heads * queries * keys);
  for (let h = 0; h < heads; h += 1) {
    if (off.includes(`${name}.heads.${h}`) || off.includes(name)) continue;
    for (let q = 0; q < queries; q += 1) {
      let sum = 0;
      const at = (h * queries + q) * keys;
      for (let k = 0; k < keys; k += 1) {
        const near = Math.exp(-Math.abs((q * keys) / queries - k - (h - 1)) * 1.2);
        data[at + k] = causal && k > q ? 0 : near + 0.08 * invented(name, h, q, k, off.join());
        sum += data[at + k];
      }
      for (let k = 0; k < keys; k += 1) data[at + k] /= sum;
    }
  }
  return { shape: [heads, queries, keys], data };
}

function candidates(seed, first) {
  const names = [...new Set([first, ...GUESSES])].slice(0, 8);
  const weights = names.map((_, k) => Math.exp(-k * (1 + 2 * invented(seed))));
  const sum = weights.reduce((a, b) => a + b, 0);
  return names.map((token, k) => ({ token, probability: weights[k] / sum }));
}

function answer(text, off, forced, n = 0, alpha = 0) {
  const tokens = [...forced];
  const letters = [...text];
  for (let k = forced.length; k < letters.length; k += 1) {
    tokens.push(GUESSES[Math.floor(GUESSES.length * invented(letters[k], k === letters.length - 1 ? off.join() : "", k % 3 ? 0 : n))]);
  }
  tokens.push("</s>");
  const tokenLogProbabilities = tokens.map((t, k) => -0.6 * invented(text, t, k, off.join(), n) - n * 0.1);
  const logProbability = tokenLogProbabilities.reduce((a, b) => a + b, 0);
  return { tokens, ids: tokens.map((_, k) => k), text: tokens.slice(0, -1).join(" "), score: logProbability / ((5 + tokens.length) / 6) ** alpha, logProbability, tokenLogProbabilities };
}

function describeInvented(manifest) {
  const switches = ["skip", "positions", "scale"];
  for (let k = 0; k < manifest.encoder; k += 1) {
    const layer = `encoder.layers.${k}`;
    switches.push(layer, `${layer}.self_attention`, `${layer}.feedforward`, `${layer}.wire_self_attention.skip`, `${layer}.wire_feedforward.skip`);
    for (let h = 0; h < HEADS; h += 1) switches.push(`${layer}.self_attention.heads.${h}`);
  }
  for (let k = 0; k < manifest.decoder; k += 1) {
    const layer = `decoder.layers.${k}`;
    for (const part of ["self_attention", "cross_attention", "feedforward"]) switches.push(`${layer}.${part}`, `${layer}.wire_${part}.skip`);
    for (let h = 0; h < HEADS; h += 1) switches.push(`${layer}.self_attention.heads.${h}`, `${layer}.cross_attention.heads.${h}`);
    switches.push(layer);
  }
  return {
    name: manifest.name, description: manifest.description ?? "", purpose: manifest.purpose, parameters: 15260000, family: "transformer", task: "translate", layers: { encoder: manifest.encoder, decoder: manifest.decoder },
    heads: HEADS, settings: { d_model: 128, heads: HEADS, d_ff: 512, wiring: "pre-norm", positions: manifest.positions ?? "rotary", activation: "relu" },
    labels: null, limits: { source: 60 }, switches, special: { begin: "<s>", end: "</s>", mask: null },
    search: { beam: 5, lengthPenalty: 0, maxTokens: 40 }, examples: manifest.examples ?? ["whyformer", "attention", "cat"],
  };
}

function runInvented(description, request) {
  const { text, off, forced, search, want } = request;
  if (text.includes("!")) throw new Error("The text has a character that the model does not know: !.");
  const started = Date.now();
  while (Date.now() - started < (text.includes("slow") ? 400 : 4));
  const source = { tokens: [...text, "</s>"], ids: [...text, "</s>"].map((_, k) => k) };
  const hypotheses = Array.from({ length: Math.min(5, search.beam) }, (_, n) => answer(text, off, forced, n, search.lengthPenalty));
  const best = hypotheses[0];
  const target = { ...best, inputs: ["<s>", ...best.tokens.slice(0, -1)] };
  const [n, m] = [source.tokens.length, target.tokens.length];
  const taps = {};
  const residual = [];
  const lens = [];
  for (const name of description.switches) {
    const found = /^(encoder|decoder)\.layers\.(\d+)\.(self_attention|cross_attention|feedforward)$/.exec(name);
    if (!found) continue;
    const [, side, layer, part] = found;
    const places = side === "encoder" ? n : m;
    if (want.taps.includes(name)) taps[name] = { shape: [places, 16], data: Float32Array.from({ length: 16 * places }, (_, k) => 2 * invented(text, name, k) - 1) };
    residual.push({ name, side: side === "encoder" ? "source" : "target", norms: Array.from({ length: places }, (_, k) => 8 + 6 * invented(name, k)), change: Array.from({ length: places }, (_, k) => (off.includes(name) ? 0 : 1 + 5 * invented(text, name, k))) });
    if (part === "feedforward") {
      if (side === "decoder") lens.push({ layer: Number(layer), name: `decoder.layers.${layer}`, tokens: target.tokens.map((t, k) => candidates(`${name}${k}`, Number(layer) ? t : GUESSES[k % 10]).slice(0, 3)) });
      continue;
    }
    const [q, k] = part === "cross_attention" ? [m, n] : [places, places];
    if (want.taps.length) taps[`${name}.weights`] = rows(name, HEADS, q, k, side === "decoder" && part === "self_attention", off);
  }
  const tree = [];
  let parents = [null];
  for (let step = 0; step < m; step += 1) {
    const level = parents.flatMap((parent) => candidates(`${text}${parent}${step}`, target.tokens[step]).slice(0, 3).map((one) => ({ parent, ...one })));
    const nodes = level.map((one) => ({ ...one, id: tree.length + Math.random(), cumulative: Math.log(one.probability) + (tree.find((t) => t.id === one.parent)?.cumulative ?? 0), step, finished: step === m - 1 }));
    nodes.sort((a, b) => b.cumulative - a.cumulative);
    nodes.forEach((node, k) => Object.assign(node, { id: tree.length + k, kept: k < search.beam }));
    tree.push(...nodes);
    parents = nodes.filter((node) => node.kept && !(node.token === "</s>")).map((node) => node.id);
  }
  const free = forced.length ? answer(text, off, [], 0, search.lengthPenalty) : null;
  const plain = off.length ? answer(text, [], forced) : null;
  return {
    kind: "sequence", source, target, hypotheses,
    search: { lengthPenalty: search.lengthPenalty, sample: search.sample },
    unknown: { parts: [...new Set([...text].filter((one) => one > "\x7f"))], asBytes: true },
    baseline: plain && { text: plain.text, tokens: plain.tokens, logProbability: plain.logProbability, tokenLogProbabilities: plain.tokenLogProbabilities },
    unforced: free,
    change: plain && { logProbabilityOfBaseline: -3.2 * invented(off.join()) },
    steps: target.tokens.map((token, k) => ({ candidates: candidates(`${text}${k}`, token), chosen: token })),
    taps, lens: want.lens ? lens : null, residual: want.residual ? residual : null, tree: want.tree ? tree : null,
    milliseconds: Date.now() - started,
  };
}

const described = [];
self.onmessage = ({ data: { id, kind, model, manifest, request, name } }) => {
  try {
    if (kind === "open") described[model] = describeInvented(manifest);
    const result = { open: () => described[model], run: () => runInvented(described[model], request), warm: () => null, tensor: () => ({ shape: [6, 8], data: Float32Array.from({ length: 48 }, (_, k) => invented(name, k) - 0.5) }) }[kind]();
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: error.message });
  }
};
