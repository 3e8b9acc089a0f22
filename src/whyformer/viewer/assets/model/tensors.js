// Tensors of a single text: there is no batch dimension. A row is a token, a column is a dimension.

/** Numbers in row-major order with a shape, such as (tokens, d_model). */
export class Tensor {
  constructor(shape, data = new Float32Array(shape.reduce((product, size) => product * size, 1))) {
    this.shape = shape;
    this.data = data;
  }

  /** The size of the last dimension. */
  get width() { return this.shape[this.shape.length - 1]; }

  /** The number of vectors of the last dimension. */
  get rows() { return this.data.length / this.width; }

  /** Return a vector as a view: writing to it writes to the tensor. */
  row(index) { return this.data.subarray(index * this.width, (index + 1) * this.width); }

  /** Return the same numbers with another shape. */
  view(...shape) { return new Tensor(shape, this.data); }

  /** Return f of every number. */
  map(f) {
    const result = new Tensor(this.shape);
    for (let i = 0; i < this.data.length; i++) result.data[i] = f(this.data[i], i);
    return result;
  }

  /** Return f of every vector of the last dimension; f writes its result into the second argument. */
  mapRows(f, width = this.width) {
    const result = new Tensor([...this.shape.slice(0, -1), width]);
    for (let i = 0; i < this.rows; i++) f(this.row(i), result.row(i), i);
    return result;
  }
}

/** Put vectors of equal length below each other. */
export function stackRows(vectors) {
  const result = new Tensor([vectors.length, vectors[0]?.length ?? 0]);
  vectors.forEach((vector, i) => result.row(i).set(vector));
  return result;
}

/** Return the mean of all rows, as one row. */
export function meanRow(x) {
  const mean = new Tensor([1, x.width]);
  for (let i = 0; i < x.rows; i++) addToRows(mean, x.row(i));
  for (let k = 0; k < x.width; k++) mean.data[k] /= x.rows;
  return mean;
}

/** Put two tensors with the same number of rows beside each other. */
export function besides(x, y) {
  return x.mapRows((row, result, i) => { result.set(row); result.set(y.row(i), x.width); }, x.width + y.width);
}

/** Return scale · x + y. */
export function add(x, y, scale = 1) {
  const result = new Tensor(x.shape), a = x.data, b = y.data, sum = result.data;
  for (let i = 0; i < sum.length; i++) sum[i] = scale * a[i] + b[i];
  return result;
}

/** Add a vector to every row of x, in place. */
export function addToRows({data, width}, vector) {
  for (let start = 0; start < data.length; start += width) {
    for (let j = 0; j < width; j++) data[start + j] += vector[j];
  }
}

/** Return the product xWᵀ, where W has the shape (outputs, inputs). */
export function product(x, W) {
  const [outputs, inputs] = W.shape, result = new Tensor([x.rows, outputs]);
  let row = 0;
  for (; row + 4 <= x.rows; row += 4) fourRows(x.data, row, inputs, W.data, outputs, result.data);
  for (; row < x.rows; row++) oneRow(x.data, row, inputs, W.data, outputs, result.data);
  return result;
}

// Both loops compute several sums at a time, so that each number that is read is used several times.
function fourRows(x, row, inputs, W, outputs, y) {
  const a = row * inputs, b = a + inputs, c = b + inputs, d = c + inputs;
  for (let j = 0; j < outputs; j += 2) {
    const u = j * inputs, v = j + 1 < outputs ? u + inputs : u;
    let au = 0, av = 0, bu = 0, bv = 0, cu = 0, cv = 0, du = 0, dv = 0;
    for (let k = 0; k < inputs; k++) {
      const w = W[u + k], z = W[v + k];
      au += x[a + k] * w; av += x[a + k] * z; bu += x[b + k] * w; bv += x[b + k] * z;
      cu += x[c + k] * w; cv += x[c + k] * z; du += x[d + k] * w; dv += x[d + k] * z;
    }
    const o = row * outputs + j, p = o + outputs, q = p + outputs, r = q + outputs;
    y[o] = au; y[p] = bu; y[q] = cu; y[r] = du;
    if (v !== u) { y[o + 1] = av; y[p + 1] = bv; y[q + 1] = cv; y[r + 1] = dv; }
  }
}

function oneRow(x, row, inputs, W, outputs, y) {
  const a = row * inputs, o = row * outputs;
  let j = 0;
  for (; j + 4 <= outputs; j += 4) {
    const s = j * inputs, t = s + inputs, u = t + inputs, v = u + inputs;
    let first = 0, second = 0, third = 0, fourth = 0;
    for (let k = 0; k < inputs; k++) {
      const value = x[a + k];
      first += value * W[s + k]; second += value * W[t + k]; third += value * W[u + k]; fourth += value * W[v + k];
    }
    y[o + j] = first; y[o + j + 1] = second; y[o + j + 2] = third; y[o + j + 3] = fourth;
  }
  for (; j < outputs; j++) {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += x[a + k] * W[j * inputs + k];
    y[o + j] = sum;
  }
}

/** Return the inner product of n numbers of x from index i on and of y from index j on. */
export function dot(x, i, y, j, n) {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += x[i + k] * y[j + k];
  return sum;
}

/** Replace scores by softmax(scores): exp(score) divided by the sum of all exp(score). */
export function softmax(scores) {
  let most = -Infinity, sum = 0;
  for (const score of scores) if (score > most) most = score;
  if (most === -Infinity) return scores.fill(0); // nothing may be attended to
  for (let j = 0; j < scores.length; j++) sum += scores[j] = Math.exp(scores[j] - most);
  for (let j = 0; j < scores.length; j++) scores[j] /= sum;
  return scores;
}

/** Return log softmax(logits) in double precision. */
export function logSoftmax(logits) {
  const result = new Float64Array(logits.length);
  let most = -Infinity, sum = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i] > most) most = logits[i];
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - most);
  const normalizer = most + Math.log(sum);
  for (let i = 0; i < logits.length; i++) result[i] = logits[i] - normalizer;
  return result;
}

/** Return the Euclidean length of a vector. */
export function vectorLength(vector) {
  return Math.sqrt(dot(vector, 0, vector, 0, vector.length));
}
