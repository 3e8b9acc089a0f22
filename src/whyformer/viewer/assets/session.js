import {GENERATING, generate} from "./generation.js";
import {label} from "./labels.js";
import {modelOf} from "./model/models.js";
import {Weights} from "./model/weights.js";
import {openTokenizer} from "./text/tokenizer.js";
import {searchDefaults} from "./requests.js";
import {switchesOf} from "./switches.js";

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
  }

  /** Return the facts about the model that the page shows, and the names of all switches. */
  describe() {
    const {name, family, task, settings, labels, limits, symbols, summary, parameters, description} = this.manifest;
    const shown = (id) => this.target.token(id);
    return {
      name, family, task, settings, limits, summary, parameters, description,
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

  /** Answer a request. For the form of requests and results, see docs/viewer.md. */
  run(request) {
    const start = performance.now(), unknown = (request.off ?? []).find((one) => !this.switches.includes(one));
    if (unknown !== undefined) throw new Error(`The model has no part named ${unknown} that can be switched off.`);
    const result = (GENERATING.includes(this.manifest.task) ? generate : label)(this, request);
    return {...result, milliseconds: performance.now() - start};
  }

  /** Return a matrix of the model by its name in PyTorch. */
  tensor(name) {
    const {shape, data} = this.weights.get(name);
    return {shape, data: data.slice()};
  }
}
