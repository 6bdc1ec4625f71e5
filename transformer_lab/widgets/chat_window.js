// ChatWindow: a conversation, and beside it the one row of tokens that the model is given.
//
// Left the messages, as a person sees them; right the sequence, as the model does. A
// forgotten message stays on the left, and is not on the right: the model knows nothing
// of it. The same holds for what has fallen out of the context window.

import { ChatTemplate, fit } from "./engine/chatting.js";
import { stream } from "./engine/generation.js";
import { loadModel } from "./engine/model_file.js";
import { seededRandom } from "./engine/sampling.js";
import {
  button, buttonRow, checkbox, scroller, select, slider, statusLine, textBox,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, heading, setAttributes, stack, written } from "./parts/nodes.js";
import { wantsLessMotion } from "./parts/theme.js";
import { counted, readable } from "./parts/words.js";

const TOKEN_MS = 45; // between two tokens of an answer, so that it is seen to be written
const ROLES = { system: "system", user: "you (user)", assistant: "assistant" };
const WRONG_TURN = "There is nothing to answer: the last message that is sent must be yours.";

const copyOf = (messages) => messages.map((message) => ({ ...message, content: message.content ?? "" }));

// --- State and computed ---------------------------------------------------------

// The messages of a conversation and what the model is given of them.
class Conversation {
  constructor(lm, messages) {
    this.lm = lm;
    this.template = new ChatTemplate(JSON.parse(lm.metadata.template), lm.tokenizer);
    this.maxLen = lm.config.max_len;
    this.room = Math.max(1, Math.floor(this.maxLen / 4)); // kept free for the answer
    this.begin(messages);
  }

  begin(messages) {
    this.first = copyOf(messages);
    this.restart();
  }

  restart() {
    this.messages = copyOf(this.first);
    this.nAnswers = 0; // each answer has draws of its own
  }

  get sent() { return this.messages.filter(({ forgotten }) => !forgotten); }

  // What the model is given of what is sent, and of a further message.
  given(...further) {
    return fit(this.template, [...this.sent, ...further], { maxLen: this.maxLen, room: this.room });
  }

  // The rows of the sequence; the assistant's turn is open if the user has spoken last.
  turns(given, fresh) {
    const isOpen = this.sent.at(-1)?.role === "user";
    return [
      ...given.turns.map(({ message, ids }) => ({ role: message.role, ids, isFresh: message === fresh })),
      ...(isOpen ? [{ role: "assistant", ids: given.opened, isFresh: false }] : []),
    ];
  }

  // The model's turn. `step()` writes one token and says whether that was the last.
  answer({ temperature, seed }) {
    const { tokenizer } = this.lm;
    const given = this.given();
    const prompt = [...given.turns.flatMap((turn) => turn.ids), ...given.opened];
    const random = seededRandom(seed + this.nAnswers);
    const tokens = stream(this.lm, prompt, { temperature, random });
    const message = { role: "assistant", content: "" };
    const ids = [];
    this.nAnswers += 1;
    this.messages.push(message);
    return {
      message,
      step() {
        const { value: id, done } = tokens.next();
        if (!done) ids.push(id);
        message.content = tokenizer.decode(ids.filter((one) => !tokenizer.isSpecial(one)));
        return done || tokenizer.isSpecial(id);
      },
      describe() {
        const why = tokenizer.isSpecial(ids.at(-1)) ? "" : " There the window was full.";
        const lost = given.dropped.length
          ? ` ${counted(given.dropped.length, "message")} had fallen out of the window.` : "";
        return `Given ${counted(prompt.length, "token")}, the model wrote ${counted(ids.length, "token")}: `
          + `${message.content}.${why}${lost}`;
      },
    };
  }

  tooLong() {
    return `This message is too long: the model sees ${this.maxLen} tokens at once, `
      + `and ${this.room} of them are kept free for the answer.`;
  }

  describe() {
    const given = this.given();
    const nTokens = this.turns(given, null).reduce((n, { ids }) => n + ids.length, 0);
    return `What is sent now: ${counted(given.turns.length, "message")}, `
      + `one row of ${counted(nTokens, "token")}.`;
  }
}

// --- Drawn ----------------------------------------------------------------------

// Left: the messages.
function messageList(onForget) {
  const root = scroller(element("ol", { class: "tl-chat-messages", "aria-label": "the conversation" }));
  const forgetButton = (message, index) => {
    const node = button(message.forgotten ? "Remember" : "Forget", () => onForget(index));
    node.setAttribute("aria-label", `${node.textContent} message ${index + 1}: ${message.content}`);
    return node;
  };
  return {
    root,
    focus: (index) => root.children[index].querySelector("button").focus(),
    show(messages, given) {
      const isGiven = new Set(given.turns.map(({ message }) => message));
      root.replaceChildren(...messages.map((message, index) => {
        const note = message.forgotten ? " – forgotten"
          : isGiven.has(message) ? "" : " – fell out of the window";
        return element("li", { "data-role": message.role, class: note ? "tl-not-sent" : null },
          element("span", { class: "tl-chat-role" }, `${ROLES[message.role]}${note}`),
          element("span", { class: "tl-chat-text" }, message.content),
          forgetButton(message, index));
      }));
    },
    scroll: () => { root.scrollTop = root.scrollHeight; },
  };
}

// Right: the sequence of tokens, and how full the window is.
function sequenceView({ tokenizer, config }, onIds) {
  const nTokens = element("span", { class: "tl-quiet" });
  const gauge = element("div", { class: "tl-chat-window", role: "img" });
  const sequence = scroller(element("ol", {
    class: "tl-chat-sequence", "aria-label": "the sequence of tokens",
  }));
  const ids = checkbox({ label: "show the token IDs", onInput: onIds });
  const legend = element("p", { class: "tl-chat-legend" },
    ...Object.entries(ROLES).map(([role, name]) => element("span", { "data-role": role }, name)));
  const tokenNode = (id, isFresh) => {
    const isSpecial = tokenizer.isSpecial(id);
    const piece = tokenizer.piece(id);
    const kinds = ["tl-chat-token", isSpecial && "tl-special", isFresh && "tl-fresh"].filter(Boolean);
    const node = written("span", { class: kinds.join(" "), title: `token ID ${id}` },
      isSpecial ? piece : readable(piece));
    if (ids.value) node.append(element("small", {}, String(id)));
    return node;
  };
  const title = element("div", { class: "tl-heading" }, "What the model is given ", nTokens);
  return {
    roots: [title, gauge, legend, sequence, ids.root],
    show(turns) {
      sequence.replaceChildren(...turns.map(({ role, ids: row, isFresh }) => element("li", {
        "data-role": role, "aria-label": `${ROLES[role]}: ${tokenizer.decode(row)}`,
      }, ...row.map((id) => tokenNode(id, isFresh)))));
      const total = turns.reduce((n, turn) => n + turn.ids.length, 0);
      nTokens.textContent = `${total} of at most ${config.max_len} tokens`;
      gauge.replaceChildren(...turns.map(({ role, ids: row }) => element("span", {
        "data-role": role, style: `width: ${(100 * row.length) / config.max_len}%`,
      })));
      setAttributes(gauge, {
        "aria-label": `the context window: ${total} of ${config.max_len} tokens are used`,
      });
    },
    scroll: () => { sequence.scrollTop = sequence.scrollHeight; },
  };
}

// --- What happens ---------------------------------------------------------------

class Session {
  constructor({ root, get, set, bind }) {
    this.get = get;
    this.set = set;
    this.lm = loadModel(get("model_file"));
    this.talk = new Conversation(this.lm, get("messages"));
    this.writing = null; // the answer that is being written: { timer, finish }
    this.list = messageList((index) => this.forget(index));
    this.sequence = sequenceView(this.lm, () => this.show());
    this.status = statusLine();
    this.problem = element("p", { class: "tl-chat-problem", role: "alert", hidden: true });
    this.again = button("Answer again", () => this.answerAgain(), {
      title: "Send the list as it is now once more",
    });
    this.makeText();
    root.append(this.layout({ temperature: this.temperatureSlider(bind), examples: this.exampleSelect() }));
  }

  makeText() {
    this.text = textBox({
      label: "Your message", rows: 1, maxLength: 1000, onInput: () => this.warn(""),
    });
    this.text.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send(this.text.value);
    });
  }

  exampleSelect() {
    const examples = select({
      label: "Or send one of these", value: "",
      options: [["", "choose …"], ...this.get("examples").map((example) => [example, example])],
      onInput: (example) => {
        if (example) this.send(example);
        examples.value = "";
      },
    });
    return examples;
  }

  temperatureSlider(bind) {
    return bind("temperature", slider, {
      label: "Temperature", min: 0, max: 2, step: 0.1, format: (number) => number.toFixed(1),
      onInput: (number) => this.status.say(
        number === 0 ? "Temperature 0: the likeliest token is always taken."
          : `Temperature ${number.toFixed(1)}: from the next answer on, tokens are drawn.`),
    });
  }

  layout({ temperature, examples }) {
    const sendButton = button("Send", () => this.send(this.text.value), { primary: true });
    const restart = button("New conversation", () => this.startAgain());
    return element("div", { class: "tl-columns tl-chat" },
      stack(heading("The conversation ", "as you see it"), this.list.root,
        element("div", { class: "tl-chat-form" }, this.text.root, sendButton), this.problem, examples.root,
        buttonRow("the conversation", this.again, restart), temperature.root),
      stack(...this.sequence.roots, this.status.root));
  }

  // What is wrong with what the reader wants; "" for nothing.
  warn(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
  }

  send(content) {
    this.finishWriting();
    if (!content.trim()) return this.warn("Type a message first.");
    const message = { role: "user", content: content.trim() };
    if (!this.talk.given(message).fits) return this.warn(this.talk.tooLong());
    this.warn("");
    this.text.value = "";
    this.talk.messages.push(message);
    this.write();
  }

  // Send the list once more, without the last answer.
  answerAgain() {
    this.finishWriting();
    const { messages } = this.talk;
    if (messages.at(-1)?.role === "assistant") messages.pop();
    if (this.talk.sent.at(-1)?.role !== "user") {
      this.show();
      return this.warn(WRONG_TURN);
    }
    if (!this.talk.given().fits) return this.warn(this.talk.tooLong());
    this.warn("");
    this.write();
  }

  startAgain() {
    this.stopWriting();
    this.talk.restart();
    this.keep();
    this.warn("");
    this.status.say(`A new conversation. ${this.talk.describe()}`);
    this.text.input.focus();
  }

  forget(index) {
    this.finishWriting();
    const message = this.talk.messages[index];
    message.forgotten = !message.forgotten;
    this.keep();
    this.list.focus(index);
    const what = message.forgotten ? "Forgotten: the model is no longer given" : "Sent again from now on:";
    this.status.say(`${what} “${message.content}”. ${this.talk.describe()}`);
  }

  // The model's turn: token by token, all at once for those who want less motion.
  write() {
    const answer = this.talk.answer({ temperature: this.get("temperature"), seed: this.get("seed") });
    const finish = () => {
      this.stopWriting();
      while (!answer.isOver) answer.isOver = answer.step();
      this.keep(answer.message);
      this.status.say(answer.describe());
    };
    if (wantsLessMotion()) return finish();
    this.status.say("The model is writing …");
    this.writing = { timer: 0, finish };
    const tick = () => {
      answer.isOver = answer.step();
      if (answer.isOver) return finish();
      this.show(answer.message);
      this.writing.timer = setTimeout(tick, TOKEN_MS);
    };
    tick();
  }

  finishWriting() {
    this.writing?.finish();
  }

  stopWriting() {
    if (this.writing) clearTimeout(this.writing.timer);
    this.writing = null;
  }

  keep(fresh = null) {
    this.set("messages", copyOf(this.talk.messages));
    this.show(fresh);
  }

  show(fresh = null) {
    const { talk } = this;
    const given = talk.given();
    this.list.show(talk.messages, given);
    this.sequence.show(talk.turns(given, fresh));
    this.again.disabled = !talk.messages.some(({ role }) => role === "user");
    for (const part of [this.list, this.sequence]) part.scroll(); // last: it lays the page out
  }

  // Somebody else, such as Python, has changed the messages.
  onMessages() {
    if (JSON.stringify(this.get("messages")) === JSON.stringify(this.talk.messages)) return;
    this.stopWriting();
    this.talk.begin(this.get("messages"));
    this.show();
    this.status.say(this.talk.describe());
  }
}

function render(figure) {
  const session = new Session(figure);
  figure.onChange("messages", () => session.onMessages());
  figure.onEnd(() => session.stopWriting());
  session.show();
  session.status.say(session.talk.describe());
}

export default figure("ChatWindow", render, {
  anew: ["model_file", "examples"],
  ranges: { temperature: [0, 2] },
});
