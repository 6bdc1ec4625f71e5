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
import { element, written } from "./parts/nodes.js";
import { wantsLessMotion } from "./parts/theme.js";
import { counted, readable } from "./parts/words.js";

const TOKEN_MS = 45; // between two tokens of an answer, so that it is seen to be written
const ROLES = { system: "system", user: "you (user)", assistant: "assistant" };

function render({ get, root, onChange, onEnd, set }) {
  const lm = loadModel(get("model_file"));
  const { tokenizer, config } = lm;
  const template = new ChatTemplate(JSON.parse(lm.metadata.template), tokenizer);
  const room = Math.max(1, Math.floor(config.max_len / 4)); // kept free for the answer
  let first = copyOf(get("messages"));
  let messages = copyOf(first);
  let nAnswers = 0; // each answer has draws of its own
  let writing = null; // the answer that is being written: { timer, finish }

  // --- Controls
  const list = scroller(element("ol", { class: "tl-chat-messages", "aria-label": "the conversation" }));
  const text = textBox({ label: "Your message", rows: 1, maxLength: 1000, onInput: () => say("") });
  text.input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send(text.value);
  });
  const sendButton = button("Send", () => send(text.value), { primary: true });
  const examples = select({
    label: "Or send one of these", value: "",
    options: [["", "choose …"], ...get("examples").map((example) => [example, example])],
    onInput: (example) => { if (example) send(example); examples.value = ""; },
  });
  const again = button("Answer again", answerAgain, { title: "Send the list as it is now once more" });
  const restart = button("New conversation", startAgain);
  const temperature = slider({
    label: "Temperature", min: 0, max: 2, step: 0.1, value: get("temperature"),
    format: (number) => number.toFixed(1), onInput: (number) => {
      set("temperature", number);
      status.say(number === 0 ? "Temperature 0: the likeliest token is always taken."
        : `Temperature ${number.toFixed(1)}: from the next answer on, tokens are drawn.`);
    },
  });
  const problem = element("p", { class: "tl-chat-problem", role: "alert", hidden: true });
  const status = statusLine();

  // --- The sequence
  const nTokens = element("span", { class: "tl-quiet" });
  const gauge = element("div", { class: "tl-chat-window", role: "img" });
  const sequence = scroller(element("ol", { class: "tl-chat-sequence", "aria-label": "the sequence of tokens" }));
  const ids = checkbox({ label: "show the token IDs", onInput: show });
  const legend = element("p", { class: "tl-chat-legend" },
    ...Object.entries(ROLES).map(([role, name]) => element("span", { "data-role": role }, name)));
  root.append(element("div", { class: "tl-columns tl-chat" },
    element("div", { class: "tl-stack" },
      element("div", { class: "tl-heading" }, "The conversation ", element("span", { class: "tl-quiet" }, "as you see it")),
      list, element("div", { class: "tl-chat-form" }, text.root, sendButton), problem, examples.root,
      buttonRow("the conversation", again, restart), temperature.root),
    element("div", { class: "tl-stack" },
      element("div", { class: "tl-heading" }, "What the model is given ", nTokens),
      gauge, legend, sequence, ids.root, status.root)));

  // --- What happens

  function say(sentence) {
    problem.textContent = sentence;
    problem.hidden = !sentence;
  }

  const sent = () => messages.filter(({ forgotten }) => !forgotten);
  const fitted = (list) => fit(template, list, { maxLen: config.max_len, room });

  function send(content) {
    finishWriting();
    if (!content.trim()) return say("Type a message first.");
    const message = { role: "user", content: content.trim() };
    if (!fitted([...sent(), message]).fits) return say(tooLong());
    say("");
    text.value = "";
    messages.push(message);
    write();
  }

  function tooLong() {
    return `This message is too long: the model sees ${config.max_len} tokens at once, and ${room} of them are kept free for the answer.`;
  }

  // Send the list once more, without the last answer.
  function answerAgain() {
    finishWriting();
    const last = messages.findLastIndex(({ role }) => role === "assistant");
    if (last === messages.length - 1) messages.pop();
    if (sent().at(-1)?.role !== "user") {
      show();
      return say("There is nothing to answer: the last message that is sent must be yours.");
    }
    if (!fitted(sent()).fits) return say(tooLong());
    say("");
    write();
  }

  function startAgain() {
    stopWriting();
    messages = copyOf(first);
    nAnswers = 0;
    changed();
    say("");
    status.say(`A new conversation. ${describe()}`);
    text.input.focus();
  }

  function forget(index) {
    finishWriting();
    const message = messages[index];
    message.forgotten = !message.forgotten;
    changed();
    list.children[index].querySelector("button").focus();
    status.say(message.forgotten
      ? `Forgotten: the model is no longer given “${message.content}”. ${describe()}`
      : `Sent again from now on: “${message.content}”. ${describe()}`);
  }

  // The model's turn: token by token, all at once for those who want less motion.
  function write() {
    const given = fitted(sent());
    const prompt = [...given.turns.flatMap((turn) => turn.ids), ...given.opened];
    const reply = { role: "assistant", content: "" };
    const tokens = stream(lm, prompt, {
      temperature: temperature.value, random: seededRandom(get("seed") + nAnswers),
    });
    nAnswers += 1;
    messages.push(reply);
    const written = [];
    const step = () => {
      const { value: id, done } = tokens.next();
      if (!done) written.push(id);
      const ended = done || tokenizer.isSpecial(id);
      reply.content = tokenizer.decode(written.filter((token) => !tokenizer.isSpecial(token)));
      return ended;
    };
    const finish = () => {
      writing = null;
      changed({ fresh: reply });
      const why = tokenizer.isSpecial(written.at(-1)) ? "" : " There the window was full.";
      const lost = given.dropped.length
        ? ` ${counted(given.dropped.length, "message")} had fallen out of the window.` : "";
      status.say(`Given ${counted(prompt.length, "token")}, the model wrote ${counted(written.length, "token")}: ${reply.content}.${why}${lost}`);
    };
    if (wantsLessMotion()) {
      while (!step());
      finish();
      return;
    }
    status.say("The model is writing …");
    const tick = () => {
      if (step()) return finish();
      show({ fresh: reply });
      writing.timer = setTimeout(tick, TOKEN_MS);
    };
    writing = { timer: 0, finish: () => { clearTimeout(writing.timer); while (!step()); finish(); } };
    tick();
  }

  function finishWriting() {
    writing?.finish();
  }

  function stopWriting() {
    if (writing) clearTimeout(writing.timer);
    writing = null;
  }

  // --- The picture

  function changed(options) {
    set("messages", copyOf(messages));
    show(options);
  }

  function show({ fresh = null } = {}) {
    const open = sent().at(-1)?.role === "user"; // the assistant's turn comes next
    const given = fitted(sent());
    const isGiven = new Set(given.turns.map(({ message }) => message));
    list.replaceChildren(...messages.map((message, index) => {
      const fell = !message.forgotten && !isGiven.has(message);
      const note = message.forgotten ? " – forgotten" : fell ? " – fell out of the window" : "";
      return element("li", { "data-role": message.role, class: note ? "tl-not-sent" : null },
        element("span", { class: "tl-chat-role" }, `${ROLES[message.role]}${note}`),
        element("span", { class: "tl-chat-text" }, message.content),
        forgetButton(message, index));
    }));
    list.scrollTop = list.scrollHeight;
    const turns = [...given.turns.map(({ message, ids }) => ({ role: message.role, ids, fresh: message === fresh })),
      ...(open ? [{ role: "assistant", ids: given.opened }] : [])];
    sequence.replaceChildren(...turns.map(({ role, ids: row, fresh: isFresh }) => element("li", { "data-role": role, "aria-label": `${ROLES[role]}: ${tokenizer.decode(row)}` },
      ...row.map((id) => token(id, isFresh)))));
    sequence.scrollTop = sequence.scrollHeight;
    const total = turns.reduce((n, turn) => n + turn.ids.length, 0);
    nTokens.textContent = `${total} of at most ${config.max_len} tokens`;
    gauge.replaceChildren(...turns.map(({ role, ids: row }) => element("span", {
      "data-role": role, style: `width: ${(100 * row.length) / config.max_len}%`,
    })));
    gauge.setAttribute("aria-label", `the context window: ${total} of ${config.max_len} tokens are used`);
    again.disabled = !messages.some(({ role }) => role === "user");
  }

  function token(id, isFresh) {
    const special = tokenizer.isSpecial(id);
    const shown = special ? tokenizer.piece(id) : readable(tokenizer.piece(id));
    const node = written("span", {
      class: ["tl-chat-token", special && "tl-special", isFresh && "tl-fresh"].filter(Boolean).join(" "), title: `token ID ${id}`,
    }, shown);
    if (ids.value) node.append(element("small", {}, String(id)));
    return node;
  }

  function forgetButton(message, index) {
    const node = button(message.forgotten ? "Remember" : "Forget", () => forget(index));
    node.setAttribute("aria-label", `${node.textContent} message ${index + 1}: ${message.content}`);
    return node;
  }

  function describe() {
    const { turns } = fitted(sent());
    return `What is sent now: ${counted(turns.length, "message")}, one row of ${counted(sequence.querySelectorAll(".tl-chat-token").length, "token")}.`;
  }

  // --- When Python changes something
  const hearMessages = () => {
    if (JSON.stringify(get("messages")) === JSON.stringify(messages)) return;
    stopWriting();
    first = copyOf(get("messages"));
    messages = copyOf(first);
    show();
    status.say(describe());
  };
  const hearTemperature = () => { temperature.value = get("temperature"); };
  onChange("messages", hearMessages);
  onChange("temperature", hearTemperature);
  show();
  status.say(describe());
  onEnd(() => {
    stopWriting();
  });
}

const copyOf = (messages) => messages.map((message) => ({ ...message, content: message.content ?? "" }));

export default figure("ChatWindow", render, {
  anew: ["model_file", "examples"],
  ranges: { temperature: [0, 2] },
});
