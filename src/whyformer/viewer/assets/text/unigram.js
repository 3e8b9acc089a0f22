// The unigram language model over pieces: a word gets its most probable tokenization
// (text/unigram.py). Paper: Kudo 2018 (arXiv:1804.10959), §3.2.

import {FIRST_PIECE} from "./symbols.js";
import {Subwords, knownRuns} from "./subwords.js";
import {spell} from "./pieces.js";

/** The pieces of a word maximize the sum of their log-probabilities (`scores`). */
export class Unigram extends Subwords {
  constructor(state) {
    super(state);
    this.scores = state.scores;
    this.longest = this.pieces.reduce((most, piece) => Math.max(most, [...piece].length), 1);
  }

  cut(word) {
    return knownRuns(word, this.id).flatMap(([known, characters]) =>
      known ? this.mostProbable(characters) : spell(characters.join("")),
    );
  }

  /** Viterbi search. Of tokenizations with equal scores, the one with the longest last piece. */
  mostProbable(characters) {
    const ends = [{score: 0, start: 0, id: null}]; // the best tokenization up to each place
    for (let end = 1; end <= characters.length; end++) {
      let best = null;
      for (let start = Math.max(0, end - this.longest); start < end; start++) {
        const id = this.id.get(characters.slice(start, end).join(""));
        if (id === undefined) continue;
        const score = this.scores[id - FIRST_PIECE] + ends[start].score;
        if (best === null || score > best.score) best = {score, start, id};
      }
      ends.push(best);
    }
    const ids = [];
    for (let end = characters.length; end > 0; end = ends[end].start) ids.push(ends[end].id);
    return ids.reverse();
  }
}
