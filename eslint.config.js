// The style of the JavaScript; names and types are checked by tsc (tsconfig.json).

import js from "@eslint/js";

export default [
  { ignores: [".venv/", "_build/", "build/"] },
  js.configs.recommended,
  {
    rules: {
      "no-undef": "off", // tsc knows what a browser has
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      complexity: ["error", 10],
      "max-lines-per-function": ["error", { max: 50, skipComments: true, skipBlankLines: true }],
      "max-len": ["error", { code: 110 }],
    },
  },
  { files: ["book/_static/*.js"], languageOptions: { sourceType: "script" } },
];
