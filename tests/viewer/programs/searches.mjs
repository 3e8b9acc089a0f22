// For each case: the result of a search with a toy model, or of a part of a search.

import {answer, load, request} from "./request.mjs";
import {toyModel} from "./toy_model.mjs";

const {runSearch} = await load("search/search.js");
const {drawn, likely} = await load("search/sampling.js");
const {lengthLimit} = await load("search/settings.js");
const {openTokenizer} = await load("text/tokenizer.js");
const {WellFormed} = await load("search/wellformed.js");

const KINDS = {
  search({model, byLength, source, settings, tokenizer}) {
    const text = tokenizer === undefined ? null : new WellFormed(openTokenizer(tokenizer));
    try {
      return runSearch(toyModel(request.tables[model], byLength), source, settings, text);
    } catch (error) {
      return {error: error.message};
    }
  },
  likely({logits, settings, uniform}) {
    const probabilities = likely(Float32Array.from(logits), settings);
    return {probabilities: Array.from(probabilities), token: drawn(probabilities, uniform)};
  },
  wellformed({tokenizer, seen, remaining}) {
    const text = new WellFormed(openTokenizer(tokenizer), seen);
    const table = (cell) => text.after.map((row, state) => Array.from(row, (_, id) => cell(state, id)));
    return {
      allowed: table((state, id) => text.allows(state, id, remaining)),
      after: table((state, id) => text.follow(state, id)),
    };
  },
  limit({settings, length, facts, longest}) {
    return lengthLimit(settings, length, facts, longest);
  },
};

answer(request.cases.map(({kind, ...given}) => KINDS[kind](given)));
