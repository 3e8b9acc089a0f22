// For each model: the answers to calls about it.

import {answer, load, request} from "./request.mjs";

const {Probe} = await load("model/probe.js");
const {modelOf} = await load("model/models.js");

function flat(tensor) {
  return {shape: tensor.shape, data: Array.from(tensor.data)};
}

function flatTaps({taps}) {
  return Object.fromEntries(Object.entries(taps).map(([name, one]) => [name, flat(one)]));
}

const CALLS = {
  // The logits of a whole target, and everything that a probe records.
  features(model, {source = null, target, off, taps = ["*"]}) {
    const probe = new Probe({off, taps, residual: true, lens: true});
    const logits = flat(model.logits(model.features(source, target, probe)));
    const streams = probe.streams.map(({layer, x}) => [layer, flat(x)]);
    const last = flat(model.lens(probe.streams.at(-1).x));
    return {logits, taps: flatTaps(probe), residual: probe.residual, streams: Object.fromEntries(streams), last};
  },

  // The vectors and the heads of an encoder that reads in both directions.
  read(model, {ids, segments, part = null, spellings = [], taps = ["*"]}) {
    const bert = part === null ? model : model[part], probe = new Probe({taps});
    bert.learnSpellings(spellings.map((bytes) => Uint8Array.from(bytes)));
    const x = bert.features(ids, segments, probe);
    return {
      x: flat(x), taps: flatTaps(probe),
      masked: bert.transform && flat(bert.masked(x)),
      follows: bert.nextSentence && flat(bert.follows(x)),
      answers: bert.answer && flat(bert.answers(x, ids)),
    };
  },

  // The logits of steps that each feed one token to each hypothesis, after reordering them.
  steps(model, {source = null, steps, off}) {
    const probe = new Probe({off});
    let state = model.begin(source, probe);
    return steps.map(({select = null, tokens}) => {
      if (select !== null) state = model.select(state, select);
      const found = model.step(state, tokens, probe);
      state = found.state;
      return Array.from(found.logits);
    });
  },
};

answer(
  request.map(({manifest, data, calls}) => {
    const model = modelOf(manifest, Uint8Array.from(Buffer.from(data, "base64")).buffer);
    return calls.map(({call, ...given}) => CALLS[call](model, given));
  }),
);
