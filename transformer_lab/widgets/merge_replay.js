// MergeReplay: how a tokenizer learns its pieces, one merge at a time.
//
// The whole run is computed in the page, from the reader's own text. At each step
// stand the words as they are cut by now, and the pairs that could be merged next.

import { join, train } from "./engine/merging.js";
import { lettersOfBytes } from "./engine/tokenizer.js";
import { button, checkbox, scroller, select, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, written } from "./parts/nodes.js";
import { debounce } from "./parts/time.js";
import { counted, readable, spoken } from "./parts/words.js";

const N_PAIRS = 8;
const N_WORDS = 40;
const MAX_LETTERS = 1500;

function render({ get, root, onChange, set }) {
  const byteOf = new Map(lettersOfBytes().map((letter, byte) => [letter, byte]));
  let run = null;
  let remark = "";

  const method = () => get("method");
  const last = () => run.states.length - 1;
  const here = () => Math.min(get("merges"), last());
  // A piece as the reader knows it: bytes that make a letter are shown as that letter.
  const shown = (piece) => (method() === "bpe"
    ? readable(new TextDecoder().decode(Uint8Array.from(piece, (letter) => byteOf.get(letter)))) : piece);
  const named = (pair) => pair.map(shown).join(" + ");

  const text = textBox({
    label: "What it learns from", value: get("text"), rows: 3, maxLength: MAX_LETTERS,
    onInput: debounce(() => { set("merges", 0); set("text", text.value); learn(); }, 200),
  });
  const choice = select({
    label: "Which pair next?", value: method(),
    options: [["bpe", "the most frequent (BPE)"], ["wordpiece", "the best score (WordPiece)"]],
    onInput: (value) => { set("merges", 0); set("method", value); learn(); },
  });
  const guess = checkbox({
    label: "Let me guess: hide the counts", value: get("guess"),
    onInput: (ticked) => { remark = ""; set("guess", ticked); show(); },
  });
  const merges = slider({
    label: "Merges made", min: 0, max: 1, value: 0,
    onInput: (number) => { remark = ""; set("merges", number); show(); },
  });
  const next = button("Next merge →", () => { remark = ""; set("merges", here() + 1); show(); }, { primary: true });
  const words = scroller(element("ul", { class: "tl-merge-words", "aria-label": "the words as they are cut by now" }));
  const wordNote = element("p", { class: "tl-caption" });
  const table = element("table", { class: "tl-merge-pairs" });
  const status = statusLine();
  root.append(element("div", { class: "tl-stack" },
    text.root, choice.root, element("div", { class: "tl-replay-controls" }, merges.root, next), guess.root, status.root,
    element("div", { class: "tl-columns" },
      element("div", { class: "tl-stack" }, element("div", { class: "tl-heading" }, "The words, cut by now"), words, wordNote),
      element("div", { class: "tl-stack" }, element("div", { class: "tl-heading" }, "Pairs of neighbours"), table))));

  function learn() {
    remark = "";
    run = train(text.value, method());
    merges.input.max = last();
    show();
  }

  function show() {
    const at = here();
    const { words: cut, order } = run.states[at];
    const pairs = run.steps[at];
    const isOver = at === last();
    const best = isOver ? null : pairs[0];
    merges.value = at;
    next.disabled = isOver;
    const newest = at ? join(method(), run.steps[at - 1][0].pair) : null;
    const inOrder = [...cut].sort((one, other) => other.count - one.count);
    words.replaceChildren(...inOrder.slice(0, N_WORDS).map(({ pieces, count }) => element("li", {},
      ...pieces.map((piece) => written("span", { class: piece === newest ? "tl-piece tl-new" : "tl-piece" }, shown(piece))),
      element("span", { class: "tl-quiet" }, ` × ${count}`))));
    wordNote.textContent = cut.length > N_WORDS ? `and ${counted(cut.length - N_WORDS, "more word")}` : "";
    showPairs(pairs.slice(0, N_PAIRS), best);
    const vocabulary = counted(order.size, "piece");
    const done = at ? `Merge ${at} made ${shown(newest)}. ` : "Before the first merge, every word is cut into single letters. ";
    const following = isOver ? "No pair is left that was seen twice: it is done."
      : get("guess") ? "Which pair comes next? Choose one." : `Next: ${named(best.pair)}, ${why(best)}.`;
    status.say(`${remark}${done}The vocabulary has ${vocabulary}. ${following}`);
  }

  function why({ count, left, right, score }) {
    return method() === "bpe" ? `seen ${count} times`
      : `score ${count} / (${left} × ${right}) = ${score.toPrecision(2)}`;
  }

  function showPairs(pairs, best) {
    const hidden = get("guess") && best;
    const columns = hidden ? ["pair", ""] : method() === "bpe" ? ["pair", "count"] : ["pair", "count", "parts", "score"];
    const rows = hidden ? [...pairs].sort((one, other) => (named(one.pair) < named(other.pair) ? -1 : 1)) : pairs;
    const cells = (row) => {
      if (hidden) {
        const choose = button("This one", () => check(row, best));
        choose.setAttribute("aria-label", `This one: ${spoken(named(row.pair))}`);
        return [choose];
      }
      const numbers = method() === "bpe" ? [row.count]
        : [row.count, `${row.left} × ${row.right}`, row.score ? row.score.toPrecision(2) : "seen too rarely"];
      return numbers.map(String);
    };
    table.replaceChildren(
      element("caption", { class: "tl-spoken" }, "pairs of neighbouring pieces"),
      element("thead", {}, element("tr", {}, ...columns.map((title) => element("th", { scope: "col" }, title)))),
      element("tbody", {}, ...rows.map((row) => element("tr", { class: !hidden && row === best ? "tl-next-pair" : "" },
        written("th", { scope: "row" }, !hidden && row === best ? `▸ ${named(row.pair)}` : named(row.pair)),
        ...cells(row).map((cell) => element("td", {}, cell))))));
  }

  function check(chosen, best) {
    const tie = chosen !== best && chosen.score === best.score;
    if (chosen === best) remark = `Right: ${named(best.pair)}, ${why(best)}. `;
    else if (tie) remark = `As good: ${named(chosen.pair)} has the same score, and the tie goes to ${named(best.pair)}. `;
    else remark = `Not yet: ${named(chosen.pair)} (${why(chosen)}) loses to ${named(best.pair)} (${why(best)}). `;
    set("merges", here() + 1);
    show();
    next.focus();
  }

  const hearText = () => { text.value = get("text"); choice.value = method(); learn(); };
  const hearStep = () => { guess.value = get("guess"); show(); };
  onChange("text method", hearText);
  onChange("merges guess", hearStep);
  learn();
}

export default figure("MergeReplay", render, { ranges: { merges: [0, Infinity] } });
