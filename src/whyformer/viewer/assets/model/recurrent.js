import {TokenEmbedding, linearOf} from "./blocks.js";
import {Tensor, besides, dot, product, softmax, stackRows} from "./tensors.js";
import {placesFrom} from "./positions.js";

const sigma = (x) => 1 / (1 + Math.exp(-x));

// The equations of one step of a layer. x is W x_t + b and h is U h_{t−1} + b, with all gates one after
// another; `state` is [h_{t−1}], for the LSTM [h_{t−1}, c_{t−1}]; the result is the state after the step.
const CELLS = {
  /** h_t = tanh(W x_t + U h_{t−1} + b) (Elman 1990). */
  rnn: (x, h) => [x.map((value, i) => Math.tanh(value + h[i]))],

  /** r, z = σ(W x + U h); n = tanh(W x + r ⊙ U h); h_t = (1 − z) ⊙ n + z ⊙ h_{t−1} (Cho et al. 2014, Eq. 5-8). */
  gru: (x, h, [before]) => {
    const width = before.length;
    return [before.map((value, i) => {
      const r = sigma(x[i] + h[i]), z = sigma(x[width + i] + h[width + i]);
      const n = Math.tanh(x[2 * width + i] + r * h[2 * width + i]);
      return n + z * (value - n);
    })];
  },

  /** i, f, o = σ(W x + U h); g = tanh(W x + U h); c_t = f ⊙ c_{t−1} + i ⊙ g; h_t = o ⊙ tanh(c_t) (Gers et al. 2000). */
  lstm: (x, h, [, before]) => {
    const width = before.length, gate = (number, i) => x[number * width + i] + h[number * width + i];
    const c = before.map((value, i) => sigma(gate(1, i)) * value + sigma(gate(0, i)) * Math.tanh(gate(2, i)));
    return [c.map((value, i) => sigma(gate(3, i)) * Math.tanh(value)), c];
  },
};

/** One recurrent layer. A state is a list of tensors with one row for each hypothesis. */
class Recurrence {
  constructor(weights, name, settings) {
    this.fromInput = linearOf(weights, `${name}.from_input`);
    this.fromState = linearOf(weights, `${name}.from_state`);
    this.equations = CELLS[settings.cell];
    this.memories = settings.cell === "lstm" ? 2 : 1;
    this.width = this.fromState.W.width;
  }

  zeroState(rows) {
    return placesFrom(0, this.memories).map(() => new Tensor([rows, this.width]));
  }

  /** Return the state after one position. Args: x: W x_t + b of each hypothesis. */
  step(x, state) {
    const h = this.fromState.of(state[0]);
    const after = placesFrom(0, x.rows).map((i) => this.equations(x.row(i), h.row(i), state.map((part) => part.row(i))));
    return state.map((_, part) => stackRows(after.map((one) => one[part])));
  }

  /** Return h after every position of one text, and the state after the last position. */
  of(x, state = this.zeroState(1)) {
    const gates = this.fromInput.of(x), outputs = [];
    for (let t = 0; t < x.rows; t++) {
      state = this.step(new Tensor([1, gates.width], gates.row(t)), state);
      outputs.push(state[0].data);
    }
    return [stackRows(outputs), state];
  }
}

const reversed = (x) => stackRows(placesFrom(0, x.rows).map((i) => x.row(x.rows - 1 - i)));

/** A forward layer and, if the encoder is bidirectional, a backward one (Schuster and Paliwal 1997). */
class RecurrentEncoderLayer {
  constructor(weights, name, settings) {
    this.name = name;
    this.onward = new Recurrence(weights, `${name}.onward`, settings);
    this.backward = settings.bidirectional ? new Recurrence(weights, `${name}.backward`, settings) : null;
  }

  /** Return a vector for each position, and one vector for the whole text. */
  of(x, probe) {
    const read = (layer, y, part) => {
      const [after] = layer.of(y);
      return probe.isOff(`${this.name}.${part}`) ? after.map(() => 0) : after;
    };
    const last = (y) => new Tensor([1, y.width], y.row(y.rows - 1));
    const after = read(this.onward, x, "onward");
    if (this.backward === null) return [after, last(after)];
    const before = read(this.backward, reversed(x), "backward");
    return [besides(after, reversed(before)), besides(last(after), last(before))];
  }
}

/** The score functions of the attention of a recurrent decoder: score(h, m) for each state and source vector. */
const SCORES = {
  /** hᵀm, or hᵀWm: `keys` are Wm (Luong et al. 2015, §3.1). */
  dot: (h, keys) => product(h, keys),
  general: (h, keys) => product(h, keys),

  /** vᵀ tanh(W h + U m) (Bahdanau et al. 2014, A.1.2). */
  additive: (h, keys, {projectQuery, projectScore}) => {
    const query = projectQuery.of(h), v = projectScore.W.data;
    return h.mapRows((_, scores, i) => {
      for (let j = 0; j < keys.rows; j++) {
        const both = keys.row(j).map((value, k) => Math.tanh(query.row(i)[k] + value));
        scores[j] = dot(v, 0, both, 0, v.length);
      }
    }, keys.rows);
  },

  /** (W h)_s: the scores depend on the decoder state only (Luong et al. 2015, Eq. 8). */
  location: (h, keys, {projectPlace}) => projectPlace.of(h).mapRows((row, scores) => scores.set(row.subarray(0, keys.rows)), keys.rows),
};

/** h̃ = tanh(W [context; h]), where context is the weighted mean of the source vectors (Luong et al. 2015, Eq. 5-7). */
class SourceAttention {
  constructor(weights, name, settings) {
    const optional = (part) => linearOf(weights, `${name}.score.${part}`);
    this.name = name;
    this.score = SCORES[settings.attention];
    this.projectKey = optional("project_key");
    this.parts = {projectQuery: optional("project_query"), projectScore: optional("project_score"), projectPlace: optional("project_place")};
    this.combine = linearOf(weights, `${name}.combine`);
  }

  keys(memory) { return this.projectKey === null ? memory : this.projectKey.of(memory); }

  /** Return h̃ of each state, and the attention weights. */
  of(h, {keys, memory}, probe) {
    const weights = this.score(h, keys, this.parts).mapRows((row, result) => { result.set(row); softmax(result); });
    const off = probe.isOff(this.name);
    const context = weights.mapRows((row, result) => {
      if (!off) row.forEach((weight, j) => memory.row(j).forEach((value, k) => { result[k] += weight * value; }));
    }, memory.width);
    return [this.combine.of(besides(context, h)).map(Math.tanh), weights];
  }
}

/** A recurrent encoder-decoder with attention (Bahdanau et al. 2014; Luong et al. 2015). */
export class RecurrentModel {
  constructor(weights, settings) {
    this.settings = settings;
    this.sourceEmbedding = new TokenEmbedding(weights, "encoder.embedding", settings.embedding_factor);
    this.targetEmbedding = new TokenEmbedding(weights, "decoder.embedding", settings.embedding_factor);
    this.encoderLayers = placesFrom(0, settings.encoder_layers).map((i) => new RecurrentEncoderLayer(weights, `encoder.layers.${i}`, settings));
    this.layers = placesFrom(0, settings.decoder_layers).map((i) => new Recurrence(weights, `decoder.layers.${i}`, settings));
    this.bridge = linearOf(weights, "decoder.bridge");
    this.attention = settings.attention === "none" ? null : new SourceAttention(weights, "decoder.attention", settings);
    this.projection = linearOf(weights, "projection");
  }

  /** Encode the source, and return the state before the first token: each first h is tanh of a projection of the summary. */
  begin(source, probe) {
    let x = this.sourceEmbedding.of(source), summary = null;
    probe.output("encoder.embedding", x);
    for (const layer of this.encoderLayers) {
      const before = x;
      [x, summary] = layer.of(x, probe);
      probe.record(layer.name, x, before);
      probe.output(layer.name, x);
    }
    const firsts = this.bridge.of(summary).map(Math.tanh), width = this.settings.d_model;
    const states = this.layers.map((layer, i) => {
      const first = new Tensor([1, width], firsts.data.slice(i * width, (i + 1) * width));
      return [first, ...layer.zeroState(1).slice(1)];
    });
    return {source: {keys: this.attention?.keys(x), memory: x}, states, fed: new Tensor([1, width])};
  }

  /** Feed one token to each hypothesis; return the decoder's vectors, and the new state. */
  advance({source, states, fed}, tokens, probe) {
    let x = this.targetEmbedding.of(tokens), weights = null;
    const streams = [x];
    if (this.settings.input_feeding) x = besides(x, probe.isOff("decoder.input_feeding") ? fed.map(() => 0) : fed);
    const after = this.layers.map((layer, i) => {
      const state = layer.step(layer.fromInput.of(x), states[i]);
      streams.push(x = state[0]);
      return state;
    });
    if (this.attention !== null) [x, weights] = this.attention.of(x, source, probe);
    if (this.attention !== null) streams.push(x);
    return {x, weights, streams, state: {source, states: after, fed: x}};
  }

  /** Return the decoder's vector at each target position, computed one position after another. */
  features(source, target, probe) {
    let state = this.begin(source, probe);
    const steps = target.map((token) => {
      const step = this.advance(state, [token], probe);
      state = step.state;
      return step;
    });
    const names = this.layers.map((_, i) => `decoder.layers.${i}`);
    recordSteps(["decoder.embedding", ...names, ...(this.attention === null ? [] : ["decoder.attention"])], steps, probe);
    if (this.attention !== null) {
      const weights = stackRows(steps.map((one) => one.weights.data));
      probe.tap("decoder.attention.weights", weights.view(1, weights.rows, weights.width));
    }
    return stackRows(steps.map(({x}) => x.data));
  }

  /** Return the logits of the token that follows each position. */
  logits(x) { return this.projection.of(x); }

  /** Return the logits that the vectors after a layer would give (logit lens). */
  lens(x) { return this.logits(x); }

  /** Feed one token to each hypothesis; return their logits, row after row, and the new state. */
  step(state, tokens, probe) {
    const {x, state: after} = this.advance(state, tokens, probe);
    return {logits: this.logits(x).data, state: after};
  }

  /** Reorder the hypotheses; an index may occur more than once. */
  select({source, states, fed}, indices) {
    return {source, states: states.map((parts) => parts.map((part) => selectRows(part, indices))), fed: selectRows(fed, indices)};
  }
}

/** A recurrent language model: embedding, N recurrent layers, and a projection (Mikolov et al. 2010; Zaremba et al. 2014). */
export class RecurrentLanguageModel {
  constructor(weights, settings) {
    this.embedding = new TokenEmbedding(weights, "embedding", settings.embedding_factor);
    this.layers = placesFrom(0, settings.layers).map((i) => new Recurrence(weights, `layers.${i}`, settings));
    this.projection = linearOf(weights, "projection");
  }

  begin() { return this.layers.map((layer) => layer.zeroState(1)); }

  /** Feed one token to each hypothesis; return the vectors of the last layer, and the new state. */
  advance(states, tokens) {
    let x = this.embedding.of(tokens);
    const streams = [x];
    const after = this.layers.map((layer, i) => {
      const state = layer.step(layer.fromInput.of(x), states[i]);
      streams.push(x = state[0]);
      return state;
    });
    return {x, streams, state: after};
  }

  /** Return a vector for each token, computed from this and earlier tokens. `source` is not read. */
  features(source, target, probe) {
    let state = this.begin();
    const steps = target.map((token) => {
      const step = this.advance(state, [token]);
      state = step.state;
      return step;
    });
    recordSteps(["embedding", ...this.layers.map((_, i) => `layers.${i}`)], steps, probe);
    return stackRows(steps.map(({x}) => x.data));
  }

  logits(x) { return this.projection.of(x); }

  lens(x) { return this.logits(x); }

  step(state, tokens) {
    const {x, state: after} = this.advance(state, tokens);
    return {logits: this.logits(x).data, state: after};
  }

  select(states, indices) {
    return states.map((parts) => parts.map((part) => selectRows(part, indices)));
  }
}

/** Record the embeddings and the vectors after each layer, which were computed one position after another. */
function recordSteps(names, steps, probe) {
  const streams = names.map((_, number) => stackRows(steps.map((one) => one.streams[number].data)));
  names.forEach((name, number) => {
    probe.output(name, streams[number]);
    if (number === 0) return;
    probe.record(name, streams[number], streams[number - 1]);
    probe.stream(name, streams[number]);
  });
}

function selectRows(x, indices) {
  return stackRows(indices.map((index) => x.row(index)));
}
