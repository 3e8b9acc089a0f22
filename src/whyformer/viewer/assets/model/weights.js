import {Tensor} from "./tensors.js";

/** The weights of a model by the names of PyTorch, decoded from the bytes in the page. */
export class Weights {
  constructor(manifest, buffer) {
    this.tensors = manifest.tensors;
    this.aliases = manifest.aliases;
    this.buffer = buffer;
    this.decoded = new Map(); // by the name of the owner, so that tied weights are one tensor
  }

  /** Return a tensor, or null if the model has none of this name. */
  find(name) {
    const owner = this.aliases[name] ?? name;
    if (!(owner in this.tensors)) return null;
    if (!this.decoded.has(owner)) this.decoded.set(owner, decode(this.tensors[owner], this.buffer));
    return this.decoded.get(owner);
  }

  /** Return a tensor of the model. */
  get(name) {
    const found = this.find(name);
    if (found === null) throw new Error(`The model has no weights named ${name}.`);
    return found;
  }

  /** Return the number of entries of a list of modules, such as "encoder.layers". */
  count(prefix) {
    const numbers = [...Object.keys(this.tensors), ...Object.keys(this.aliases)]
      .filter((name) => name.startsWith(`${prefix}.`))
      .map((name) => Number(name.slice(prefix.length + 1).split(".")[0]));
    return Math.max(-1, ...numbers) + 1;
  }
}

function decode({dtype, shape, offset, scales_offset: scalesOffset}, buffer) {
  const size = shape.reduce((product, one) => product * one, 1);
  if (dtype === "float32") return new Tensor(shape, new Float32Array(buffer, offset, size));
  const values = new Float32Array(size); // plain loops: `map` would take seconds for a larger model
  if (dtype === "float16") {
    const halves = new Uint16Array(buffer, offset, size), table = halfPrecision();
    for (let i = 0; i < size; i++) values[i] = table[halves[i]];
    return new Tensor(shape, values);
  }
  const scales = new Float32Array(buffer, scalesOffset, shape[0]), bytes = new Int8Array(buffer, offset, size);
  const width = size / shape[0]; // int8: every row has its scale
  for (let row = 0; row < shape[0]; row++) {
    const scale = scales[row], end = (row + 1) * width;
    for (let i = row * width; i < end; i++) values[i] = bytes[i] * scale;
  }
  return new Tensor(shape, values);
}

let halves = null;

/** Return the value of each of the 65,536 numbers in half precision, by their bits. */
function halfPrecision() {
  if (halves !== null) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    if (exponent === 31) halves[bits] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) halves[bits] = sign * fraction * 2 ** -24;
    else halves[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}
