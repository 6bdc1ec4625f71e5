// Chatting: a list of messages becomes one row of tokens, and the model goes on from there.
//
// As transformer_lab/chat/ (template.py, model.py): the same tokens, the same rule for
// what falls out of the context window. Taught in chapter 14.

// How a model writes a conversation: one special token opens a turn, another closes it.
// What people write is encoded as plain text, so nobody can type the end of a turn.
export class ChatTemplate {
  // choices: Python's ChatTemplate as JSON; tokenizer: with its special tokens.
  constructor({ opening, closing, header = "", after = "", default_system: defaultSystem = null },
    tokenizer) {
    this.opening = opening;
    this.closing = closing;
    this.header = header;
    this.after = after;
    this.defaultSystem = defaultSystem; // the system message of a list that has none
    this.tokenizer = tokenizer;
  }

  // The token IDs of one message { role, content }.
  turn({ role, content }) {
    const { tokenizer } = this;
    return [
      tokenizer.special.get(this.opening[role]),
      ...tokenizer.encodePlain(this.header.replaceAll("{role}", role) + content),
      tokenizer.special.get(this.closing),
      ...tokenizer.encodePlain(this.after),
    ];
  }

  // The messages, with the default system message if they have none.
  withSystem(messages) {
    if (this.defaultSystem === null || messages[0]?.role === "system") return messages;
    return [{ role: "system", content: this.defaultSystem }, ...messages];
  }

  // The opening of the assistant's turn, which the model goes on from.
  opened() {
    const header = this.tokenizer.encodePlain(this.header.replaceAll("{role}", "assistant"));
    return [this.tokenizer.special.get(this.opening.assistant), ...header];
  }
}

// Cuts a conversation so that `room` tokens are left for the answer. The system message
// stays; the oldest exchange (a message of the user and what answers it) falls out first,
// whole. Returns { turns: [{ message, ids }], opened: IDs, nTokens, dropped: messages,
// fits }; `fits` is false if even the last message is too long.
export function fit(template, messages, { maxLen, room }) {
  const turns = template.withSystem(messages).map((message) => ({ message, ids: template.turn(message) }));
  const system = turns.filter(({ message }, i) => i === 0 && message.role === "system");
  const exchanges = [];
  for (const turn of turns.slice(system.length)) {
    if (turn.message.role === "user" || !exchanges.length) exchanges.push([]);
    exchanges.at(-1).push(turn);
  }
  const opened = template.opened();
  const kept = () => [...system, ...exchanges.flat()];
  const nTokens = () => kept().reduce((n, { ids }) => n + ids.length, opened.length);
  const dropped = [];
  while (exchanges.length > 1 && nTokens() + room > maxLen) {
    dropped.push(...exchanges.shift().map(({ message }) => message));
  }
  return { turns: kept(), opened, nTokens: nTokens(), dropped, fits: nTokens() + room <= maxLen };
}
