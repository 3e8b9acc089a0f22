// Beam search (decoding/beam.py), with any model that has `begin`, `step` and `select`.
//
// Beam search keeps the B most probable hypotheses. A hypothesis that predicts eos is finished, and
// the beam becomes narrower by one, so there are at most B finished hypotheses (Sutskever et al.
// 2014, §3.2). The search ends when the beam is empty or when no unfinished hypothesis can still
// become one of the best. This early stop is exact: it never changes the result.

import {BOS, EOS} from "../text/symbols.js";
import {Best, EMPTY_HYPOTHESIS, longer, scored} from "./hypotheses.js";
import {candidates, rowOf} from "./candidates.js";
import {lengthPenalty} from "./penalties.js";
import {searchSettings} from "./settings.js";
import {SearchTree} from "./tree.js";

/**
 * Return the best `nbest` hypotheses, best first, and the tree: {hypotheses, tree}.
 *
 * The model has three methods. `begin(sourceIds)` returns a state with one row. `step(state, tokens)`
 * feeds one token to each row; it returns {logits: Float32Array of rows × vocabulary, state}.
 * `select(state, rows)` returns the state with the given rows, which may repeat.
 * Paper: the ranking: Wu et al. 2016 (arXiv:1609.08144), §7.
 * Differs: no pruning by score, no coverage penalty, no diverse groups. A hypothesis at the length
 * limit is finished if eos is its most probable next token, as in greedy search; otherwise it is
 * returned without eos and ranked with the finished hypotheses.
 */
export function beamSearch(model, sourceIds, given) {
  const settings = searchSettings(given);
  const {limit, lengthPenalty: alpha} = settings;
  const tree = new SearchTree(settings.tree);
  const best = new Best(settings.nbest);
  let places = settings.beam; // the number of hypotheses that may still finish
  let beams = [EMPTY_HYPOTHESIS]; // the unfinished hypotheses, the most probable first
  let state = model.begin(sourceIds);
  while (beams.length > 0) {
    const length = beams[0].tokens.length;
    const step = model.step(state, beams.map(({tokens}) => tokens.at(-1) ?? BOS));
    const found = beams.map(({tokens}, row) => {
      const some = candidates(rowOf(step.logits, row, beams.length), tokens, places, settings);
      return length < limit ? some : onlyEos(some);
    });
    const taken = bestOf(beams, found, places);
    for (const one of found.flat()) one.node = tree.add(beams[one.row], one, taken.includes(one));
    const ended = taken.filter(({token}) => token === EOS);
    for (const one of ended) best.add(scored(longer(beams[one.row], one), true, alpha));
    const stuck = beams.filter(
      (_, row) => taken.length === 0 || (length >= limit && found[row].length === 0),
    );
    for (const one of stuck) best.add(scored(one, false, alpha)); // no token may follow
    const alive = taken.filter(({token}) => token !== EOS);
    places -= ended.length;
    const rows = alive.map(({row}) => row);
    state = isIdentity(rows, beams.length) ? step.state : model.select(step.state, rows);
    beams = alive.map((one) => longer(beams[one.row], one));
    if (!mayWin(beams, best, limit, alpha)) break;
  }
  return {hypotheses: best.kept, tree: tree.nodes};
}

/**
 * Return the `places` candidates whose hypotheses are the most probable, with their rows.
 *
 * Of equal ones, the candidate of the lower row comes first, then the lower token id.
 */
function bestOf(beams, found, places) {
  const all = found.flatMap((some, row) => {
    for (const one of some) Object.assign(one, {row, total: beams[row].total + one.logProbability});
    return some;
  });
  return all.sort((a, b) => b.total - a.total).slice(0, places); // the sort is stable
}

/** At the length limit, allow only eos, and only if it is the best candidate. */
function onlyEos(found) {
  return found.slice(0, 1).filter(({token}) => token === EOS);
}

/**
 * Return whether an unfinished hypothesis can still become one of the best.
 *
 * With every token, the log-probability can only fall and the length penalty can only grow. So the
 * score of a continuation is at most the current log-probability divided by the penalty of the
 * longest possible hypothesis (the length limit plus eos).
 */
function mayWin(beams, best, limit, alpha) {
  return beams.length > 0 && beams[0].total / lengthPenalty(limit + 1, alpha) > best.worst;
}

function isIdentity(rows, count) {
  return rows.length === count && rows.every((row, place) => row === place);
}
