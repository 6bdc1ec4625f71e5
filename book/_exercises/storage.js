// What the reader has written and solved: kept in this browser, and written to files.
//
// One key of the browser's storage holds one JSON text, and a file holds the same:
//   { "version": 1, "exercises": { "split_heads": { "text": "def …", "solved": true } } }
// An exercise's text is null while it is the book's own. What cannot be read is never
// written over; then, and where the browser stores nothing, all is kept in the page alone.
//
// Source: Web Storage, https://html.spec.whatwg.org/multipage/webstorage.html.

export const KEY = "transformer-lab-exercises";
export const LARGEST_FILE = 5_000_000; // bytes
export const LONGEST_TEXT = 20_000; // characters of one exercise
const VERSION = 1;
const MOST_EXERCISES = 200;
const UNTOUCHED = Object.freeze({ text: null, solved: false });

const ADVICE = "what you write is lost when you leave the page: save it to a file";
const FORBIDDEN = `This browser stores nothing, so ${ADVICE}.`;
const FULL = `This browser's storage is full, so ${ADVICE}.`;
const damaged = (reason) =>
  `What this browser has kept cannot be read (${reason}); it stays until you start over with the whole `
  + `book, and ${ADVICE}.`;
const LOST = `A text of more than ${LONGEST_TEXT} characters is not stored: it is lost when you leave `
  + `the page.`;

/**
 * The exercises in a JSON text, by name. Throws an Error that says what is wrong with the text.
 * @param {string} json
 * @returns {Map<string, { text: string | null, solved: boolean }>}
 */
export function parse(json) {
  let whole;
  try {
    whole = JSON.parse(json);
  } catch {
    throw new Error("it is not JSON");
  }
  requireFields(whole, ["version", "exercises"], "it");
  if (whole.version !== VERSION) throw new Error(`its version is not ${VERSION}`);
  requireFields(whole.exercises, null, "exercises");
  const rows = Object.entries(whole.exercises);
  if (rows.length > MOST_EXERCISES) throw new Error(`it has more than ${MOST_EXERCISES} exercises`);
  for (const [name, exercise] of rows) requireExercise(name, exercise);
  return new Map(rows);
}

// names: all fields that it has to have; null where any will do.
function requireFields(value, names, what) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${what} is not an object`);
  }
  if (names && Object.keys(value).sort().join() !== names.toSorted().join()) {
    throw new Error(`${what} has other fields than ${names}`);
  }
}

function requireExercise(name, exercise) {
  if (!/^[a-z]\w{0,79}$/.test(name)) throw new Error(`${name} is no name of an exercise`);
  requireFields(exercise, ["text", "solved"], name);
  const { text, solved } = exercise;
  const isText = text === null || (typeof text === "string" && text.length <= LONGEST_TEXT);
  if (!isText || typeof solved !== "boolean") throw new Error(`what it says of ${name} is damaged`);
}

/** The opposite of `parse`. */
export function format(exercises) {
  return JSON.stringify({ version: VERSION, exercises: Object.fromEntries(exercises) }, null, 1);
}

// What the storage holds: { exercises, trouble }, as a record has them.
function readStored(storageOf) {
  let json;
  try {
    json = storageOf().getItem(KEY);
  } catch {
    return { exercises: [], trouble: FORBIDDEN };
  }
  try {
    return { exercises: json === null ? [] : parse(json), trouble: null };
  } catch (error) {
    return { exercises: [], trouble: damaged(error.message) };
  }
}

/**
 * The reader's record, in the storage that `storageOf` gives (or is refused: then it throws).
 * `record.trouble` is null, or one sentence that says why nothing is stored.
 * Other pages may write to the same storage: each change is made to what stands there now.
 */
export function openRecord(storageOf) {
  let exercises;
  let trouble;
  const changes = new Map(); // those that are not stored
  const tooLong = new Set(); // names of those whose text cannot be

  const get = (name) => exercises.get(name) ?? UNTOUCHED;
  const refresh = () => {
    const stored = readStored(storageOf);
    exercises = new Map([...stored.exercises, ...changes]);
    for (const [name, { text, solved }] of exercises) if (text === null && !solved) exercises.delete(name);
    trouble = stored.trouble;
    if (trouble || !changes.size) return;
    try {
      storageOf().setItem(KEY, format(exercises));
      changes.clear();
    } catch {
      trouble = FULL;
    }
  };
  refresh();

  return {
    get,
    refresh,
    all: () => new Map(exercises),
    get trouble() { return trouble; },
    /** null, or one sentence that says why the text of this exercise is not stored. */
    troubleOf: (name) => (tooLong.has(name) ? LOST : null),
    get tooLong() { return [...tooLong]; },
    /** Change the text of an exercise, or whether it is solved. */
    set(name, fields) {
      if (fields.text?.length > LONGEST_TEXT) return void tooLong.add(name);
      if ("text" in fields) tooLong.delete(name);
      changes.set(name, { ...get(name), ...fields });
      refresh();
    },
    /** Those of a file take the place of those here; what was solved here stays solved. */
    takeOver(others) {
      for (const [name, { text, solved }] of others) {
        changes.set(name, { text, solved: solved || get(name).solved });
      }
      refresh();
    },
    forget() {
      changes.clear();
      tooLong.clear();
      try {
        storageOf().removeItem(KEY);
      } catch { /* nothing was stored */ }
      refresh();
    },
  };
}
