// The answers of models that label, measure, tag, or guess hidden words.
import {html} from "./dom.js";
import {number, percent, signed} from "./numbers.js";
import {tokenName} from "./names.js";
import {say} from "./words.js";

export function otherAnswer(app, pane) {
  const draw = { labels, value, tags, guesses, replaced }[pane.result.kind];
  return draw ? draw(pane) : null;
}

function bars(rows) {
  const most = Math.max(...rows.map((one) => one.probability), 1e-9);
  return html("ol", {}, rows.map((one) => html("li", {}, html("span", { class: "what" }, one.name), html("span", { class: "share" }, percent(one.probability)), html("i", { class: "bar", style: `--share:${(one.probability / most).toFixed(4)}` }))));
}

function labels({ result }) {
  const ranked = [...result.labels].sort((a, b) => b.probability - a.probability);
  return [
    html("p", { class: "result" }, ranked[0].label),
    labelChange(result, ranked[0].label),
    html("div", { class: "alternatives" }, html("h3", {}, say("labels")), bars(ranked.slice(0, 8).map((one) => ({ name: one.label, probability: one.probability })))),
    deletions(result),
  ];
}

function labelChange({ baseline, change }, now) {
  if (!baseline) return null;
  const before = baseline.text ?? baseline.label;
  const nats = change?.logProbabilityOfBaseline;
  return html("div", { class: "changed" }, html("p", {}, html("b", {}, say(before === now ? "answer_same" : "answer_changed")), Number.isFinite(nats) ? ` ${say("answer_nats", { nats: signed(nats, 3) })}` : null), before === now ? null : html("p", { class: "diff" }, html("del", {}, before), " ", html("ins", {}, now)));
}

// How the best label changes without each token.
function deletions(result) {
  if (!result.deletions?.length) return null;
  const most = Math.max(...result.deletions.map((one) => Math.abs(one.change)), 1e-9);
  return html("div", { class: "alternatives" }, html("h3", {}, say("deletions")), html("p", { class: "soft" }, say("deletions_help")),
    html("p", { class: "marked" }, result.deletions.map((one) => [html("span", { class: one.change < 0 ? "warm-mark" : "cold-mark", style: `--share:${(Math.abs(one.change) / most).toFixed(3)}`, title: `${one.token}: ${signed(one.change)}` }, one.token.replaceAll("▁", " ")), " "])),
    html("details", {}, html("summary", {}, say("numbers")), html("table", {}, html("tbody", {}, result.deletions.map((one) => html("tr", {}, html("th", { scope: "row" }, one.token), html("td", { class: "n" }, signed(one.change))))))));
}

function value({ result }) {
  return html("p", { class: "result" }, number(result.value, 4), result.unit ? ` ${result.unit}` : null);
}

function tags({ result }) {
  return html("p", { class: "tagged" }, result.tags.map((one) => html("span", { title: percent(one.probability), class: one.label === "O" ? "tag none" : "tag" }, html("span", {}, one.text.replaceAll("▁", " ")), html("small", {}, one.label))));
}

function guesses({ result, description }) {
  if (!result.guesses.length) return html("p", { class: "soft" }, say("mask_help", { mask: description.special?.mask ?? "" }));
  return result.guesses.map((one, k) => [
    k === 0 ? html("p", { class: "result", lang: "und" }, tokenName(one.candidates[0].token, description)) : null,
    html("div", { class: "alternatives" }, html("h3", {}, say("guess", { number: k + 1 })), bars(one.candidates.slice(0, 8).map((c) => ({ name: tokenName(c.token, description), probability: c.probability })))),
  ]);
}

function replaced({ result, description }) {
  return [
    html("p", { class: "soft" }, say("replaced_help")),
    html("p", { class: "marked large" }, result.replaced.map((one) => [html("span", { class: "warm-mark", style: `--share:${one.probability.toFixed(3)}`, title: percent(one.probability) }, tokenName(one.token, description)), " "])),
  ];
}
