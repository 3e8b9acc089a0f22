import {vectorLength} from "./tensors.js";

// Parts are named as the modules in Python, for example "decoder.layers.0.cross_attention".

/** What a run switches off, and what it records. The model itself never changes. */
export class Probe {
  /**
   * @param off names of parts that are switched off
   * @param taps shell patterns of the names of tensors to record, such as "*.weights"; the full name of a
   *   part, such as "encoder.layers.0.feedforward", records the output of this part
   * @param residual whether to record how each sub-layer changes the residual stream
   * @param lens whether to record the residual stream after each layer
   */
  constructor({off = [], taps = [], residual = false, lens = false} = {}) {
    this.off = new Set(off);
    this.names = new Set(taps);
    this.patterns = taps.map(shellPattern);
    this.taps = {};
    this.residual = residual ? [] : null;
    this.streams = lens ? [] : null;
  }

  /** Return whether a part is switched off, by its name or with all parts of its kind. */
  isOff(name, kind = null) {
    return this.off.size > 0 && (this.off.has(name) || (kind !== null && this.off.has(kind)));
  }

  /** Record a tensor if its name matches a pattern. */
  tap(name, tensor) {
    if (this.patterns.some((one) => one.test(name))) this.taps[name] = {shape: tensor.shape, data: tensor.data};
  }

  /** Record the output of a part if it was named in full: a pattern names taps only, as in Python. */
  output(name, tensor) {
    if (this.names.has(name)) this.taps[name] = {shape: tensor.shape, data: tensor.data.slice()};
  }

  /** Record the norm of each vector of the residual stream x after a sub-layer, and of its change. */
  record(name, x, before) {
    if (this.residual === null) return;
    const norms = [], change = [];
    for (let i = 0; i < x.rows; i++) {
      const row = x.row(i);
      norms.push(vectorLength(row));
      change.push(vectorLength(row.map((value, j) => value - before.row(i)[j])));
    }
    this.residual.push({name, norms, change});
  }

  /** Record the residual stream for the logit lens. */
  stream(name, x) {
    if (this.streams !== null) this.streams.push({layer: name, x});
  }
}

function shellPattern(text) {
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*/g, ".*").replace(/\?/g, ".")}$`);
}
