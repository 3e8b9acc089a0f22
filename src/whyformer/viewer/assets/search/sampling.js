// Sampling: draw targets at random from the distribution of the model, or from its most probable
// tokens (decoding/sampling.py).

import {BOS, EOS} from "../text/symbols.js";
import {EMPTY_HYPOTHESIS, longer, scored} from "./hypotheses.js";
import {bannedTokens, forcedToken, largest, logSumExp, rowOf} from "./candidates.js";
import {randomNumbers} from "./random.js";
import {searchSettings} from "./settings.js";

const WITHOUT_END = 100000;

/**
 * Draw `nbest` independent targets: {hypotheses, tree: null}. For the model, see `beamSearch`.
 *
 * Draw j depends only on the seed and j. The log-probability is that of the model, before
 * temperature, top-k, top-p and min-p. At the length limit, one more token is drawn: if it is eos,
 * the hypothesis is finished. `text` is a `WellFormed`, or null to allow every token.
 */
export function sample(model, sourceIds, given, text = null) {
  const settings = searchSettings(given);
  const draws = Array.from({length: settings.nbest}, (_, number) => ({
    number,
    uniform: randomNumbers(settings.seed, number),
    hypothesis: EMPTY_HYPOTHESIS,
    bytes: text?.begin(),
  }));
  const results = [];
  let alive = draws;
  let state = model.begin(sourceIds);
  if (draws.length > 1) state = model.select(state, draws.map(() => 0));
  while (alive.length > 0) {
    const last = alive.map(({hypothesis}) => hypothesis.tokens.at(-1) ?? BOS);
    const step = model.step(state, last);
    const rows = [];
    alive.forEach((draw, row) => {
      const logits = rowOf(step.logits, row, alive.length);
      const token = nextToken(logits, draw, settings, text);
      const full = draw.hypothesis.tokens.length >= settings.limit;
      if (token === null || (full && token !== EOS)) {
        results[draw.number] = scored(draw.hypothesis, false, settings.lengthPenalty);
        return;
      }
      const logProbability = Math.fround(Math.min(logits[token] - logSumExp(logits), 0));
      draw.hypothesis = longer(draw.hypothesis, {token, logProbability, node: null});
      draw.bytes = text?.follow(draw.bytes, token);
      if (token === EOS) results[draw.number] = scored(draw.hypothesis, true, settings.lengthPenalty);
      else rows.push(row);
    });
    state = rows.length < alive.length && rows.length > 0 ? model.select(step.state, rows) : step.state;
    alive = rows.map((row) => alive[row]);
  }
  return {hypotheses: results, tree: null};
}

/** Draw the next token of a draw; return null if every token is banned. */
function nextToken(logits, {hypothesis: {tokens}, bytes, uniform}, settings, text) {
  const number = uniform();
  const forced = forcedToken(tokens, settings, logits.length);
  if (forced !== null) return forced;
  const left = settings.limit - tokens.length - 1;
  const remaining = left < 0 ? WITHOUT_END : left;
  const inside = text !== null && bytes !== text.begin();
  const rules = inside ? {...settings, noRepeatNgram: 0} : settings; // a character needs all its bytes
  const banned = bannedTokens(tokens, rules);
  const allowed = logits.map((logit, token) =>
    banned.has(token) || (text !== null && !text.allows(bytes, token, remaining)) ? -Infinity : logit,
  );
  if (allowed.every((logit) => logit === -Infinity)) return null;
  return drawn(likely(allowed, settings), number);
}

/**
 * Return the probabilities to draw from: apply the temperature, top-k, top-p, then min-p.
 *
 * Paper: Fan et al. 2018 (arXiv:1805.04833), §5.1 (top-k); Holtzman et al. 2019 (arXiv:1904.09751),
 * §3.1, Eq. 2 and 3 (top-p); Nguyen et al. 2024 (arXiv:2407.01082), §3 (min-p).
 */
export function likely(logits, {temperature, topK, topP, minP}) {
  let scaled = Float64Array.from(logits, (logit) => logit / temperature);
  if (topK !== null && topK < scaled.length) {
    const kept = new Set(largest(scaled, topK, new Set()));
    scaled = scaled.map((logit, id) => (kept.has(id) ? logit : -Infinity));
  }
  const normalizer = logSumExp(scaled);
  let probabilities = scaled.map((logit) => Math.exp(logit - normalizer));
  if (topP < 1) {
    let before = 0; // the probability mass of all more probable tokens
    const order = Array.from(probabilities.keys());
    for (const id of order.sort((a, b) => probabilities[b] - probabilities[a])) {
      const mass = probabilities[id];
      if (before >= topP) probabilities[id] = 0;
      before += mass;
    }
  }
  if (minP > 0) {
    const least = minP * probabilities.reduce((a, b) => Math.max(a, b));
    probabilities = probabilities.map((one) => (one < least ? 0 : one));
  }
  const total = probabilities.reduce((a, b) => a + b);
  return probabilities.map((one) => one / total);
}

/** Draw one token: invert the cumulative distribution at `uniform`, a number in [0, 1). */
export function drawn(probabilities, uniform) {
  const target = uniform * probabilities.reduce((a, b) => a + b);
  let cumulative = 0;
  let last = 0; // the last token that can be drawn, for the case of rounding
  for (let id = 0; id < probabilities.length; id++) {
    if (probabilities[id] === 0) continue;
    last = id;
    cumulative += probabilities[id];
    if (cumulative > target) break;
  }
  return last;
}
