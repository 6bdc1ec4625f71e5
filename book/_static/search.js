// Mends the search of Sphinx 7, after its index has been loaded and before it is asked.

// A word is looked up as a property of an object, and "constructor" or "__proto__" would
// find what every object inherits. Of that, the search needs hasOwnProperty alone.
const OWN = Object.assign(Object.create(null), { hasOwnProperty: Object.prototype.hasOwnProperty });
// @ts-expect-error: Search is Sphinx's
for (const words of [Search._index.terms, Search._index.titleterms]) Object.setPrototypeOf(words, OWN);

// A page that was opened from disk may not fetch others to show a summary of them.
// @ts-expect-error: these options are Sphinx's
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
