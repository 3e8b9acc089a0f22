// Greedy search: always the most probable next token (decoding/greedy.py).

import {BOS, EOS} from "../text/symbols.js";
import {EMPTY_HYPOTHESIS, longer, scored} from "./hypotheses.js";
import {candidates} from "./candidates.js";
import {searchSettings} from "./settings.js";
import {SearchTree} from "./tree.js";

/**
 * Choose the most probable token in each step, until eos or the length limit.
 *
 * At the limit, one more step tests whether eos is the next token; if it is, the hypothesis is
 * finished. The result is that of `beamSearch` with one beam: {hypotheses, tree}.
 */
export function greedySearch(model, sourceIds, given) {
  const settings = searchSettings(given);
  const tree = new SearchTree(settings.tree);
  let hypothesis = EMPTY_HYPOTHESIS;
  let state = model.begin(sourceIds);
  let finished = false;
  while (!finished) {
    const {tokens} = hypothesis;
    const step = model.step(state, [tokens.at(-1) ?? BOS]);
    state = step.state;
    const [best] = candidates(step.logits, tokens, 1, settings);
    if (best === undefined) break; // every token is banned
    if (tokens.length >= settings.limit && best.token !== EOS) break;
    hypothesis = longer(hypothesis, {...best, node: tree.add(hypothesis, best, true)});
    finished = best.token === EOS;
  }
  return {hypotheses: [scored(hypothesis, finished, settings.lengthPenalty)], tree: tree.nodes};
}
