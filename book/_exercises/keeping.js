// All that the reader has written and solved: written to a file, read from one, or forgotten.
//
// Each function is given the names of the page's exercises and the reader's record
// (storage.js), and gives the sentence that tells the reader what was done ("" for nothing).

import { button, make, megabytes } from "./nodes.js";
import { isInBook } from "./progress.js";
import { KEY, LARGEST_FILE, format, parse } from "./storage.js";

export async function save({ record }) {
  const exercises = record.all();
  const address = URL.createObjectURL(new Blob([format(exercises)], { type: "application/json" }));
  make("a", { href: address, download: `${KEY}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  const without = record.tooLong.length ? `, but not the long text of ${record.tooLong.join(", ")}` : "";
  return `Saved as ${KEY}.json, with what you have written or solved: ${counted(exercises)}${without}.`;
}

export async function read({ record }) {
  const file = await chosenFile();
  if (!file) return "";
  const all = await exercisesIn(file);
  const exercises = new Map([...all].filter(([name]) => isInBook(name)));
  if (!await mayReplace(exercises, record)) return "Nothing was read.";
  record.takeOver(exercises);
  const strange = all.size - exercises.size;
  const left = strange ? ` Left out, as the book has no such exercise: ${strange}.` : "";
  return `Read from the file: ${counted(exercises)}; all others stay as they were.${left}`;
}

export async function startOver({ names, record }) {
  const choice = await ask("Forget what you have written and solved? Only a file that you have saved can "
    + "bring it back.", ["Forget this page’s", "Forget the whole book’s", "Cancel"]);
  if (choice === 2) return "";
  if (choice === 1) record.forget();
  else names.forEach((name) => record.set(name, { text: null, solved: false }));
  return "Forgotten: the exercises are as they were at the beginning.";
}

const counted = ({ size }) => `${size} ${size === 1 ? "exercise" : "exercises"}`;

const chosenFile = () => new Promise((resolve) => {
  const input = make("input", { type: "file", accept: ".json,application/json" });
  input.addEventListener("change", () => resolve(input.files[0]));
  input.addEventListener("cancel", () => resolve(null));
  input.click();
});

async function exercisesIn(file) {
  try {
    if (file.size > LARGEST_FILE) throw new Error(`it is larger than ${megabytes(LARGEST_FILE)}`);
    return parse(await file.text());
  } catch (error) {
    throw new Error(`The file cannot be read: ${error.message}.`, { cause: error });
  }
}

// Whether the reader wants the file's texts in place of others that they have written here.
async function mayReplace(exercises, record) {
  const differs = ([name, { text }]) => ![null, text].includes(record.get(name).text);
  const names = [...exercises].filter(differs).map(([name]) => name);
  return !names.length || await ask(`The file has another text for what you have written here: `
    + `${names.join(", ")}. Take the file’s?`, ["Take the file’s", "Keep mine"]) === 0;
}

/** Ask the reader; gives the number of the answer, the last one where the dialog is just closed. */
function ask(question, answers) {
  const dialog = make("dialog", { className: "tl-dialog", ariaLabel: "About your exercises" });
  const buttons = answers.map((answer, i) => button(answer, () => dialog.close(String(i))));
  dialog.append(make("p", {}, question), make("div", { className: "tl-row" }, ...buttons));
  document.querySelector("article").append(dialog);
  dialog.returnValue = String(answers.length - 1);
  dialog.showModal();
  buttons.at(-1).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(Number(dialog.returnValue));
    });
  });
}
