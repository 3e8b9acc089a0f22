// The tree of a search: every candidate that it compared.

import {EOS} from "../text/symbols.js";

/**
 * Collects the candidates of a search as nodes.
 *
 * A node has: id; parent (the id of the node before it, null at the first step); token (an id of the
 * vocabulary); probability of the token; cumulative (the log-probability of the hypothesis that ends
 * here); step (the number of tokens before it); kept (whether the search kept it); finished (whether
 * it ends its hypothesis).
 */
export class SearchTree {
  constructor(wanted) {
    this.nodes = wanted ? [] : null;
  }

  /** Add a candidate after a hypothesis; return the id of its node. */
  add(hypothesis, {token, logProbability}, kept) {
    if (this.nodes === null) return null;
    const id = this.nodes.length;
    this.nodes.push({
      id,
      parent: hypothesis.node,
      token,
      probability: Math.exp(logProbability),
      cumulative: hypothesis.total + logProbability,
      step: hypothesis.tokens.length,
      kept,
      finished: kept && token === EOS,
    });
    return id;
  }
}
