import {lengthLimit} from "./search/settings.js";
import {stripSpaces} from "./text/normalization.js";

// From the fields of a request to the settings of a search, and from texts to ids.

/** Return the search settings of the run, under the names that requests use. */
export function searchDefaults({search, task}) {
  return {
    beam: search.beam,
    lengthPenalty: search.length_penalty,
    temperature: search.temperature,
    sample: search.method === "sample",
    topK: search.top_k,
    topP: search.top_p,
    minP: search.min_p,
    seed: search.seed,
    forms: search.nbest,
    maxTokens: search.max_length ?? (task === "language" ? 100 : null),
    minLength: search.min_length,
    noRepeatNgram: search.no_repeat_ngram,
    allowUnknown: search.allow_unknown,
  };
}

/** Return the settings of a search for a request.
 *
 * Args: sourceLength: number of source tokens with eos; forced: ids that every target begins with.
 */
export function searchOf(manifest, request, sourceLength, forced) {
  const {search, limits, task} = manifest;
  const {forms, maxTokens, ...chosen} = {...searchDefaults(manifest), ...request.search};
  const lengths = {
    maxLength: maxTokens === null ? null : maxTokens + (task === "language" ? forced.length : 0),
    maxLengthRatio: search.max_length_ratio,
    maxLengthExtra: search.max_length_extra,
    minLength: chosen.minLength,
  };
  const facts = {target_ratio: limits.ratio, target_extra: limits.extra};
  // A recurrent language model could read more tokens, but was not trained to.
  const longest = limits.target ?? (task === "language" ? limits.positions + 1 : null);
  const limit = lengthLimit(lengths, sourceLength, facts, longest);
  const nbest = chosen.sample ? forms : Math.min(forms, chosen.beam);
  return {...chosen, nbest, limit, forced, tree: request.want?.tree ?? false};
}

/** Return the ids of a source with eos, as training read it: trimmed, and with a known tag. */
export function sourceIds({source, manifest}, text) {
  const {keep_spaces: keepSpaces, tags, needs_tag: needsTag, limits, symbols} = manifest;
  const trimmed = keepSpaces ? text : stripSpaces(text);
  if (stripSpaces(trimmed) === "") throw new Error("The text is empty. Type a text.");
  const tag = trimmed.match(/^<2([A-Za-z0-9][A-Za-z0-9_-]{0,31})>/);
  const advice = `Begin it with a tag of this model: ${tags.map((one) => `<2${one}>`).join(", ")}.`;
  if (tags.length && tag !== null && !tags.includes(tag[1])) {
    throw new Error(`The text begins with the tag ${tag[0]}, which the model does not know. ${advice}`);
  }
  if (needsTag && tag === null) throw new Error(`The text needs a tag. ${advice}`);
  const ids = source.encode(trimmed), most = (limits.source ?? Infinity) - 1;
  if (ids.length > most) {
    throw new Error(`The text has ${ids.length} tokens, but the model reads at most ${most}. Shorten it.`);
  }
  return [...ids, symbols.eos];
}

/** Return the ids of forced tokens: each is an id, a readable token, or a text to encode. */
export function forcedIds(tokenizer, forced = []) {
  return forced.flatMap((one) => {
    if (typeof one === "number") return [one];
    const id = tokenizer.find(one);
    return id === null ? tokenizer.encode(one) : [id];
  });
}
