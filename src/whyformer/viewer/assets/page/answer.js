// Level 1: the answer, how sure the model is, and what else it considered.
import {comparedAnswer, differingIn, isSpaced, nameOfOther} from "./compared.js";
import {button, html} from "./dom.js";
import {difference} from "./differences.js";
import {nats, percent, visible} from "./numbers.js";
import {tokenName} from "./names.js";
import {otherAnswer} from "./labels.js";
import {alternatives} from "./scores.js";
import {explained} from "./terms.js";
import {forcedFacts, release} from "./steps.js";
import {say} from "./words.js";

const LONGEST_WORD = 20; // in tokens: a longer one, such as a Chinese sentence, may break

export function drawAnswer(app, pane) {
  const { result, error, description } = pane;
  if (error) return [html("p", { class: "problem", role: "alert" }, error), pane.chosen.forced.length ? html("p", {}, release(app, pane)) : null];
  if (!result) return html("p", { class: "soft" }, say(pane.chosen.text ? "thinking" : "type_something"));
  if (!["sequence", "continuation"].includes(result.kind)) return [otherAnswer(app, pane), comparedAnswer(app, pane)];
  const best = result.hypotheses?.[0] ?? result.target;
  return [
    html("p", { class: "result", lang: "und" }, best.text ? answerTokens(app, pane) : html("span", { class: "soft" }, say("empty_answer"))),
    html("p", { class: "soft facts" }, explained(say("certainty", { probability: percent(Math.exp(best.logProbability)), nats: nats(best.logProbability) })), result.milliseconds === undefined ? null : ` · ${say("time", { milliseconds: Math.round(result.milliseconds) })}`),
    forcedFacts(app, pane, "answer"),
    comparedAnswer(app, pane),
    cutOff(pane) ? html("p", { class: "soft facts" }, say("cut_off")) : null,
    changed(pane),
    result.hypotheses?.length > 1 ? alternatives(pane) : null,
  ];
}

// The tokens of the answer; the line below a token shows its probability.
function answerTokens(app, pane) {
  const { result, description } = pane;
  const prompt = result.prompt ?? 0;
  const logarithms = result.target.tokenLogProbabilities ?? result.hypotheses?.[0]?.tokenLogProbabilities ?? [];
  const shift = logarithms.length === result.target.tokens.length ? 0 : prompt;
  const differs = differingIn(app, pane);
  const buttons = result.target.tokens.map((token, k) => {
    if (token === description.special?.end) return null;
    const sure = k < prompt ? null : Math.exp(logarithms[k - shift] ?? 0);
    const shown = token.replaceAll("▁", " ");
    const other = differs?.has(k);
    const label = [tokenName(token, description), sure === null ? "" : `: ${percent(sure)}`, other ? `, ${say("differs", { other: nameOfOther(app, pane) })}` : ""].join("");
    return button(`${pane.number}:answer:${k}`, shown, () => app.openStep(k), {
      class: `token${k < prompt ? " given" : ""}${other ? " differs" : ""}`, style: sure === null ? null : `--sure:${sure.toFixed(3)}`, title: label, "aria-label": say("open_step", { token: label }),
    });
  }).filter(Boolean);
  return isSpaced(result.target) ? buttons.map((one) => [one, " "]) : inWords(buttons);
}

// Lines break between words, not between the tokens of a word.
function inWords(buttons) {
  const words = [];
  for (const one of buttons) {
    const last = words.at(-1);
    if (!last || /^\s|\s$/.test(one.textContent + (last.at(-1)?.textContent ?? "")) || last.length > LONGEST_WORD) words.push([one]);
    else last.push(one);
  }
  return words.map((word) => {
    const text = word[0].textContent;
    const apart = /^\s+\S/.test(text); // a space at the beginning of a line is not underlined
    if (apart) word[0].textContent = text.trimStart();
    return [apart ? " " : null, html("span", { class: "word" }, word)];
  });
}

// The difference to the answer of the model with everything switched on.
function changed(pane) {
  const { baseline, target, change } = pane.result;
  if (!baseline) return null;
  const end = pane.description.special?.end;
  const clean = (tokens) => tokens.filter((one) => one !== end);
  const before = clean(baseline.tokens ?? baseline.text.split(/(?<= )/));
  const parts = difference(before, clean(target.tokens));
  const same = parts.every((part) => part.kind === "same");
  const moved = change?.logProbabilityOfBaseline;
  return html("div", { class: "changed" },
    html("p", {}, html("b", {}, say(same ? "answer_same" : "answer_changed")), Number.isFinite(moved) ? [" ", explained(say("answer_nats", { nats: nats(moved) }))] : null),
    same ? null : html("p", { class: "diff", lang: "und" }, parts.map((part) => [html(part.kind === "gone" ? "del" : part.kind === "new" ? "ins" : "span", {}, visible(part.token)), " "])),
  );
}

// Whether the answer reached the maximum length before it ended. A continuation has no own end.
function cutOff({ result, description }) {
  const end = description.special?.end;
  return result.kind === "sequence" && end && result.target.tokens.length > 0 && result.target.tokens.at(-1) !== end;
}
