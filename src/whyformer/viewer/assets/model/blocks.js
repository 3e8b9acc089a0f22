import {Tensor, add, addToRows, dot, product, softmax, stackRows} from "./tensors.js";

// The blocks of `whyformer.blocks`, with the same names and the equations of "Attention Is All You
// Need" (Vaswani et al. 2017). Dropout is missing, because a trained model does not use it.

/** xWᵀ + b; b may be null. */
export class Linear {
  constructor(W, b) {
    this.W = W;
    this.b = b;
  }

  of(x) {
    const y = product(x, this.W);
    if (this.b !== null) addToRows(y, this.b.data);
    return y;
  }
}

/** Return a linear layer of a model, or null if the model has none of this name. */
export function linearOf(weights, name) {
  const W = weights.find(`${name}.weight`);
  return W && new Linear(W, weights.find(`${name}.bias`));
}

/** The norm of a model: LayerNorm, RMSNorm, or the identity where the model has no norm. */
export function normOf(weights, name, settings) {
  const gain = weights.find(`${name}.weight`)?.data, shift = weights.find(`${name}.bias`)?.data;
  if (gain === undefined) return (x) => x;
  const norm = settings.norm === "rms" ? rmsNorm : layerNorm;
  return (x) => x.mapRows((row, result) => norm(row, result, gain, shift, settings.norm_epsilon));
}

/** (x − mean) / √(variance + ε) · gain + shift (Ba et al. 2016, Eq. 4). */
function layerNorm(x, result, gain, shift, epsilon) {
  let mean = 0, variance = 0;
  for (const value of x) mean += value / x.length;
  for (const value of x) variance += (value - mean) ** 2 / x.length;
  const factor = 1 / Math.sqrt(variance + epsilon);
  for (let i = 0; i < x.length; i++) result[i] = (x[i] - mean) * factor * gain[i] + shift[i];
}

/** x / √(mean of squares + ε) · gain (Zhang and Sennrich 2019, Eq. 4). */
function rmsNorm(x, result, gain, shift, epsilon) {
  const factor = 1 / Math.sqrt(dot(x, 0, x, 0, x.length) / x.length + epsilon);
  for (let i = 0; i < x.length; i++) result[i] = x[i] * factor * gain[i];
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const relu = (x) => Math.max(0, x);
const silu = (x) => x * sigmoid(x);
export const gelu = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));
const geluTanh = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const ACTIVATIONS = {relu, gelu, "gelu-tanh": geluTanh, silu, swiglu: silu, geglu: geluTanh};

/** The error function with an error below 1.5e-7 (Abramowitz and Stegun, 7.1.26). */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

/** FFN(x) = max(0, xW₁ + b₁)W₂ + b₂ (Eq. 2), or (activation(xW) ⊙ xV)W₂ with a gate. */
export class FeedForward {
  constructor(weights, name, settings) {
    this.expand = linearOf(weights, `${name}.expand`);
    this.contract = linearOf(weights, `${name}.contract`);
    this.gate = linearOf(weights, `${name}.gate`);
    this.activation = ACTIVATIONS[settings.activation];
  }

  of(x) {
    if (this.gate === null) return this.contract.of(this.expand.of(x).map(this.activation));
    const gate = this.gate.of(x).map(this.activation), values = this.expand.of(x);
    return this.contract.of(values.map((value, i) => value * gate.data[i]));
  }
}

// The wirings of a sub-layer (§3.1). `skip` is 1, DeepNorm's α, or 0 if the skip connection is off.
const WIRINGS = {
  "post-norm": (x, sublayer, norm, skip) => norm(add(x, sublayer(x), skip)), // LayerNorm(x + Sublayer(x))
  "pre-norm": (x, sublayer, norm, skip) => add(x, sublayer(norm(x)), skip), // x + Sublayer(LayerNorm(x))
  deepnorm: (x, sublayer, norm, skip) => norm(add(x, sublayer(x), skip)), // LayerNorm(αx + Sublayer(x))
  "no-skip": (x, sublayer, norm) => norm(sublayer(x)), // LayerNorm(Sublayer(x))
  "no-norm": (x, sublayer, norm, skip) => add(x, sublayer(x), skip), // x + Sublayer(x)
};

/** The residual connection around a sub-layer: the module "wire_feedforward" wires "feedforward". */
export class Residual {
  constructor(weights, name, settings, depthScale) {
    this.name = name;
    this.sublayer = name.replace("wire_", "");
    this.norm = normOf(weights, `${name}.norm`, settings);
    this.wire = WIRINGS[settings.wiring];
    this.skip = settings.wiring === "deepnorm" ? depthScale : 1;
  }

  of(x, sublayer, probe) {
    const skip = probe.isOff(`${this.name}.skip`, "skip") ? 0 : this.skip;
    const inner = probe.isOff(this.sublayer) ? (y) => y.map(() => 0) : sublayer;
    const after = this.wire(x, (y) => this.recorded(inner(y), probe), this.norm, skip);
    probe.record(this.sublayer, after, x);
    return after;
  }

  recorded(y, probe) {
    probe.output(this.sublayer, y);
    return y;
  }
}

/** Multiply by √d_model, look up and add the position vectors (§3.4, §3.5). */
export class TokenEmbedding {
  constructor(weights, name, scale) {
    this.table = weights.get(`${name}.weight`);
    this.scale = scale;
  }

  of(ids) {
    return stackRows(ids.map((id) => this.table.row(id).map((value) => value * this.scale)));
  }
}

/** MultiHead(Q, K, V) = Concat(head_1 … head_h) W^O, head_i = Attention(QW_i^Q, KW_i^K, VW_i^V) (§3.2.2).
 *
 * The columns of Q, K and V are the heads, one after another.
 */
export class MultiHeadAttention {
  constructor(weights, name, settings) {
    this.name = name;
    this.heads = settings.heads;
    this.d_k = settings.head_width;
    this.projectQuery = linearOf(weights, `${name}.project_query`);
    this.projectKey = linearOf(weights, `${name}.project_key`);
    this.projectValue = linearOf(weights, `${name}.project_value`);
    this.projectOutput = linearOf(weights, `${name}.project_output`);
    this.scale = scalingOf(weights, `${name}.scale`, settings, this.d_k);
  }

  /** Project x to queries. `places` are the positions of the rows; a position scheme may rotate them. */
  queries(x, probe, positions = null, places = []) {
    const Q = this.scale.queries(this.projectQuery.of(x), probe);
    return positions === null ? Q : positions.rotate(Q, places, probe);
  }

  /** Project x to keys and values. */
  keysValues(x, probe, positions = null, places = []) {
    const K = this.scale.keys(this.projectKey.of(x));
    return [positions === null ? K : positions.rotate(K, places, probe), this.projectValue.of(x)];
  }

  /** Return the outputs of all heads, side by side. Args: places: positions of the queries. */
  look(Q, K, V, probe, {causal = false, positions = null, places = []} = {}) {
    const factor = probe.isOff("scale") ? 1 : this.scale.factor;
    const bias = positions === null ? null : positions.bias(probe);
    const {output, scores, weights} = attention(Q, K, V, {heads: this.heads, factor, bias, causal, places});
    probe.tap(`${this.name}.scores`, scores);
    probe.tap(`${this.name}.weights`, weights);
    for (let head = 0; head < this.heads; head++) {
      if (!probe.isOff(`${this.name}.heads.${head}`)) continue;
      for (let i = 0; i < output.rows; i++) output.row(i).fill(0, head * this.d_k, (head + 1) * this.d_k);
    }
    return output;
  }

  /** Self-attention. With a cache, each row is a hypothesis: it attends to the keys and values of its past. */
  attendToSelf(x, probe, {causal, positions, places, cache = null}) {
    const Q = this.queries(x, probe, positions, places);
    const [K, V] = this.keysValues(x, probe, positions, places);
    if (cache === null) return this.projectOutput.of(this.look(Q, K, V, probe, {causal, positions, places}));
    const heads = cache.map((history, i) => {
      history.append(K.row(i), V.row(i));
      const query = new Tensor([1, Q.width], Q.row(i));
      return this.look(query, history.K, history.V, probe, {positions, places: [places[i]]}).data;
    });
    return this.projectOutput.of(stackRows(heads));
  }
}

/** Attention(Q, K, V) = softmax(QKᵀ / √d_k) V for every head (Eq. 1).
 *
 * Query head i uses head ⌊i · kv_heads / heads⌋ of K and V (Ainslie et al. 2023, §2.2).
 * `factor` is 1/√d_k; `bias(head, j − i)` is added to the score of key j for the query at position i.
 */
export function attention(Q, K, V, {heads, factor, bias = null, causal = false, places = []}) {
  const queries = Q.rows, keys = K.rows, d_k = Q.width / heads, kvHeads = K.width / d_k;
  const scores = new Tensor([heads, queries, keys]), weights = new Tensor([heads, queries, keys]);
  const output = new Tensor([queries, Q.width]);
  for (let head = 0; head < heads; head++) {
    const column = Math.floor((head * kvHeads) / heads) * d_k; // of the head of K and V
    for (let i = 0; i < queries; i++) {
      const row = scores.row(head * queries + i), weight = weights.row(head * queries + i);
      for (let j = 0; j < keys; j++) {
        row[j] = dot(Q.data, i * Q.width + head * d_k, K.data, j * K.width + column, d_k) * factor;
        if (bias !== null) row[j] += bias(head, j - places[i]);
        weight[j] = causal && j > places[i] ? -Infinity : row[j];
      }
      softmax(weight);
      const out = output.row(i).subarray(head * d_k, (head + 1) * d_k);
      for (let j = 0; j < keys; j++) {
        const values = j * V.width + column;
        for (let k = 0; k < d_k; k++) out[k] += weight[j] * V.data[values + k];
      }
    }
  }
  return {output, scores, weights};
}

/** The factor of QKᵀ, and what happens to queries and keys before they are rotated (§3.2.1 and variants). */
function scalingOf(weights, name, settings, d_k) {
  const kind = settings.score_scale, unchanged = (x) => x;
  const factor = {"inverse-sqrt": d_k ** -0.5, "qk-norm": d_k ** -0.5, inverse: 1 / d_k}[kind] ?? 1;
  const perHead = (f) => (x) => f(x.view(x.rows * (x.width / d_k), d_k)).view(x.rows, x.width);
  if (kind === "qk-norm") { // RMSNorm(Q) RMSNorm(K)ᵀ / √d_k
    const [query, key] = ["query_norm", "key_norm"].map((one) => normOf(weights, `${name}.${one}`, {...settings, norm: "rms"}));
    return {factor, queries: perHead(query), keys: perHead(key)};
  }
  if (kind !== "learned" && kind !== "cosine") return {factor, queries: unchanged, keys: unchanged};
  const gain = weights.get(`${name}.gain`).data; // one factor for each head
  const unit = perHead((x) => x.mapRows((row, result) => {
    const norm = Math.max(Math.sqrt(dot(row, 0, row, 0, d_k)), 1e-12);
    row.forEach((value, i) => { result[i] = value / norm; });
  }));
  const prepare = kind === "cosine" ? unit : unchanged;
  const queries = (Q, probe) => prepare(Q).mapRows((row, result) => {
    row.forEach((value, i) => { result[i] = value * (probe.isOff("scale") ? 1 : gain[Math.floor(i / d_k)]); });
  });
  return {factor, queries, keys: prepare};
}

/** The KV cache of one hypothesis in one layer: the keys and values of its past. */
export class History {
  constructor(K = null, V = null) {
    this.K = K;
    this.V = V;
  }

  /** Append the key and the value of one position. The memory doubles when it is full. */
  append(key, value) {
    this.K = grown(this.K, key);
    this.V = grown(this.V, value);
  }

  /** Return an independent copy. */
  copy() {
    if (this.K === null) return new History(); // the layer is switched off
    return new History(new Tensor(this.K.shape, this.K.data.slice()), new Tensor(this.V.shape, this.V.data.slice()));
  }
}

function grown(rows, vector) {
  const width = vector.length, used = rows === null ? 0 : rows.data.length;
  let memory = rows === null ? new Float32Array(0) : new Float32Array(rows.data.buffer);
  if (memory.length < used + width) {
    const larger = new Float32Array(Math.max(2 * memory.length, 16 * width));
    larger.set(memory.subarray(0, used));
    memory = larger;
  }
  memory.set(vector, used);
  return new Tensor([used / width + 1, width], memory.subarray(0, used + width));
}

/** Reorder the histories of all hypotheses; a history that several continue is copied. */
export function selectHistories(layers, indices) {
  return layers.map((histories) => {
    const taken = new Set();
    return indices.map((index) => {
      const first = !taken.has(index);
      taken.add(index);
      return first ? histories[index] : histories[index].copy();
    });
  });
}
