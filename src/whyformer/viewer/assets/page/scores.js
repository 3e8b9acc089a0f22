// The list of alternatives with the score by which a search with a length penalty sorts.
import {html} from "./dom.js";
import {mean, nats, number, percent, setting} from "./numbers.js";
import {explained} from "./terms.js";
import {noted} from "./tip.js";
import {say} from "./words.js";

// lp(Y) = ((5 + |Y|) / 6)^α (Wu et al. 2016, Eq. 14); the end token counts.
export function divisorOf(length, alpha) {
  return ((5 + length) / 6) ** alpha;
}

export function alternatives({ result: { hypotheses, search }, number: pane }) {
  const { sample, lengthPenalty } = search;
  const scored = !sample && lengthPenalty > 0;
  const most = Math.max(...hypotheses.map((one) => Math.exp(one.logProbability)));
  return html("div", { class: `alternatives${scored ? " scored" : ""}` },
    html("h3", {}, say(sample ? "alternatives_sampled" : "alternatives")),
    scored ? html("p", { class: "soft columns" }, html("span", { class: "what" }, explained(say("score_sorts"))), html("span", {}, say("score")), html("span", {}, say("probability"))) : null,
    html("ol", {}, hypotheses.map((one, k) => {
      const probability = Math.exp(one.logProbability);
      const title = say("per_token", { nats: nats(one.logProbability), mean: nats(mean(one.tokenLogProbabilities ?? [one.logProbability])) });
      return html("li", { title: scored ? null : title },
        html("span", { class: "what", lang: "und" }, one.text || say("empty_answer")), scored ? scoreOf(one, k, lengthPenalty, pane) : null,
        html("span", { class: "share" }, percent(probability)), html("i", { class: "bar", style: `--share:${Math.max(0.004, probability / (most || 1)).toFixed(4)}` }));
    })),
  );
}

// A score; its note says how it is computed.
function scoreOf({ score, logProbability, tokens }, k, alpha, pane) {
  const shown = number(score, 3);
  const help = say("score_help", { nats: nats(logProbability), divisor: number(divisorOf(tokens.length, alpha), 3), score: shown, length: tokens.length, alpha: setting(alpha) });
  const id = `score-${pane}-${k}`;
  return [html("span", { class: "share term", tabindex: 0, "data-key": id, "aria-describedby": id, ...noted([shown, help]) }, shown), html("span", { id, hidden: true }, help)];
}
