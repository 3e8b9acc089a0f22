import {FeedForward, History, MultiHeadAttention, Residual, TokenEmbedding, linearOf, normOf, selectHistories} from "./blocks.js";
import {placesFrom, positionsOf} from "./positions.js";

/** Self-attention and a feed-forward network, each with a residual connection (§3.1; Figure 1, left).
 *
 * With `causal`, it is a layer of GPT.
 */
export class EncoderLayer {
  constructor(weights, name, settings, {depthScale = 1, causal = false} = {}) {
    this.name = name;
    this.causal = causal;
    this.selfAttention = new MultiHeadAttention(weights, `${name}.self_attention`, settings);
    this.feedforward = new FeedForward(weights, `${name}.feedforward`, settings);
    this.wireSelfAttention = new Residual(weights, `${name}.wire_self_attention`, settings, depthScale);
    this.wireFeedforward = new Residual(weights, `${name}.wire_feedforward`, settings, depthScale);
  }

  /** Return the residual stream after this layer. */
  of(x, probe, {positions, places, cache = null}) {
    if (probe.isOff(this.name)) return x;
    const how = {causal: this.causal, positions, places, cache};
    x = this.wireSelfAttention.of(x, (y) => this.selfAttention.attendToSelf(y, probe, how), probe);
    return this.wireFeedforward.of(x, (y) => this.feedforward.of(y), probe);
  }
}

/** Masked self-attention, cross-attention to the encoder's output, and a feed-forward network (Figure 1, right). */
export class DecoderLayer {
  constructor(weights, name, settings, depthScale) {
    this.name = name;
    this.selfAttention = new MultiHeadAttention(weights, `${name}.self_attention`, settings);
    this.crossAttention = new MultiHeadAttention(weights, `${name}.cross_attention`, settings);
    this.feedforward = new FeedForward(weights, `${name}.feedforward`, settings);
    [this.wireSelfAttention, this.wireCrossAttention, this.wireFeedforward] =
      ["self_attention", "cross_attention", "feedforward"].map(
        (sublayer) => new Residual(weights, `${name}.wire_${sublayer}`, settings, depthScale));
  }

  /** Return the residual stream after this layer. Args: memory: the keys and values of the source. */
  of(x, probe, {memory, positions, places, cache = null}) {
    if (probe.isOff(this.name)) return x;
    const [K, V] = memory, cross = this.crossAttention;
    const attendToSelf = (y) => this.selfAttention.attendToSelf(y, probe, {causal: true, positions, places, cache});
    const attendToSource = (y) => cross.projectOutput.of(cross.look(cross.queries(y, probe), K, V, probe));
    x = this.wireSelfAttention.of(x, attendToSelf, probe);
    x = this.wireCrossAttention.of(x, attendToSource, probe);
    return this.wireFeedforward.of(x, (y) => this.feedforward.of(y), probe);
  }
}

/** Embedding, N layers, and a final norm if the residual wiring needs one. */
export class Stack {
  constructor(weights, name, settings, {causal, layerOf}) {
    const prefix = name === "" ? "" : `${name}.`;
    this.prefix = prefix;
    this.embedding = new TokenEmbedding(weights, `${prefix}embedding`, settings.embedding_factor);
    this.positions = positionsOf(weights, `${prefix}positions`, settings, {causal});
    this.embeddingNorm = normOf(weights, `${prefix}embedding_norm`, settings);
    this.layers = placesFrom(0, weights.count(`${prefix}layers`)).map((i) => layerOf(`${prefix}layers.${i}`));
    this.finalNorm = normOf(weights, `${prefix}final_norm`, settings);
  }

  /** Return a vector for each token. Args: how: for each layer, the further arguments of the layer. */
  of(ids, probe, places, how = () => ({})) {
    let x = this.embeddingNorm(this.positions.embed(this.embedding.of(ids), places, probe));
    probe.output(`${this.prefix}embedding`, x);
    this.layers.forEach((layer, i) => {
      x = layer.of(x, probe, {positions: this.positions, places, ...how(i)});
      probe.stream(layer.name, x);
    });
    return this.finalNorm(x);
  }
}

/** The Transformer of Figure 1. A search knows it only by `begin`, `step` and `select`. */
export class Transformer {
  constructor(weights, settings) {
    const [encoderScale, decoderScale] = settings.depth_scales; // DeepNorm's α
    this.encoder = new Stack(weights, "encoder", settings, {
      causal: false, layerOf: (name) => new EncoderLayer(weights, name, settings, {depthScale: encoderScale})});
    this.decoder = new Stack(weights, "decoder", settings, {
      causal: true, layerOf: (name) => new DecoderLayer(weights, name, settings, decoderScale)});
    this.projection = linearOf(weights, "projection");
  }

  /** Return each decoder layer's keys and values of the source. */
  read(source, probe) {
    const memory = this.encoder.of(source, probe, placesFrom(0, source.length));
    return this.decoder.layers.map((layer) => layer.crossAttention.keysValues(memory, probe));
  }

  /** Return the decoder's vector at each target position. Args: target: it begins with bos. */
  features(source, target, probe) {
    const memories = this.read(source, probe);
    return this.decoder.of(target, probe, placesFrom(0, target.length), (i) => ({memory: memories[i]}));
  }

  /** Return the logits of the token that follows each position. */
  logits(x) { return this.projection.of(x); }

  /** Return the logits that the residual stream after a decoder layer would give (logit lens). */
  lens(x) { return this.logits(this.decoder.finalNorm(x)); }

  /** Encode the source, and return the state of a search with one hypothesis. */
  begin(source, probe) {
    return {memories: this.read(source, probe), past: this.decoder.layers.map(() => [new History()]), length: 0};
  }

  /** Feed one token to each hypothesis; return their logits, row after row, and the new state. */
  step(state, tokens, probe) {
    const places = tokens.map(() => state.length);
    const x = this.decoder.of(tokens, probe, places, (i) => ({memory: state.memories[i], cache: state.past[i]}));
    return {logits: this.logits(x).data, state: {...state, length: state.length + 1}};
  }

  /** Reorder the hypotheses; an index may occur more than once. */
  select(state, indices) {
    return {...state, past: selectHistories(state.past, indices)};
  }
}
