// The answers of models that label, measure, tag, or guess hidden words.
import {html} from "./dom.js";
import {nats, number, percent, signed} from "./numbers.js";
import {tokenName} from "./names.js";
import {explained} from "./terms.js";
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
    deletions(result, "deletions_help"),
  ];
}

function labelChange({ baseline, change }, now) {
  if (!baseline) return null;
  const before = baseline.text ?? baseline.label;
  const moved = change?.logProbabilityOfBaseline;
  return html("div", { class: "changed" }, html("p", {}, html("b", {}, say(before === now ? "answer_same" : "answer_changed")), Number.isFinite(moved) ? [" ", explained(say("answer_nats", { nats: nats(moved) }))] : null), before === now ? null : html("p", { class: "diff" }, html("del", {}, before), " ", html("ins", {}, now)));
}

// How the best label changes without each token.
function deletions(result, help) {
  if (!result.deletions?.length) return null;
  const most = Math.max(...result.deletions.map((one) => Math.abs(one.change)), 1e-9);
  const shown = result.kind === "value" ? signed : nats;
  return html("div", { class: "alternatives" }, html("h3", {}, say("deletions")), html("p", { class: "soft" }, say(help)),
    html("p", { class: "marked" }, result.deletions.map((one) => [html("span", { class: one.change < 0 ? "warm-mark" : "cold-mark", style: `--share:${(Math.abs(one.change) / most).toFixed(3)}`, title: `${one.token}: ${shown(one.change)}` }, one.token.replaceAll("▁", " ")), " "])),
    html("details", {}, html("summary", {}, say("numbers")), html("table", {}, html("tbody", {}, result.deletions.map((one) => html("tr", {}, html("th", { scope: "row" }, one.token), html("td", { class: "n" }, shown(one.change))))))));
}

function value({ result }) {
  return [
    html("p", { class: "result" }, number(result.value, 4)),
    labelChange(result, result.answer),
    deletions(result, "deletions_of_number"),
  ];
}

function tags({ result }) {
  return [labelChange(result, result.answer), taggedWords(result)];
}

function taggedWords(result) {
  return html("p", { class: "tagged" }, result.tags.map((one) => html("span", { title: percent(one.probability), class: one.label === "O" ? "tag none" : "tag" }, html("span", {}, one.text.replaceAll("▁", " ")), html("small", {}, one.label))));
}

// What stands behind each mask. Without a mask, each token is masked in turn.
function guesses({ result, description }) {
  const mask = description.special?.mask;
  const masked = result.guesses.filter((one) => one.token === mask);
  const named = (one) => tokenName(one.token, description);
  if (!masked.length) {
    return [
      html("p", { class: "soft" }, say("mask_help", { mask: mask ?? "" })),
      html("p", { class: "marked large", lang: "und" }, result.guesses.map((one) => [html("span", { class: "warm-mark", style: `--share:${(1 - one.probability).toFixed(3)}`, title: one.candidates.slice(0, 4).map((c) => `${named(c)} ${percent(c.probability)}`).join(", ") }, named(one)), " "])),
      result.guesses.length ? html("p", { class: "soft" }, say("surprise_help")) : null,
    ];
  }
  return [
    html("p", { class: "result", lang: "und" }, result.source.tokens.slice(1, -1).map((token, k) => {
      const guess = masked.find((one) => one.place === k + 1);
      return [guess ? html("span", { class: "guess" }, named(guess.candidates[0])) : html("span", { class: "soft" }, tokenName(token, description)), " "];
    })),
    labelChange(result, result.answer),
    masked.map((one, k) => html("div", { class: "alternatives" }, html("h3", {}, say("guess", { number: k + 1 })), bars(one.candidates.slice(0, 5).map((c) => ({ name: named(c), probability: c.probability }))))),
  ];
}

function replaced({ result, description }) {
  return [
    labelChange(result, result.answer),
    html("p", { class: "soft" }, say("replaced_help")),
    html("p", { class: "marked large" }, result.replaced.map((one) => [html("span", { class: "warm-mark", style: `--share:${one.probability.toFixed(3)}`, title: percent(one.probability) }, tokenName(one.token, description)), " "])),
  ];
}
