// For each call: what a function of the page returns.

import {answer, load, request} from "./request.mjs";

const {fromFragment, newPane, newState, toFragment} = await load("page/state.js");
const {difference} = await load("page/differences.js");
const {figurePlan} = await load("page/plan.js");
const {bestPath, treePlan} = await load("page/tree.js");
const {percent} = await load("page/numbers.js");
const {makeRunner} = await load("page/engine.js");

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
  async plan({description, width, opened}) {
    return figurePlan(description, {width, opened});
  },
  async tree({tree, tokens}) {
    const plan = treePlan(tree, (node) => node.token);
    return {best: [...bestPath(tree, tokens)], places: [...plan.places.values()], width: plan.width, height: plan.height};
  },
  async percent({values}) {
    return values.map(percent);
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
