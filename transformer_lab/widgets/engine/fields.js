// What a file says: text that others may have written, of which nothing is passed over.
//
// As transformer_lab/pretrained/fields.py and tokenization/hugging_face.py: a field that
// is passed over may change the numbers without notice.

export const ANY = null; // a field whose value is looked at elsewhere, or changes nothing here

// Refuse a field that is not known, or has a value that is not supported here. `known`
// has for each field the values that are (ANY: all of them).
export function accountFor(found, known, whose) {
  if (found === null || typeof found !== "object" || Array.isArray(found)) {
    throw new Error(`${whose} holds no names and values`);
  }
  for (const [name, value] of Object.entries(found)) {
    if (!Object.hasOwn(known, name)) throw new Error(`${whose} has a field "${name}", which cannot be read`);
    if (known[name] !== ANY && !known[name].includes(value)) {
      throw new Error(`${whose} has ${name}=${JSON.stringify(value).slice(0, 80)}, which cannot be read`);
    }
  }
}

export function parseJSON(text, whose) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${whose} is damaged: it cannot be read as JSON`);
  }
}
