// Mends the search of Sphinx 7, after its index has been loaded and before it is asked.

// A word is looked up as a property of an object, and "constructor" or "__proto__" would
// find what every object inherits. Of that, the search needs hasOwnProperty alone.
const OWN = Object.assign(Object.create(null), { hasOwnProperty: Object.prototype.hasOwnProperty });
// @ts-expect-error: Search is Sphinx's
for (const words of [Search._index.terms, Search._index.titleterms]) Object.setPrototypeOf(words, OWN);

// A page that was opened from disk may not fetch others to show a summary of them.
// @ts-expect-error: these options are Sphinx's
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Of the package's names, those are found that hold the word in their last part, as all of
// them begin with "transformer_lab"; and none by a letter or two, which hundreds hold.
// @ts-expect-error: Search is Sphinx's
const { performObjectSearch } = Search;
// @ts-expect-error: Search is Sphinx's
Search.performObjectSearch = (word, words) => {
  if (word.length < 3) return [];
  const lastPart = (name) => name.toLowerCase().split(".").at(-1);
  return performObjectSearch(word, words).filter(([, name]) => lastPart(name).includes(word));
};
