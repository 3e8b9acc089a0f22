
/** PE(pos, 2i) = sin(pos / 10000^(2i/d_model)); PE(pos, 2i+1) = cos of the same angle (§3.5). */
function sinusoids(place, d_model) {
  return Float32Array.from({length: d_model}, (_, i) => {
    const angle = place / 10000 ** ((i - (i % 2)) / d_model);
    return i % 2 ? Math.cos(angle) : Math.sin(angle);
  });
}

/** A position scheme: it adds vectors to embeddings, rotates queries and keys, or adds a number to scores.
 *
 * This class itself does nothing: the scheme "none". A probe can switch every scheme off.
 */
class Positions {
  constructor(weights, name, settings, {width, causal}) {
    this.name = name;
    this.width = width;
    this.d_k = settings.head_width;
    this.heads = settings.heads;
    this.causal = causal;
    this.table = []; // the vectors of the positions so far, for the schemes that compute them
  }

  /** Return x plus a vector for the position of each row. */
  embed(x, places, probe) {
    if (this.vector === undefined || this.isOff(probe)) return x;
    return x.mapRows((row, result, i) => {
      const vector = (this.table[places[i]] ??= this.vector(places[i]));
      row.forEach((value, k) => { result[k] = value + vector[k]; });
    });
  }

  /** Return queries or keys rotated by their positions. */
  rotate(x, places, probe) {
    return this.turn === undefined || this.isOff(probe) ? x : this.turn(x, places);
  }

  /** Return the function (head, key position − query position) of the number to add to a score, or null. */
  bias(probe) {
    return this.penalty === undefined || this.isOff(probe) ? null : (head, relative) => this.penalty(head, relative);
  }

  isOff(probe) { return probe.isOff(this.name, "positions"); }
}

/** Sine and cosine of each frequency (§3.5). */
class Sinusoidal extends Positions {
  vector(place) { return sinusoids(place, this.width); }
}

/** sin(pos / 10000^(i/d_model)) for every i. */
class SineOnly extends Positions {
  vector(place) { return Float32Array.from({length: this.width}, (_, i) => Math.sin(place / 10000 ** (i / this.width))); }
}

/** One learned vector for each position (Table 3, row E). */
class LearnedPositions extends Positions {
  constructor(weights, name, ...rest) {
    super(weights, name, ...rest);
    this.vectors = weights.get(`${name}.vectors`);
  }

  vector(place) { return this.vectors.row(place); }
}

/** Rotate each pair of dimensions of q and k by an angle proportional to the position (Su et al. 2021, Eq. 34). */
class Rotary extends Positions {
  turn(x, places) {
    return x.mapRows((row, result, r) => {
      const rotation = (this.table[places[r]] ??= sinusoids(places[r], this.d_k)); // sine and cosine of each angle
      for (let column = 0; column < x.width; column += 2) {
        const i = column % this.d_k, sine = rotation[i], cosine = rotation[i + 1];
        result[column] = row[column] * cosine - row[column + 1] * sine;
        result[column + 1] = row[column + 1] * cosine + row[column] * sine;
      }
    });
  }
}

/** Subtract slope · distance from every score; the slopes of the heads are 2^(−8/h), 2^(−16/h), … (Press et al. 2021). */
class ALiBi extends Positions {
  penalty(head, relative) { return -(2 ** ((-8 * (head + 1)) / this.heads)) * Math.abs(relative); }
}

/** A learned number for each head and each bucket of distances; large distances share a bucket (Raffel et al. 2020, §2.1). */
class RelativeBuckets extends Positions {
  constructor(weights, name, ...rest) {
    super(weights, name, ...rest);
    this.numbers = weights.get(`${name}.numbers`);
  }

  penalty(head, relative) { return this.numbers.row(head)[this.bucket(relative)]; }

  bucket(relative) {
    const farthest = 128, half = this.numbers.width / 2; // half of the buckets are for later keys
    const buckets = this.causal ? this.numbers.width : half;
    const first = !this.causal && relative > 0 ? half : 0;
    const distance = this.causal ? Math.max(0, -relative) : Math.abs(relative), exact = buckets / 2;
    if (distance < exact) return first + distance;
    // Single precision as in PyTorch, because the logarithm decides at the border of two buckets.
    const ratio = Math.fround(Math.fround(Math.log(Math.fround(distance / exact))) / Math.fround(Math.log(farthest / exact)));
    return first + Math.min(exact + Math.floor(Math.fround(ratio * (buckets - exact))), buckets - 1);
  }
}

const POSITIONS = {
  none: Positions, sinusoidal: Sinusoidal, sine: SineOnly, learned: LearnedPositions,
  rotary: Rotary, alibi: ALiBi, relative: RelativeBuckets,
};

/** Make the position scheme of a stack. Args: width: of the embeddings. */
export function positionsOf(weights, name, settings, {width = settings.d_model, causal}) {
  return new POSITIONS[settings.positions](weights, name, settings, {width, causal});
}

/** Return the positions offset, offset + 1, … */
export function placesFrom(offset, count) {
  return Array.from({length: count}, (_, i) => offset + i);
}
