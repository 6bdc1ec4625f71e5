// ChatWindow: a conversation, and beside it the one row of tokens that the model is given.
//
// Left the messages, as a person sees them; right the sequence, as the model does. A
// forgotten message stays on the left, and is not on the right: the model knows nothing
// of it. The same holds for what has fallen out of the context window.

import { loadModel } from "./engine/model_file.js";
import {
  button, buttonRow, checkbox, scroller, select, slider, statusLine, textBox,
} from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { element, heading, setAttributes, stack, written } from "./parts/nodes.js";
import { realModel } from "./parts/real_model.js";
import { realTalker, tinyTalker } from "./parts/talkers.js";
import { counted, readable } from "./parts/words.js";

const ROLES = { system: "system", user: "you (user)", assistant: "assistant" };
const WRONG_TURN = "There is nothing to answer: the last message that is sent must be yours.";

const copyOf = (messages) => messages.map((message) => ({ ...message, content: message.content ?? "" }));

// --- State and computed ---------------------------------------------------------

// The messages of a conversation.
class Conversation {
  constructor(messages) {
    this.first = copyOf(messages);
    this.restart();
  }

  restart() {
    this.messages = copyOf(this.first);
    this.nAnswers = 0; // each answer has draws of its own
  }

  get sent() { return this.messages.filter(({ forgotten }) => !forgotten); }
}

// The rows of the sequence. The assistant's turn is open if the user has spoken last, or
// while it is written: then `writing` holds the tokens so far.
function rowsOf(given, writing) {
  const rows = given.turns.map(({ message, ids }) => ({ role: message.role, ids, isFresh: false }));
  const isOpen = writing || given.turns.at(-1)?.message.role === "user";
  const ids = [...given.opened, ...(writing?.ids ?? [])];
  return isOpen ? [...rows, { role: "assistant", ids, isFresh: Boolean(writing) }] : rows;
}

const countTokens = (rows) => rows.reduce((n, { ids }) => n + ids.length, 0);

function describe(given) {
  return `What is sent now: ${counted(given.turns.length, "message")}, `
    + `one row of ${counted(countTokens(rowsOf(given, null)), "token")}.`;
}

// Seen and spoken: who sees has the answer itself before their eyes.
function describeAnswer({ given, ids, text }, end) {
  const why = !end ? " There it was stopped." : end.isFull ? " There the window was full." : "";
  const lost = given.dropped.length
    ? ` ${counted(given.dropped.length, "message")} had fallen out of the window.` : "";
  const what = `Given ${counted(countTokens(rowsOf(given, { ids: [] })), "token")}, `
    + `the model wrote ${counted(ids.length, "token")}.${why}${lost}`;
  return [what, { spoken: ` It wrote: ${text}` }];
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
    focus: (index) => root.children[index]?.querySelector("button").focus(), // it may be gone by now
    show(messages, given, writing) {
      const isGiven = new Set([writing, ...given.turns.map(({ message }) => message)]);
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
function sequenceView(onIds) {
  const nTokens = element("span", { class: "tl-quiet" });
  const gauge = element("div", { class: "tl-chat-window", role: "img" });
  const sequence = scroller(element("ol", {
    class: "tl-chat-sequence", "aria-label": "the sequence of tokens",
  }));
  const ids = checkbox({ label: "show the token IDs", onInput: onIds });
  const legend = element("p", { class: "tl-chat-legend" },
    ...Object.entries(ROLES).map(([role, name]) => element("span", { "data-role": role }, name)));
  const tokenNode = (tokenizer, id, isFresh) => {
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
    show(rows, { tokenizer, config }) {
      rows.forEach(({ role, ids: row, isFresh }, at) => {
        const key = [role, isFresh, ids.value, config.vocab_size, ...row].join();
        const old = sequence.children[at];
        if (old?.dataset.key === key) return; // most rows stay as they are
        const node = element("li", {
          "data-key": key, "data-role": role, "aria-label": `${ROLES[role]}: ${tokenizer.decode(row)}`,
        }, ...row.map((id) => tokenNode(tokenizer, id, isFresh)));
        if (old) old.replaceWith(node);
        else sequence.append(node);
      });
      while (sequence.children.length > rows.length) sequence.lastChild.remove();
      const total = countTokens(rows);
      nTokens.textContent = `${total} of at most ${config.max_len} tokens`;
      gauge.replaceChildren(...rows.map(({ role, ids: row }) => element("span", {
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
  constructor({ get, set, bind }) {
    this.get = get;
    this.set = set;
    this.talk = new Conversation(get("messages"));
    this.talker = null; // who answers (talkers.js)
    this.given = null; // what is sent to it now
    this.writing = null; // the answer that is being written: { given, ids, text, message, stop }
    this.list = messageList((index) => this.forget(index));
    this.sequence = sequenceView(() => this.draw());
    this.status = statusLine();
    this.problem = element("p", { class: "tl-chat-problem", role: "alert", hidden: true });
    this.again = button("Answer again", () => this.answerAgain(), {
      title: "Send the list as it is now once more",
    });
    this.stopButton = button("Stop", () => this.stopWriting());
    this.makeText();
    this.root = this.layout({ temperature: this.temperatureSlider(bind), examples: this.exampleSelect() });
  }

  // From here on `talker` answers.
  async begin(talker) {
    this.stopWriting();
    this.talker = talker;
    await this.show();
    if (talker === this.talker && this.given) this.status.say(describe(this.given));
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
        buttonRow("the conversation", this.stopButton, this.again, restart), temperature.root),
      stack(...this.sequence.roots, this.status.root));
  }

  // What is wrong with what the reader wants; "" for nothing.
  warn(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
  }

  tooLong() {
    const { config, room } = this.talker;
    return `This message is too long: the model sees ${config.max_len} tokens at once, `
      + `and ${room} of them are kept free for the answer.`;
  }

  async send(content) {
    this.stopWriting();
    if (!content.trim()) return this.warn("Type a message first.");
    const message = { role: "user", content: content.trim() };
    const given = await this.talker.given([...this.talk.sent, message]);
    if (!given) return;
    if (!given.fits) return this.warn(this.tooLong());
    this.text.value = "";
    this.talk.messages.push(message);
    await this.write(given);
  }

  // Send the list once more, without the last answer.
  async answerAgain() {
    this.stopWriting();
    const { messages } = this.talk;
    if (messages.at(-1)?.role === "assistant") messages.pop();
    await this.show();
    if (this.talk.sent.at(-1)?.role !== "user") return this.warn(WRONG_TURN);
    if (!this.given.fits) return this.warn(this.tooLong());
    await this.write(this.given);
  }

  async startAgain() {
    this.stopWriting();
    this.talk.restart();
    this.warn("");
    await this.keep();
    this.status.say(`A new conversation. ${describe(this.given)}`);
    this.text.input.focus();
  }

  async forget(index) {
    this.stopWriting();
    const message = this.talk.messages[index];
    message.forgotten = !message.forgotten;
    await this.keep();
    this.list.focus(index);
    const what = message.forgotten ? "Forgotten: the model is no longer given" : "Sent again from now on:";
    this.status.say(`${what} “${message.content}”. ${describe(this.given)}`);
  }

  // The model's turn, token by token.
  async write(given) {
    const message = { role: "assistant", content: "" };
    const controller = new AbortController();
    const answer = { given, message, ids: [], text: "", stop: () => controller.abort() };
    this.warn("");
    this.given = given;
    this.talk.messages.push(message);
    this.writing = answer;
    this.status.say("The model is writing …");
    this.draw();
    const onToken = ({ id, text }) => {
      answer.ids.push(id);
      answer.text = message.content = text;
      if (this.writing === answer) this.draw();
    };
    const prompt = [...given.turns.flatMap(({ ids }) => ids), ...given.opened];
    const [temperature, seed] = [this.get("temperature"), this.get("seed") + this.talk.nAnswers++];
    try {
      const end = await this.talker.write(prompt, { temperature, seed, signal: controller.signal, onToken });
      if (this.writing !== answer) return; // stopped
      this.writing = null;
      this.status.say(...describeAnswer(answer, end));
    } catch (error) {
      this.stopWriting();
      this.warn(`The model cannot answer: ${error.message}.`);
    }
    await this.keep();
  }

  // What is written so far stays.
  stopWriting() {
    const answer = this.writing;
    if (!answer) return;
    this.writing = null;
    answer.stop();
    this.status.say(...describeAnswer(answer, null));
    this.keep();
  }

  keep() {
    this.set("messages", copyOf(this.talk.messages));
    return this.show();
  }

  // Asks what is sent now, and draws it.
  async show() {
    const { talker, talk } = this;
    const given = await talker.given(talk.sent);
    if (!given || this.writing || talker !== this.talker || talk !== this.talk) return;
    this.given = given;
    this.draw();
  }

  draw() {
    const { talk, writing } = this;
    this.list.show(talk.messages, this.given, writing?.message);
    this.sequence.show(rowsOf(this.given, writing), this.talker);
    this.again.disabled = !talk.messages.some(({ role }) => role === "user");
    // A button that is disabled loses the focus, and the keyboard its place.
    if (!writing && this.stopButton.matches(":focus")) this.text.input.focus();
    this.stopButton.disabled = !writing;
    for (const part of [this.list, this.sequence]) part.scroll(); // last: it lays the page out
  }

  // Somebody else, such as Python, has changed the messages.
  async onMessages() {
    if (JSON.stringify(this.get("messages")) === JSON.stringify(this.talk.messages)) return;
    this.writing?.stop();
    this.writing = null;
    this.talk = new Conversation(this.get("messages"));
    await this.show();
    if (this.given) this.status.say(describe(this.given));
  }
}

function render(figure) {
  const { root, onChange, onEnd, waitFor } = figure;
  const tiny = tinyTalker(loadModel(figure.get("model_file")));
  const session = new Session(figure);
  onChange("messages", () => session.onMessages());
  onEnd(() => session.writing?.stop());
  waitFor(session.begin(tiny));
  const real = realModel(figure, {
    onReady: (model) => session.begin(realTalker(model)),
    onGone: () => session.begin(tiny),
  });
  root.append(session.root, ...[real.root].filter(Boolean));
}

export default figure("ChatWindow", render, {
  anew: ["model_file", "real_model", "examples"],
  ranges: { temperature: [0, 2] },
});
