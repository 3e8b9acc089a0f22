import {Probe} from "./model/probe.js";
import {mostLikely} from "./generation.js";
import {Tensor, logSoftmax} from "./model/tensors.js";
import {maskedRow, pairRow, wordRow} from "./rows.js";

// Run the models that read a text in both directions: classifiers, taggers, BERT and ELECTRA.

const GUESSES = 8;
const LENS_GUESSES = 5;
// A pass for each token costs about parameters · tokens² multiplications. Up to the first number (half a
// second), it is made without being asked for; up to the second number (some seconds), if it is asked for.
const EACH_FREELY = 0.5e9;
const EACH_AT_MOST = 4e9;

/** Read the text with the parts in `off` switched off, and again with nothing switched off. */
export function label(session, request) {
  const read = READERS[session.manifest.task], want = request.want ?? {}, off = request.off ?? [];
  const probe = new Probe({off, taps: want.taps, residual: want.residual, lens: want.lens});
  const {row, kind, evidence, lens, ...found} = read(session, request, probe);
  const plain = off.length ? read(session, request, new Probe()) : null;
  return {
    kind,
    source: {tokens: row.ids.map((id) => session.source.token(id)), ids: row.ids},
    target: null,
    hypotheses: [],
    ...found,
    baseline: plain && {text: plain.answer, logProbability: plain.evidence.reduce((sum, one) => sum + one.best, 0)},
    change: plain && {logProbabilityOfBaseline: changeOf(plain.evidence, evidence)},
    steps: [],
    taps: probe.taps,
    lens: probe.streams && probe.streams.map(({layer, x}, number) => ({layer: number, name: layer, tokens: lens(layer, x)})),
    residual: probe.residual?.map((one) => ({...one, side: "source"})) ?? null,
    tree: null,
  };
}

/** Return how the log-probability of the answers with nothing switched off has changed. */
function changeOf(before, now) {
  return before.reduce((sum, {best, index}, i) => sum + now[i].logProbabilities[index] - best, 0);
}

const READERS = {classify: readLabels, regress: readNumber, tag: readTags, masked: readMasks, replaced: readReplaced};

/** Return log-probabilities with the best one and its index. */
function evidenceOf(logProbabilities) {
  const index = logProbabilities.indexOf(Math.max(...logProbabilities));
  return {logProbabilities, index, best: logProbabilities[index]};
}

/** Return the labels with their probabilities, the most probable first. */
function ranked(labels, logProbabilities) {
  const found = labels.map((one, i) => ({label: one, probability: Math.exp(logProbabilities[i])}));
  return found.sort((a, b) => b.probability - a.probability);
}

/** As tokens with probabilities, for the logit lens. */
function asTokens(labels) {
  return labels.slice(0, LENS_GUESSES).map(({label: token, probability}) => ({token, probability}));
}

/** Return whether a pass for each token costs at most so many multiplications. */
function eachCostsAtMost({manifest}, {ids}, most) {
  return manifest.parameters * ids.length ** 2 <= most;
}

/** Remove each token in turn: return what f says about the rest of the row. bos and eos stay. */
function withoutEach({ids, segments}, session, request, f) {
  const each = request.want?.each;
  if (each === false || !eachCostsAtMost(session, {ids}, each ? EACH_AT_MOST : EACH_FREELY)) return null;
  const {bos, eos} = session.source;
  return ids.map((id, place) => {
    if (id === bos || id === eos) return null;
    const rest = (list) => list.filter((_, i) => i !== place);
    return {place, token: session.source.token(id), change: f({ids: rest(ids), segments: rest(segments)})};
  }).filter((one) => one !== null);
}

function readLabels(session, request, probe) {
  const {model, manifest: {labels}} = session, row = pairRow(session, request);
  const judge = ({ids, segments}, how) => logSoftmax(model.answers(model.features(ids, segments, how), ids).row(0));
  const found = evidenceOf(judge(row, probe)), silent = new Probe({off: request.off});
  return {
    kind: "labels", row, evidence: [found],
    answer: labels[found.index],
    labels: ranked(labels, found.logProbabilities),
    deletions: withoutEach(row, session, request, (rest) => judge(rest, silent)[found.index] - found.best),
    lens: (_, x) => [asTokens(ranked(labels, logSoftmax(model.answers(model.finalNorm(x), row.ids).row(0))))],
  };
}

function readNumber(session, request, probe) {
  const {model, manifest: {mean, deviation}} = session, row = pairRow(session, request);
  const judge = ({ids, segments}, how) => mean + deviation * model.answers(model.features(ids, segments, how), ids).data[0];
  const number = judge(row, probe), silent = new Probe({off: request.off});
  return {
    kind: "value", row, evidence: [],
    answer: String(Number(number.toPrecision(6))),
    value: number,
    deletions: withoutEach(row, session, request, (rest) => judge(rest, silent) - number),
    lens: (_, x) => [[{token: String(Number((mean + deviation * model.answers(model.finalNorm(x), row.ids).data[0]).toPrecision(4))), probability: 1}]],
  };
}

function readTags(session, request, probe) {
  const {model, manifest: {labels}} = session, row = wordRow(session, request.text);
  const answers = (x) => model.answers(x, row.ids), x = model.features(row.ids, row.segments, probe), logits = answers(x);
  const evidence = row.places.map((place) => evidenceOf(logSoftmax(logits.row(place))));
  return {
    kind: "tags", row, evidence,
    answer: evidence.map(({index}) => labels[index]).join(" "),
    tags: row.words.map((word, i) => ({
      text: word, place: row.places[i],
      label: labels[evidence[i].index], probability: Math.exp(evidence[i].best),
      labels: ranked(labels, evidence[i].logProbabilities),
    })),
    lens: (_, stream) => {
      const found = answers(model.finalNorm(stream));
      return row.ids.map((_, i) => asTokens(ranked(labels, logSoftmax(found.row(i)))));
    },
  };
}

function readMasks(session, request, probe) {
  const {model, source} = session, row = maskedRow(session, request);
  const x = model.features(row.ids, row.segments, probe);
  const guesses = guessesOf(model, session, row, x, request);
  return {
    kind: "guesses", row, evidence: guesses.map(({evidence}) => evidence),
    answer: guesses.filter(({token}) => token === source.token(source.mask)).map(({candidates}) => candidates[0].token).join(" "),
    guesses: guesses.map(({evidence, ...guess}) => guess),
    follows: row.segments.includes(1) && model.nextSentence ? Math.exp(logSoftmax(model.follows(x).row(0))[0]) : null,
    lens: (_, stream) => {
      const logits = model.masked(model.finalNorm(stream));
      return row.ids.map((_, i) => mostLikely(source, logSoftmax(logits.row(i)), LENS_GUESSES));
    },
  };
}

/** Guess the masked tokens. If `want.each` is set and no token is masked, mask each token in turn. */
function guessesOf(model, session, row, x, request) {
  const {source} = session, given = row.ids.flatMap((id, place) => (id === source.mask ? [place] : []));
  const inTurn = !given.length && Boolean(request.want?.each) && eachCostsAtMost(session, row, EACH_AT_MOST);
  const places = inTurn ? row.ids.flatMap((id, place) => ([source.bos, source.eos].includes(id) ? [] : [place])) : given;
  const silent = new Probe({off: request.off});
  return places.map((place) => {
    const ids = row.ids.map((id, i) => (i === place ? source.mask : id));
    const vectors = inTurn ? model.features(ids, row.segments, silent) : x;
    const logProbabilities = logSoftmax(model.masked(new Tensor([1, x.width], vectors.row(place))).data), id = row.ids[place];
    return {
      place, token: source.token(id),
      probability: id === source.mask ? null : Math.exp(logProbabilities[id]),
      candidates: mostLikely(source, logProbabilities, GUESSES),
      evidence: evidenceOf(logProbabilities),
    };
  });
}

/** ELECTRA: the generator fills the masks, and the discriminator says how probably each token was replaced. */
function readReplaced(session, request, probe) {
  const {model: {discriminator, generator}, source} = session, row = maskedRow(session, request);
  const masked = row.ids.includes(source.mask);
  const guesses = masked ? guessesOf(generator, session, row, generator.features(row.ids, row.segments, probe), request) : [];
  const filled = row.ids.map((id, place) => guesses.find((one) => one.place === place)?.evidence.index ?? id);
  const odds = (x) => discriminator.answers(x, filled).data, logistic = (x) => 1 / (1 + Math.exp(-x));
  const found = Array.from(odds(discriminator.features(filled, row.segments, probe)));
  return {
    kind: "replaced", row: {...row, ids: filled},
    evidence: found.map((x) => evidenceOf([-Math.log1p(Math.exp(x)), -Math.log1p(Math.exp(-x))])),
    answer: filled.filter((_, i) => found[i] > 0).map((id) => source.token(id)).join(" "),
    guesses: guesses.map(({evidence, ...guess}) => guess),
    replaced: filled.map((id, i) => ({token: source.token(id), probability: logistic(found[i])})),
    lens: (layer, x) => {
      if (layer.startsWith("generator")) {
        const logits = generator.masked(generator.finalNorm(x));
        return row.ids.map((_, i) => mostLikely(source, logSoftmax(logits.row(i)), LENS_GUESSES));
      }
      return Array.from(odds(discriminator.finalNorm(x)), (one) => [{token: "replaced", probability: logistic(one)}]);
    },
  };
}
