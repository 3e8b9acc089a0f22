// The settings of a search (decoding/settings.py). Lengths are numbers of target tokens without eos.

import {BOS, EOS, MASK, PAD} from "../text/symbols.js";

/**
 * `limit` is the maximum number of tokens of a target; see `lengthLimit`. `forced` are the ids that
 * a target must start with. With `tree`, a search also returns all candidates that it compared.
 */
export const SEARCH_DEFAULTS = {
  beam: 5,
  lengthPenalty: 0.6,
  nbest: 1,
  limit: 100,
  minLength: 0,
  noRepeatNgram: 0,
  allowUnknown: false,
  forced: [],
  tree: false,
  // Sampling only:
  temperature: 1,
  topK: null,
  topP: 1,
  minP: 0,
  seed: 0,
};

/** Return the settings with the default of each setting that is not given, after checks. */
export function searchSettings(given) {
  const settings = {...SEARCH_DEFAULTS, ...given};
  const {forced, limit} = settings;
  if (forced.some((id) => [PAD, BOS, EOS, MASK].includes(id))) {
    throw new Error(
      "A prefix must not contain special symbols, but this one contains pad, bos, eos or mask.",
    );
  }
  if (forced.length > 0 && forced.length >= limit) {
    throw new Error(
      `A prefix must be shorter than the length limit, but it has ${forced.length} tokens and ` +
        `the limit is ${limit}.`,
    );
  }
  return settings;
}

/**
 * Return the maximum number of target tokens for a source of `sourceLength` tokens, with eos.
 *
 * `facts` are those of the model: `target_ratio` and `target_extra` say what the training targets
 * need. `longest` is the maximum number of target tokens that the model reads, with bos; or null.
 */
export function lengthLimit(
  {maxLength = null, maxLengthRatio = 1, maxLengthExtra = 50, minLength = 0},
  sourceLength,
  facts,
  longest,
) {
  const {target_ratio: ratio = 0, target_extra: extra = 0} = facts;
  const limit =
    maxLength ??
    Math.max(
      Math.trunc(maxLengthRatio * sourceLength) + maxLengthExtra,
      minLength,
      Math.trunc(ratio * sourceLength) + extra,
    );
  return longest === null ? limit : Math.min(limit, longest - 1);
}
