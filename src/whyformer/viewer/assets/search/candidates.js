// Select the best next tokens, the candidates, from the logits of a step (decoding/candidates.py).

import {BOS, EOS, MASK, PAD, UNK} from "../text/symbols.js";
import {repeatedNgrams} from "./penalties.js";

/** Return the logits of one hypothesis from the logits of a step. */
export function rowOf(logits, row, rows) {
  const vocab = logits.length / rows;
  return logits.subarray(row * vocab, (row + 1) * vocab);
}

/** Return ln of the sum of the exponentials of `logits`. */
export function logSumExp(logits) {
  let largest = -Infinity;
  for (const logit of logits) {
    if (Number.isNaN(logit)) throw new Error("The model's logits must be finite, but some are not.");
    if (logit > largest) largest = logit;
  }
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/** Return the ids that may not follow the hypothesis `tokens`. */
export function bannedTokens(tokens, {allowUnknown, minLength, noRepeatNgram}) {
  const banned = new Set(noRepeatNgram > 0 ? repeatedNgrams(tokens, noRepeatNgram) : []);
  for (const id of [PAD, BOS, MASK]) banned.add(id);
  if (!allowUnknown) banned.add(UNK);
  if (tokens.length < minLength) banned.add(EOS);
  return banned;
}

/** Return the next token of a forced prefix; null after the prefix. */
export function forcedToken(tokens, {forced}, vocab) {
  const token = forced[tokens.length] ?? null;
  if (token !== null && !(token >= 0 && token < vocab)) {
    throw new Error(`A prefix must use ids below the vocabulary size ${vocab}, but holds ${token}.`);
  }
  return token;
}

/**
 * Return the `count` best allowed tokens after a hypothesis, best first. Ties: the lower id.
 *
 * Within a forced prefix, only its next token is returned. The log-probabilities of the model are
 * not renormalized over the allowed tokens. They are rounded to 32 bits, as they are in PyTorch, so
 * that two hypotheses with the same probability have exactly the same score.
 */
export function candidates(logits, tokens, count, settings) {
  const normalizer = logSumExp(logits);
  const forced = forcedToken(tokens, settings, logits.length);
  const ids =
    forced !== null
      ? [forced]
      : largest(logits, count, bannedTokens(tokens, settings));
  return ids
    .map((token) => ({token, logProbability: Math.fround(Math.min(logits[token] - normalizer, 0))}))
    .filter(({logProbability}) => logProbability > -Infinity);
}

/** Return the ids of the `count` largest values except those in `banned`, as `candidates` does. */
export function largest(values, count, banned) {
  const best = []; // ids, the largest value first
  for (let id = 0; id < values.length; id++) {
    if (best.length === count && !(values[id] > values[best[count - 1]])) continue;
    if (banned.has(id)) continue;
    let place = best.length;
    while (place > 0 && values[id] > values[best[place - 1]]) place -= 1;
    best.splice(place, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}
