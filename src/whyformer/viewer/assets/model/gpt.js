import {History, linearOf, selectHistories} from "./blocks.js";
import {EncoderLayer, Stack} from "./transformer.js";
import {placesFrom} from "./positions.js";

/** GPT: embedding, N causal layers, a final norm, and a projection (Radford et al. 2018, §3.1). */
export class GPT {
  constructor(weights, settings) {
    const [depthScale] = settings.depth_scales;
    this.stack = new Stack(weights, "", settings, {
      causal: true, layerOf: (name) => new EncoderLayer(weights, name, settings, {depthScale, causal: true})});
    this.projection = linearOf(weights, "projection");
  }

  /** Return a vector for each token, computed from this and earlier tokens. `source` is not read. */
  features(source, target, probe) {
    return this.stack.of(target, probe, placesFrom(0, target.length));
  }

  /** Return the logits of the token that follows each position. */
  logits(x) { return this.projection.of(x); }

  /** Return the logits that the residual stream after a layer would give (logit lens). */
  lens(x) { return this.logits(this.stack.finalNorm(x)); }

  /** Return the state of a search with one empty hypothesis. */
  begin() {
    return {past: this.stack.layers.map(() => [new History()]), length: 0};
  }

  /** Feed one token to each hypothesis; return their logits, row after row, and the new state. */
  step(state, tokens, probe) {
    const places = tokens.map(() => state.length);
    const x = this.stack.of(tokens, probe, places, (i) => ({cache: state.past[i]}));
    return {logits: this.logits(x).data, state: {...state, length: state.length + 1}};
  }

  /** Reorder the hypotheses; an index may occur more than once. */
  select(state, indices) {
    return {...state, past: selectHistories(state.past, indices)};
  }
}
