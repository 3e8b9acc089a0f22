// For each call: what a function of the page returns.

import {answer, load, request} from "./request.mjs";

const {fromFragment, newPane, newState, toFragment} = await load("page/state.js");
const {difference} = await load("page/differences.js");
const {differingTokens} = await load("page/compared.js");
const {figurePlan} = await load("page/plan.js");
const {bestPath, treePlan} = await load("page/tree.js");
const {percent, shortPercent} = await load("page/numbers.js");
const {inkOn} = await load("page/heat.js");
const {decoded, makeRunner, warmUp} = await load("page/engine.js");
const {divisorOf} = await load("page/scores.js");
const {count} = await load("page/numbers.js");
const {explained} = await load("page/terms.js");
const {summaryOf} = await load("page/summary.js");
const {loadWords, speak} = await load("page/words.js");

// As much of a document as `html` needs.
globalThis.document = {
  documentElement: {},
  createElement: (tag) => ({tag, setAttribute() {}, addEventListener() {}, append(text) { this.term = text; }}),
};

function inLanguage(words, language) {
  loadWords(words);
  speak(language);
}

const CALLS = {
  async fresh() {
    return newState(newPane(0, {beam: 4}, "text"));
  },
  async fragment({state}) {
    const start = newState(newPane(0, {beam: 4}, "first"));
    const text = toFragment(state);
    return {text, state: fromFragment(`#${text}`, start)};
  },
  async read({fragment, state}) {
    return fromFragment(fragment, state);
  },
  async difference({before, after}) {
    return difference(before, after);
  },
  async differing({own, other, byWord}) {
    return [...differingTokens(own, other, byWord)];
  },
  async plan({description, width, opened}) {
    return figurePlan(description, {width, opened});
  },
  async tree({tree, tokens}) {
    const plan = treePlan(tree, (node) => node.token);
    return {best: [...bestPath(tree, tokens)], places: [...plan.places.values()], width: plan.width, height: plan.height};
  },
  async explained({words, language, text}) {
    inLanguage(words, language);
    return explained(text).filter((part) => part !== "").map((part) => (typeof part === "string" ? part : {term: part.term}));
  },
  async summary({words, language, description}) {
    inLanguage(words, language);
    return summaryOf(description);
  },
  async count({words, language, values}) {
    inLanguage(words, language);
    return values.map(count);
  },
  async divisors({lengths, alphas}) {
    return lengths.map((length) => alphas.map((alpha) => divisorOf(length, alpha)));
  },
  async warmed({busy, fails = false, slow = 0}) {
    const left = [...busy], runs = [], asked = [];
    let now = false;
    const run = (model) => async (tokens) => {
      runs.push([model, tokens]);
      asked.push(now);
      if (fails) throw new Error("no");
      await new Promise((done) => setTimeout(done, slow));
    };
    await warmUp([run(0), run(1)], () => !(now = left.shift() ?? false));
    return {runs, asked};
  },
  async decoded({texts}) {
    delete Uint8Array.fromBase64;
    const own = await Promise.all(texts.map(decoded));
    Uint8Array.fromBase64 = (text) => Uint8Array.from(Buffer.from(text, "base64"));
    const native = await Promise.all(texts.map(decoded));
    return [own, native].map((all) => all.map((one) => [...new Uint8Array(one)]));
  },
  async percent({values}) {
    return values.map(percent);
  },
  async short({values}) {
    return values.map(shortPercent);
  },
  async ink({values}) {
    return values.map((value) => inkOn(value, 1));
  },
  async runner({count}) {
    const asked = [];
    const run = makeRunner(async (one) => {
      asked.push(one);
      await new Promise((done) => setTimeout(done, 5));
      return one;
    });
    const answered = [];
    for (let k = 0; k < count; k += 1) run(k, (result) => answered.push(result));
    await new Promise((done) => setTimeout(done, 60));
    return {asked, answered};
  },
};

answer(await Promise.all(request.map(({call, ...given}) => CALLS[call](given))));
