// Texts and numbers as a reader sees and hears them. Needs no page.

// A token's text with its white space made visible: " ball" → "·ball".
export function readable(text) {
  return text.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll("\r", "␍");
}

// The same for the ear. A mark before a word is not said: nearly every word has one.
export const SPACE_BEFORE_A_WORD_OR_MARK = /·(?=[\p{L}\p{N}])|([·↵⇥␍])/u;
export const MARKS_IN_WORDS = { "·": "space", "↵": "new line", "⇥": "tab", "␍": "carriage return" };

// For labels: "·ball" → "ball", "↵" → "new line".
export function spoken(text) {
  return text.split(SPACE_BEFORE_A_WORD_OR_MARK)
    .map((part, at) => (at % 2 && part ? ` ${MARKS_IN_WORDS[part]} ` : part ?? "")).join("").trim();
}

// A special token by a name that a newcomer can read. One and the same token
// opens the first story and closes each.
export function specialName(text, index = 0) {
  if (text !== "<|endoftext|>") return text;
  return index === 0 ? "⟨start⟩" : "⟨end⟩";
}

// A token's text as a reader sees it; `index` is its place in the text.
export function tokenInWords(text, isSpecial, index) {
  return isSpecial ? specialName(text, index) : readable(text);
}

// A number as it is, or the end of its range that it is beyond. What is none is the least.
export function within(number, low, high) {
  return number > low ? Math.min(number, high) : low;
}

// 0.1234 → "12%", 0.012 → "1.2%", 0.00001 → "<0.1%". Never "100%" for less than certain.
export function formatPercent(share) {
  const percent = 100 * share;
  if (percent === 0) return "0%";
  if (percent < 0.1) return "<0.1%";
  if (percent > 99.9 && percent < 99.9999) return ">99.9%";
  return `${percent < 9.95 || (percent > 99 && percent < 99.95) ? percent.toFixed(1) : Math.round(percent)}%`;
}

// -12 → "⁻¹²", for powers of ten.
export function raised(number) {
  return String(number).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
}

// 49152 → "49,152". `toLocaleString` costs a slow machine 60 ms when it is first called.
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

// 1 → "1 token", 3 → "3 tokens".
export function counted(number, noun) {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}
