// MorseKey: key Morse code, hear it, and see a model write down what it hears.
//
// Above the key and the text that an even hand sends; below the spectrogram as the model reads it,
// a row for each letter with where in the sound it looked, and the letters. The tone comes from
// the browser (Web Audio); nothing listens to the reader's room.

import { loadModel } from "./engine/model_file.js";
import {
  HOP, marksOf, N_BANDS, RATE, SILENT_SLICES, SLICES_A_LETTER, slicesOf, sound, SPECTRA,
} from "./engine/morse.js";
import { translate } from "./engine/translating.js";
import { barList } from "./parts/bars.js";
import { button, buttonRow, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack } from "./parts/nodes.js";
import { onThemeChange, themeColour } from "./parts/theme.js";
import { debounce } from "./parts/time.js";
import { formatPercent } from "./parts/words.js";

const UNIT = 0.05; // seconds: 24 words a minute
const SILENCE = 0.3; // seconds before the first mark
const AFTER = 0.45; // seconds after the last
const PAUSE = 1200; // milliseconds without a mark, after which the reader has sent all
const PITCH = 550; // Hz
const MOST_MARKS = 200; // that a reader can key before they are cut off
const SLICE = (SPECTRA * HOP) / RATE; // seconds

// --- The tone -------------------------------------------------------------------

// A tone for as long as the key is down. A browser that has no sound keeps still.
function tone() {
  let context = null, level = null;
  const start = () => {
    if (context || !globalThis.AudioContext) return;
    context = new AudioContext();
    const wave = new OscillatorNode(context, { frequency: PITCH });
    level = new GainNode(context, { gain: 0 });
    wave.connect(level).connect(context.destination);
    wave.start();
  };
  const turn = (gain, time = 0) =>
    level?.gain.setTargetAtTime(gain, Math.max(time, context.currentTime), 0.005);
  return {
    on() { start(); context?.resume(); turn(0.2); },
    off() { turn(0); },
    // marks: [{ start, end }] in seconds from now.
    play(marks) {
      start();
      if (!context) return;
      context.resume();
      level.gain.cancelScheduledValues(0);
      const now = context.currentTime + 0.05;
      for (const { start: begin, end } of marks) {
        turn(0.2, now + begin);
        turn(0, now + end);
      }
    },
    end() { context?.close(); },
  };
}

// --- The key --------------------------------------------------------------------

// A native button that tells when it goes down and up: by pointer, space bar or Enter.
function telegraphKey({ onDown, onUp }) {
  let isDown = false;
  const go = (down) => {
    if (down === isDown) return;
    isDown = down;
    root.classList.toggle("tl-morse-down", down);
    (down ? onDown : onUp)(performance.now() / 1000);
  };
  const isKey = ({ key }) => key === " " || key === "Enter";
  const root = element("button", {
    type: "button", class: "tl-button tl-primary tl-morse-key",
    on: {
      pointerdown: (event) => {
        if (event.button !== 0) return;
        root.setPointerCapture(event.pointerId);
        go(true);
      },
      pointerup: () => go(false),
      pointercancel: () => go(false),
      contextmenu: (event) => event.preventDefault(), // a long touch is a long mark
      keydown: (event) => { if (isKey(event)) { event.preventDefault(); go(true); } },
      keyup: (event) => { if (isKey(event)) { event.preventDefault(); go(false); } },
      blur: () => go(false),
    },
  }, "Hold to send");
  return root;
}

// --- Drawn ----------------------------------------------------------------------

// A picture of numbers from 0 to 1, `nRows` by `nColumns`, in the theme's blue; the stylesheet
// stretches it.
function numbersPicture(kind, label) {
  const root = element("canvas", { class: kind, role: "img", "aria-label": label, width: 1, height: 1 });
  let state = { nRows: 1, nColumns: 1, at: (_row, _column) => 0 };
  const draw = () => {
    const { nRows, nColumns, at } = state;
    Object.assign(root, { width: nColumns, height: nRows });
    const pen = root.getContext("2d");
    const image = new ImageData(nColumns, nRows);
    for (let i = 0; i < nRows * nColumns; i++) {
      image.data[4 * i + 3] = 255 * Math.sqrt(Math.min(1, at(Math.floor(i / nColumns), i % nColumns)));
    }
    pen.putImageData(image, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = themeColour("--tl-weight");
    pen.fillRect(0, 0, nColumns, nRows);
  };
  const end = onThemeChange(draw);
  return { root, end, show(picture) { state = picture; draw(); } };
}

// Where each letter was read: the mean of all heads of all layers, as in the chapter.
function whereRead(step) {
  const heads = step.attention.flat();
  return heads[0].map((_, s) => heads.reduce((sum, row) => sum + row[s], 0) / heads.length);
}

const seconds = (number) => `${number.toFixed(1)} s`;

// --- Wired ----------------------------------------------------------------------

class Session {
  constructor({ get, set, bind, onEnd }) {
    this.get = get;
    this.set = set;
    this.lm = loadModel(get("model_file"));
    this.longest = (this.lm.config.max_len - SILENT_SLICES) * SLICE; // seconds that the model can hear
    this.stopId = this.lm.tokenizer.special.get(this.lm.metadata.stop);
    this.keyed = null; // the reader's own marks; null: the text is sent
    this.isOver = true; // what is keyed next begins anew
    this.tone = tone();
    this.readWhenDone = debounce(() => this.finish(), PAUSE);
    this.readSoon = debounce(() => this.read(), 150);
    this.key = telegraphKey({ onDown: (time) => this.down(time), onUp: (time) => this.up(time) });
    this.text = textBox({
      label: "Or let an even hand send", value: get("text"), rows: 1, maxLength: 8,
      onInput: (text) => { set("text", text); this.send(); },
    });
    this.noise = bind("noise", slider, {
      label: "Noise", min: 0, max: 3, step: 0.1, format: (noise) => noise.toFixed(1),
    });
    this.tape = bind("tape", slider, {
      label: "Your keying is heard", min: 1, max: 4, step: 0.25, format: (times) => `${times} times as fast`,
    });
    this.status = statusLine();
    this.spectrum = numbersPicture("tl-morse-spectrum", "the spectrogram: time to the right, pitch upwards");
    this.walk = numbersPicture("tl-morse-walk",
      "where each letter was read: a row for each letter, time to the right");
    this.letters = barList({ label: "the letters, and how sure each is", length: 12 });
    onEnd(() => { this.spectrum.end(); this.walk.end(); this.tone.end(); });
  }

  layout() {
    const play = button("Play", () => this.tone.play(this.marks()));
    const send = button("Send the text", () => this.send());
    return stack(
      columns(stack(this.key, this.tape.root), stack(this.text.root, this.noise.root)),
      buttonRow("sound", play, send), this.status.root,
      heading("What is heard ", "time to the right, pitch upwards"), this.spectrum.root,
      heading("Where each letter was read ", "a row for each letter, the end last; the mean of all heads"),
      this.walk.root, this.letters.root);
  }

  down(time) {
    if (this.isOver) this.keyed = [];
    this.isOver = false;
    this.tone.on();
    if (this.keyed.length < MOST_MARKS) this.keyed.push({ start: time, end: null });
  }

  up(time) {
    this.tone.off();
    if (!this.keyed) return; // meanwhile Python has sent a text
    this.keyed.at(-1).end ??= time;
    this.readWhenDone();
  }

  // The reader has paused; unless the key is down again, all is sent.
  finish() {
    if (!this.keyed || this.keyed.at(-1).end === null) return;
    this.isOver = true;
    this.read();
  }

  // The text of the box instead of what was keyed.
  send() {
    this.keyed = null;
    this.isOver = true;
    this.read();
  }

  // In seconds from the first mark, as the model hears them.
  marks() {
    if (!this.keyed) {
      return marksOf(this.text.value).map(({ start, end }) => ({ start: start * UNIT, end: end * UNIT }));
    }
    const [{ start: first }] = this.keyed;
    const times = this.get("tape");
    return this.keyed.filter(({ end }) => end !== null)
      .map(({ start, end }) => ({ start: (start - first) / times, end: (end - first) / times }));
  }

  read() {
    this.tape.input.disabled = !this.keyed; // the text's even hand has the right speed
    const marks = this.marks().map(({ start, end }) => ({ start: start + SILENCE, end: end + SILENCE }));
    const whole = (marks.at(-1)?.end ?? 0) + AFTER;
    const samples = sound(marks, {
      seconds: Math.min(whole, this.longest), noise: this.get("noise"), pitch: PITCH,
    });
    const slices = slicesOf(samples);
    const nMost = Math.floor(slices.length / (SPECTRA * N_BANDS * SLICES_A_LETTER));
    const { startId } = this.lm;
    const steps = marks.length ? translate(this.lm, slices, { startId, stopId: this.stopId, nMost }) : [];
    this.show({ slices, steps, isCut: whole > this.longest });
  }

  show({ slices, steps, isCut }) {
    const nSpectra = slices.length / N_BANDS;
    this.spectrum.show({
      nRows: N_BANDS, nColumns: nSpectra,
      at: (row, column) => slices[column * N_BANDS + N_BANDS - 1 - row] / 12,
    });
    const looks = steps.map(whereRead);
    this.walk.show({
      nRows: Math.max(1, steps.length), nColumns: nSpectra / SPECTRA,
      at: (row, column) => looks[row]?.[column] ?? 0,
    });
    const nameOf = ({ id }) => (id === this.stopId ? "end" : this.lm.tokenizer.piece(id));
    this.letters.show(steps.map((step, at) => {
      const centre = looks[at].reduce((sum, weight, slice) => sum + weight * slice, 0);
      return {
        name: nameOf(step), share: step.probabilities[step.id],
        words: `${formatPercent(step.probabilities[step.id])}, near ${seconds(centre * SLICE)}`,
      };
    }));
    const heard = steps.filter(({ id }) => id !== this.stopId).map(nameOf).join("");
    this.status.say(`${steps.length ? `It hears: ${heard || "nothing"}.` : "Nothing is sent yet."}`
      + (isCut ? ` It hears ${seconds(this.longest)} at most; the rest is cut off.` : ""));
  }

  // Somebody else, such as Python, has changed the text.
  onText() {
    if (this.text.value === this.get("text")) return;
    this.text.value = this.get("text");
    this.send();
  }
}

function render(figure) {
  const session = new Session(figure);
  figure.root.append(session.layout());
  figure.onChange("text", () => session.onText());
  figure.onChange("noise tape", () => session.readSoon());
  session.read();
}

export default figure("MorseKey", render, {
  anew: ["model_file"], ranges: { noise: [0, 3], tape: [1, 4] },
});
