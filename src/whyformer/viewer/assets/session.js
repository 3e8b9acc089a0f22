import {GENERATING, generate} from "./generation.js";
import {label} from "./labels.js";
import {modelOf} from "./model/models.js";
import {Weights} from "./model/weights.js";
import {openTokenizer} from "./text/tokenizer.js";
import {searchDefaults} from "./requests.js";
import {switchesOf} from "./switches.js";
import {unknownParts} from "./text/unknown.js";

// What the page, its worker and the tests under Node call: open a model, describe it, run it.

/** Open a model. Args: manifest: see manifest.py; buffer: the bytes of the weights. */
export function openSession(manifest, buffer) {
  return new Session(manifest, buffer);
}

class Session {
  constructor(manifest, buffer) {
    this.manifest = manifest;
    this.weights = new Weights(manifest, buffer);
    this.model = modelOf(manifest, buffer, this.weights);
    this.switches = switchesOf(manifest, this.weights);
    const {source, target} = manifest.tokenizers;
    this.source = openTokenizer(source);
    this.target = target === null ? this.source : openTokenizer(target);
    this.model.learnSpellings?.(this.source.spellings);
  }

  /** Return the facts about the model that the page shows, and the names of all switches. */
  describe() {
    const {name, family, task, settings, labels, limits, symbols, summary, parameters, description, purpose} = this.manifest;
    const shown = (id) => this.target.token(id);
    return {
      name, family, task, settings, limits, summary, parameters, description, purpose,
      layers: {
        encoder: settings.encoder_layers ?? (GENERATING.includes(task) ? 0 : settings.layers),
        decoder: settings.decoder_layers ?? (GENERATING.includes(task) ? settings.layers : 0),
      },
      heads: settings.heads ?? 0,
      labels: labels.length ? labels : null,
      switches: this.switches,
      special: {begin: shown(symbols.bos), end: shown(symbols.eos), mask: shown(symbols.mask)},
      search: searchDefaults(this.manifest),
      tags: this.manifest.tags,
    };
  }

  /** Answer a request: {text, second, forced, search, off, masked, want}. Only `text` is required.
   *
   * - second: the second text of a pair. forced: tokens (or ids) that the answer must begin with.
   * - search: {beam, lengthPenalty, forms, maxTokens, sample, temperature, topK, topP, minP, seed, …};
   *   the settings of the run are the defaults. `forms` is the number of hypotheses.
   * - off: names of `describe().switches`. masked: places of tokens to mask.
   * - want: {taps: shell patterns of tap names, lens, residual, tree, each}. `each` computes one pass
   *   for each token: deletions of a long text, or the guess of each token that nothing masks.
   *
   * Every result has kind, source, target, hypotheses, search (of a model that writes), baseline and change (null if `off` is empty),
   * unforced (the answer without forced tokens; null if nothing is forced),
   * steps, taps, lens, residual, tree, unknown (see `unknown`), and milliseconds. The kind is "sequence" (translation),
   * "continuation" (with `prompt`, the number of its tokens), "labels" (labels, deletions), "value",
   * "tags", "guesses" (guesses, follows) or "replaced". A tap has the name and the shape of Python's
   * tap, without the dimension of the batch; a recurrent decoder has one head.
   */
  run(request) {
    const start = performance.now(), unknown = (request.off ?? []).find((one) => !this.switches.includes(one));
    if (unknown !== undefined) throw new Error(`The model has no part named ${unknown} that can be switched off.`);
    const result = (GENERATING.includes(this.manifest.task) ? generate : label)(this, request);
    const milliseconds = performance.now() - start;
    return {...result, unknown: this.unknown(request), milliseconds};
  }

  /** Return the characters or words of the typed texts that have no token: {parts, asBytes}. */
  unknown({text, second = null}) {
    const tokenizer = this.manifest.task === "language" ? this.target : this.source;
    const found = [text, second ?? ""].map((one) => unknownParts(tokenizer, one));
    return {parts: [...new Set(found.flatMap(({parts}) => parts))], asBytes: found.every(({asBytes}) => asBytes)};
  }

  /** Run a short text and forget the answer: the browser compiles the engine before a person asks.
   *
   * Args: tokens: length of the answer. A long run would let a person wait who asks meanwhile.
   */
  warmUp(tokens) {
    const {tags, needs_tag: needsTag} = this.manifest;
    const all = tokens > 1, want = {taps: all ? ["*weights"] : [], lens: all, residual: all, tree: all, each: false};
    this.run({text: needsTag ? `<2${tags[0]}> a a` : "a a", search: {beam: Math.min(4, tokens), maxTokens: tokens, sample: false}, want});
    return null;
  }

  /** Return a matrix of the model by its name in PyTorch. */
  tensor(name) {
    const {shape, data} = this.weights.get(name);
    return {shape, data: data.slice()};
  }
}
