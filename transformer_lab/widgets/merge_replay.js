// MergeReplay: how a tokenizer learns its pieces, one merge at a time.
//
// The whole run is computed in the page, from the reader's own text. At each step
// stand the words as they are cut by now, and the pairs that could be merged next.

import { join, train } from "./engine/merging.js";
import { lettersOfBytes } from "./engine/tokenizer.js";
import {
  button, checkbox, scroller, select, slider, statusLine, textBox,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack, written } from "./parts/nodes.js";
import { debounce } from "./parts/time.js";
import { counted, readable, spoken } from "./parts/words.js";

const N_PAIRS = 8;
const N_WORDS = 40;
const MAX_LETTERS = 1500;

// --- Computed -------------------------------------------------------------------

// What stands after so many merges, and what could be merged next (`best`: null at the end).
function stepOf({ states, steps }, at, method) {
  const { words, order } = states[at];
  return {
    at, words, order, isBpe: method === "bpe", names: namesFor(method), pairs: steps[at].slice(0, N_PAIRS),
    best: at === states.length - 1 ? null : steps[at][0],
    newest: at ? join(method, steps[at - 1][0].pair) : null,
  };
}

// --- In words -------------------------------------------------------------------

const byteOf = new Map(lettersOfBytes().map((letter, byte) => [letter, byte]));

// How the pieces and pairs of a method are called.
function namesFor(method) {
  // A piece as the reader knows it: bytes that make a letter are shown as that letter.
  const shown = (piece) => (method === "bpe"
    ? readable(new TextDecoder().decode(Uint8Array.from(piece, (letter) => byteOf.get(letter)))) : piece);
  return {
    shown,
    named: (pair) => pair.map(shown).join(" + "),
    why: ({ count, left, right, score }) => (method === "bpe" ? `seen ${count} times`
      : `score ${count} / (${left} × ${right}) = ${score.toPrecision(2)}`),
  };
}

// What the reader's guess was worth.
function verdict(chosen, best, { named, why }) {
  if (chosen === best) return `Right: ${named(best.pair)}, ${why(best)}. `;
  return chosen.score === best.score
    ? `As good: ${named(chosen.pair)} has the same score, and the tie goes to ${named(best.pair)}. `
    : `Not yet: ${named(chosen.pair)} (${why(chosen)}) loses to ${named(best.pair)} (${why(best)}). `;
}

function describe({ at, best, order, newest, isGuessing, names }) {
  const done = at ? `Merge ${at} made ${names.shown(newest)}. `
    : "Before the first merge, every word is cut into single letters. ";
  const following = !best ? "No pair is left that was seen twice: it is done."
    : isGuessing ? "Which pair comes next? Choose one."
      : `Next: ${names.named(best.pair)}, ${names.why(best)}.`;
  return `${done}The vocabulary has ${counted(order.size, "piece")}. ${following}`;
}

// --- Drawn ----------------------------------------------------------------------

// The words as they are cut by now, the newest piece marked.
function wordList() {
  const list = scroller(element("ul", {
    class: "tl-merge-words", "aria-label": "the words as they are cut by now",
  }));
  const note = element("p", { class: "tl-caption" });
  return {
    root: stack(heading("The words, cut by now"), list, note),
    show({ words, newest, names: { shown } }) {
      const inOrder = [...words].sort((one, other) => other.count - one.count);
      list.replaceChildren(...inOrder.slice(0, N_WORDS).map(({ pieces, count }) => element("li", {},
        ...pieces.map((piece) => written("span", {
          class: piece === newest ? "tl-piece tl-new" : "tl-piece",
        }, shown(piece))),
        element("span", { class: "tl-quiet" }, ` × ${count}`))));
      note.textContent = words.length > N_WORDS
        ? `and ${counted(words.length - N_WORDS, "more word")}` : "";
    },
  };
}

// The pairs with their counts; while the reader guesses, in another order and without them.
function showPairs(table, { pairs, best, isBpe, isGuessing, names }, onGuess) {
  const { named } = names;
  const isHidden = isGuessing && best;
  const titles = isHidden ? ["pair", ""] : isBpe ? ["pair", "count"] : ["pair", "count", "parts", "score"];
  const rows = isHidden
    ? [...pairs].sort((one, other) => (named(one.pair) < named(other.pair) ? -1 : 1)) : pairs;
  const isBest = (row) => !isHidden && row === best;
  const cells = (row) => (isHidden ? [guessButton(named(row.pair), () => onGuess(row))]
    : numbersOf(row, isBpe));
  table.replaceChildren(
    element("caption", { class: "tl-spoken" }, "pairs of neighbouring pieces"),
    element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...rows.map((row) => element("tr", { class: isBest(row) ? "tl-next-pair" : "" },
      written("th", { scope: "row" }, `${isBest(row) ? "▸ " : ""}${named(row.pair)}`),
      ...cells(row).map((cell) => element("td", {}, cell))))));
}

function numbersOf({ count, left, right, score }, isBpe) {
  return isBpe ? [String(count)]
    : [String(count), `${left} × ${right}`, score ? score.toPrecision(2) : "seen too rarely"];
}

function guessButton(name, onClick) {
  const choose = button("This one", onClick);
  choose.setAttribute("aria-label", `This one: ${spoken(name)}`);
  return choose;
}

// --- Wired ----------------------------------------------------------------------

function render({ root, get, set, bind, onChange }) {
  let run = null;
  let remark = "";
  const here = () => Math.min(get("merges"), run.states.length - 1);
  const goTo = (number) => { remark = ""; set("merges", number); };
  const restart = (trait) => (value) => { set("merges", 0); set(trait, value); };

  const text = textBox({
    label: "What it learns from", value: get("text"), rows: 3, maxLength: MAX_LETTERS,
    onInput: debounce(restart("text"), 200),
  });
  const choice = select({
    label: "Which pair next?", value: get("method"), onInput: restart("method"),
    options: [["bpe", "the most frequent (BPE)"], ["wordpiece", "the best score (WordPiece)"]],
  });
  const guess = bind("guess", checkbox, {
    label: "Let me guess: hide the counts", onInput: () => { remark = ""; },
  });
  const merges = slider({ label: "Merges made", min: 0, max: 1, value: 0, onInput: goTo });
  const next = button("Next merge →", () => goTo(here() + 1), { primary: true });
  const words = wordList();
  const table = element("table", { class: "tl-merge-pairs" });
  const status = statusLine();
  root.append(stack(text.root, choice.root,
    element("div", { class: "tl-replay-controls" }, merges.root, next), guess.root, status.root,
    columns(words.root, stack(heading("Pairs of neighbours"), table))));

  const learn = () => {
    [text.value, choice.value] = [get("text"), get("method")];
    remark = "";
    run = train(text.value, get("method"));
    merges.input.max = run.states.length - 1;
    show();
  };
  const show = () => {
    const now = { ...stepOf(run, here(), get("method")), isGuessing: get("guess") };
    merges.value = now.at;
    next.disabled = now.best === null;
    words.show(now);
    showPairs(table, now, (chosen) => {
      remark = verdict(chosen, now.best, now.names);
      set("merges", now.at + 1);
      next.focus();
    });
    status.say(remark + describe(now));
  };
  onChange("text method", learn);
  onChange("merges guess", show);
  learn();
}

export default figure("MergeReplay", render, { ranges: { merges: [0, Infinity] } });
