import {Probe} from "./model/probe.js";
import {WellFormed} from "./search/wellformed.js";
import {differentTexts} from "./search/hypotheses.js";
import {largest} from "./search/candidates.js";
import {logSoftmax} from "./model/tensors.js";
import {runSearch} from "./search/search.js";
import {stripSpaces} from "./text/normalization.js";
import {forcedIds, searchOf, sourceIds} from "./requests.js";

// Run the models that write a text: translation models and language models.

export const GENERATING = ["translate", "language"];
const CANDIDATES = 8; // tokens shown for each step
const LENS_CANDIDATES = 5;

/** Search for an answer with the parts in `off` switched off; then read it once more and record everything. */
export function generate(session, request) {
  const {manifest, target: tokenizer} = session, want = request.want ?? {};
  const translates = manifest.task === "translate";
  const source = translates ? sourceIds(session, request.text) : null;
  const prompt = translates ? tokenizer.lead : tokenizer.encode(request.text);
  const settings = searchOf(manifest, request, source?.length ?? 1, [...prompt, ...forcedIds(tokenizer, request.forced)]);
  const off = request.off ?? [];
  const answered = answer(session, source, settings, off);
  const best = answered.hypotheses[0];
  const probe = new Probe({off, taps: want.taps, residual: want.residual, lens: want.lens});
  const read = readThrough(session, source, best.ids, probe);
  const text = (ids) => ids.map((id) => tokenizer.token(id));
  return {
    kind: translates ? "sequence" : "continuation",
    prompt: translates ? 0 : prompt.length,
    search: {lengthPenalty: settings.lengthPenalty, sample: settings.sample},
    source: source && {tokens: source.map((id) => session.source.token(id)), ids: source},
    target: {...best, inputs: text(read.inputs)},
    hypotheses: answered.hypotheses,
    ...compared(session, source, settings, off),
    unforced: request.forced?.length ? unforced(session, source, {...settings, forced: prompt}, off) : null,
    steps: read.logProbabilities.map((row, i) => ({candidates: mostLikely(tokenizer, row, CANDIDATES), chosen: best.tokens[i]})),
    taps: probe.taps,
    lens: probe.streams && lensOf(session, probe.streams.filter(({layer}) => !layer.startsWith("encoder"))),
    residual: probe.residual?.map((one) => ({...one, side: one.name.startsWith("encoder") ? "source" : "target"})) ?? null,
    tree: answered.tree && answered.tree.map((node) => ({...node, token: tokenizer.token(node.token)})),
  };
}

/** Search with the parts in `off` switched off. */
function answer({model, manifest, target}, source, settings, off) {
  const probe = new Probe({off});
  const stepper = {
    begin: (ids) => model.begin(ids, probe),
    step: (state, tokens) => model.step(state, tokens, probe),
    select: (state, rows) => model.select(state, rows),
  };
  const bytes = settings.sample ? new WellFormed(target, manifest.target_bytes) : null;
  const {hypotheses, tree} = runSearch(stepper, source, settings, bytes);
  const trim = (text) => (manifest.keep_spaces || manifest.task === "language" ? text : stripSpaces(text));
  const named = differentTexts(hypotheses, (ids) => trim(target.decode(ids)));
  return {tree, hypotheses: named.map(({tokens, finished, text, score, logProbability, tokenLogProbabilities}) => {
    const ids = finished ? [...tokens, target.eos] : tokens;
    return {text, ids, tokens: ids.map((id) => target.token(id)), finished, score, logProbability, tokenLogProbabilities};
  })};
}

/** Read a given answer in one pass: the log-probabilities of all tokens at each of its positions. */
function readThrough({model, target}, source, ids, probe) {
  const inputs = [target.bos, ...ids.slice(0, -1)];
  const logits = model.logits(model.features(source, inputs, probe));
  return {inputs, logProbabilities: inputs.map((_, i) => logSoftmax(logits.row(i)))};
}

/** Compare with the same model with nothing switched off: its answer, and how probable that answer is now. */
function compared(session, source, settings, off) {
  if (!off.length) return {baseline: null, change: null};
  const [{text, ids, tokens, logProbability, tokenLogProbabilities}] = answer(session, source, {...settings, tree: false}, []).hypotheses;
  const {logProbabilities} = readThrough(session, source, ids, new Probe({off}));
  const now = ids.reduce((sum, id, i) => sum + logProbabilities[i][id], 0);
  return {
    baseline: {text, ids, tokens, logProbability, tokenLogProbabilities},
    change: {logProbabilityOfBaseline: now - logProbability},
  };
}

/** Search again without the forced tokens: the same parts are off, and the limit of the length is the same. */
function unforced(session, source, settings, off) {
  const [{text, ids, tokens, logProbability, tokenLogProbabilities}] = answer(session, source, {...settings, tree: false}, off).hypotheses;
  return {text, ids, tokens, logProbability, tokenLogProbabilities};
}

/** Return the most probable tokens, best first. */
export function mostLikely(tokenizer, logProbabilities, count) {
  const ids = largest(logProbabilities, Math.min(count, logProbabilities.length), new Set());
  return ids.map((id) => ({token: tokenizer.token(id), probability: Math.exp(logProbabilities[id])}));
}

/** Return what each layer would predict at each position (nostalgebraist 2020, "interpreting GPT: the logit lens"). */
function lensOf({model, target}, streams) {
  return streams.map(({layer, x}, number) => {
    const logits = model.lens(x);
    const tokens = Array.from({length: x.rows}, (_, i) => mostLikely(target, logSoftmax(logits.row(i)), LENS_CANDIDATES));
    return {layer: number, name: layer, tokens};
  });
}
