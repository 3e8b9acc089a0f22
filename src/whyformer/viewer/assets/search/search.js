// Run the search that the settings select (decoding/search.py).

import {beamSearch} from "./beam.js";
import {greedySearch} from "./greedy.js";
import {sample} from "./sampling.js";

/** Search or sample: {hypotheses, tree}. With `sample: true`, `text` is a `WellFormed` or null. */
export function runSearch(model, sourceIds, settings, text = null) {
  if (settings.sample) return sample(model, sourceIds, settings, text);
  const search = settings.beam === 1 ? greedySearch : beamSearch;
  return search(model, sourceIds, settings);
}
