// Rules that a search adds to the probabilities of the model (decoding/penalties.py).

/**
 * Return lp(Y) = ((5 + |Y|) / 6)^α. The ranking divides the log-probability by lp(Y).
 * Paper: Wu et al. 2016 (arXiv:1609.08144), §7, Eq. 14; α = 0.6 in Vaswani et al. 2017, §6.1.
 */
export function lengthPenalty(length, alpha) {
  return ((5 + length) / 6) ** alpha;
}

/** Return the next tokens that would repeat an n-gram of `tokens`. */
export function repeatedNgrams(tokens, n) {
  const found = new Set();
  const start = tokens.length - n + 1; // the last n − 1 tokens begin here
  for (let place = 0; place < start; place++) {
    let same = true;
    for (let k = 0; k < n - 1; k++) same &&= tokens[place + k] === tokens[start + k];
    if (same) found.add(tokens[place + n - 1]);
  }
  return found;
}
