// Level 4: the decoder token by token. A person can choose another token, and the model continues from it.
import {differingIn} from "./compared.js";
import {button, html} from "./dom.js";
import {attentionsOf, headOf} from "./heads.js";
import {clamp, nats, percent} from "./numbers.js";
import {partName, tokenName} from "./names.js";
import {explained} from "./terms.js";
import {say} from "./words.js";

export function drawSteps(app, pane) {
  const { result, description } = pane;
  const tokens = result.target?.tokens ?? [];
  const prompt = result.prompt ?? result.target?.prompt ?? 0;
  if (!result.steps?.length || !tokens.length) return html("p", { class: "soft" }, say("no_steps"));
  const offset = tokens.length - result.steps.length;
  const at = clamp(app.state.step ?? prompt, offset, tokens.length - 1);
  const forced = pane.chosen.forced.length;
  const differs = differingIn(app, pane);
  const go = (k) => app.change(() => (app.state.step = clamp(k, offset, tokens.length - 1)), { run: false });
  return [
    html("div", { class: "stepper" },
      button(`${pane.number}:back`, "←", () => go(at - 1), { class: "square", "aria-label": say("step_back"), disabled: at <= offset }),
      html("p", { class: "track", onkeydown: (event) => arrow(event, go, at) }, tokens.map((token, k) => button(`${pane.number}:step:${k}`, tokenName(token, description), () => go(k), {
        class: `token-step${k - prompt < forced && k >= prompt ? " is-forced" : ""}${k < prompt ? " is-given" : ""}${differs?.has(k) ? " differs" : ""}`, "aria-current": k === at ? "step" : null, disabled: k < offset, lang: "und",
        title: k - prompt < forced && k >= prompt ? say("forced") : null,
      }))),
      button(`${pane.number}:forward`, "→", () => go(at + 1), { class: "square", "aria-label": say("step_forward"), disabled: at >= tokens.length - 1 }),
    ),
    html("div", { class: "choice" },
      html("h3", {}, say("choice", { number: at + 1, before: lastTokens(tokens, at, description) })),
      html("ol", { class: "candidates" }, result.steps[at - offset].candidates.map((one, k) => candidate(app, pane, { one, k, at, prompt, tokens }))),
      reads(pane, at),
    ),
    forcedFacts(app, pane),
  ];
}

// What was chosen, and the answer without the choice: its log-probability, and the difference to the shown answer.
export function forcedFacts(app, pane, place) {
  const { result, chosen, description } = pane;
  if (!chosen.forced.length) return null;
  const { unforced, target } = result;
  const own = result.hypotheses?.[0]?.logProbability ?? target.logProbability;
  return html("div", { class: "soft facts forced" },
    html("p", {}, say("forced_now", { tokens: chosen.forced.map((one) => tokenName(one, description)).join(" ") }), " ", release(app, pane, place)),
    unforced ? html("p", {}, explained(say("unforced", { text: unforced.text.trim() || say("empty_answer"), nats: nats(unforced.logProbability), own: nats(own), difference: nats(own - unforced.logProbability) }))) : null,
  );
}

// The button that takes back the chosen tokens.
export function release(app, pane, place = "steps") {
  return button(`${pane.number}:release:${place}`, say("release"), () => app.change(() => (pane.chosen.forced = [])), { class: "quiet" });
}

function arrow(event, go, at) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  go(at + step);
}

function lastTokens(tokens, at, description) {
  const shown = tokens.slice(Math.max(0, at - 4), at).map((one) => tokenName(one, description)).join(" ");
  return at > 4 ? `… ${shown}` : shown || say("token.begin");
}

function candidate(app, pane, { one, k, at, prompt, tokens }) {
  const chosen = one.token === tokens[at];
  const name = tokenName(one.token, pane.description);
  const force = () => app.change(() => {
    pane.chosen.forced = [...tokens.slice(prompt, at), one.token];
    app.state.step = at;
  });
  const special = Object.values(pane.description.special ?? {}).includes(one.token);
  return html("li", {}, button(`${pane.number}:candidate:${k}`, [html("span", { class: "what", lang: "und" }, name), html("span", { class: "share" }, percent(one.probability)), html("i", { class: "bar", style: `--share:${one.probability.toFixed(4)}` })], force, {
    class: "candidate", disabled: special, title: special ? say("not_to_choose") : null, "aria-pressed": String(chosen), "aria-label": say("force", { token: name, probability: percent(one.probability) }),
  }));
}

// The source tokens, marked by the cross-attention of this step, averaged over the heads of the last layer.
function reads(pane, at) {
  const attention = attentionsOf(pane).findLast((one) => /cross_attention$|^decoder.attention$/.test(one));
  const first = attention && headOf(pane, attention, 0);
  if (!first || at >= first.queries) return null;
  const shares = Array.from({ length: first.keys }, (_, key) => {
    let sum = 0;
    for (let head = 0; head < first.heads; head += 1) sum += headOf(pane, attention, head).at(at, key);
    return sum / first.heads;
  });
  return html("div", { class: "reads" }, html("h3", {}, say("reads", { part: partName(attention, pane.description) })), html("p", { class: "marked", lang: "und" }, pane.result.source.tokens.map((token, k) => [html("span", { class: "cold-mark", style: `--share:${shares[k].toFixed(3)}`, title: percent(shares[k]) }, tokenName(token, pane.description)), html("wbr")])));
}
