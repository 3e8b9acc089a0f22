// Hypotheses, the results of a search, and the best hypotheses so far (decoding/hypotheses.py).

import {lengthPenalty} from "./penalties.js";

/** The hypothesis without tokens, with which each search begins. */
export const EMPTY_HYPOTHESIS = {tokens: [], total: 0, tokenLogProbabilities: [], node: null};

/** Return a hypothesis with one more token; `node` is the id of the candidate in the tree. */
export function longer(hypothesis, {token, logProbability, node}) {
  return {
    tokens: [...hypothesis.tokens, token],
    total: hypothesis.total + logProbability,
    tokenLogProbabilities: [...hypothesis.tokenLogProbabilities, logProbability],
    node,
  };
}

/**
 * Return a finished or unfinished hypothesis as the result of a search, with its score.
 *
 * If it is finished, its last token is eos, which counts for the length penalty and is left out.
 */
export function scored({tokens, total, tokenLogProbabilities, node}, finished, alpha) {
  const score = total / lengthPenalty(tokens.length, alpha);
  const words = finished ? tokens.slice(0, -1) : tokens;
  return {tokens: words, score, logProbability: total, tokenLogProbabilities, finished, node};
}

/** The best distinct hypotheses so far. Of equal scores, the first one is the better one. */
export class Best {
  constructor(count) {
    this.count = count;
    this.kept = [];
  }

  /** The score that a new hypothesis must exceed; −∞ while the list is not full. */
  get worst() {
    return this.kept.length === this.count ? this.kept.at(-1).score : -Infinity;
  }

  /** Add a hypothesis, unless it is a duplicate or its score is too low. */
  add(newcomer) {
    const name = newcomer.tokens.join(" ");
    if (this.kept.some((known) => known.tokens.join(" ") === name)) return;
    this.kept.push(newcomer);
    this.kept.sort((a, b) => b.score - a.score);
    this.kept.splice(this.count);
  }
}

/** Return the best hypothesis of each text, best first (decoding/distinct.py, without more searches). */
export function differentTexts(hypotheses, decode) {
  const found = new Map();
  for (const one of hypotheses) {
    const text = decode(one.tokens);
    if (!found.has(text)) found.set(text, {...one, text});
  }
  return [...found.values()];
}
