// MorseKey: key Morse code, hear it, and see a model write down what it hears.
//
// Above the key and the text that an even hand sends; below the spectrogram as the model reads it,
// and the letters, each with how sure it is and where in the sound it looked. Sounds come from
// the browser (Web Audio); nothing listens to the reader's room.

import { loadModel } from "./engine/model_file.js";
import {
  FIRST_BAND, gapsOf, HOP, leftOutOf, lettersOf, N_BANDS, RATE, SILENT_SLICES, SLICES_A_LETTER,
  slicesOf, sound, SPECTRA, unitOf, WINDOW,
} from "./engine/morse.js";
import { translate } from "./engine/translating.js";
import { button, buttonRow, select, slider, statusLine, textBox } from "./parts/controls.js";
import { figure } from "./parts/figure.js";
import { columns, element, heading, stack } from "./parts/nodes.js";
import { onThemeChange, themeColour } from "./parts/theme.js";
import { debounce } from "./parts/time.js";
import { formatPercent, readable } from "./parts/words.js";

const SPEED = 24; // words a minute of the even hand: the middle of what the model learned from
const UNIT = 1.2 / SPEED; // seconds
const SILENCE = 0.3; // seconds before the first mark
const AFTER = 0.45; // seconds after the last
const PAUSE = 1200; // milliseconds without a mark, after which the reader has sent all
const PITCH = 550; // Hz
const MOST_MARKS = 200; // that a reader can key before they are cut off
const MOST_ROWS = 12; // letters that have a row; lost in noise, a model may write many
const FASTEST = 6; // times as fast as keyed
const SLICE = (SPECTRA * HOP) / RATE; // seconds
const FINER = 12; // samples that a browser plays for each of ours: it needs more a second
const LOUDNESS = 0.2; // the loudest that is played; 1 is full level

// --- Sounds ---------------------------------------------------------------------

// A tone for as long as the key is down, and what the model hears. A browser that has no sound
// keeps still.
function loudspeaker() {
  let context = null, level = null, playing = null;
  const start = () => {
    if (context || !globalThis.AudioContext) return;
    context = new AudioContext();
    const wave = new OscillatorNode(context, { frequency: PITCH });
    level = new GainNode(context, { gain: 0 });
    wave.connect(level).connect(context.destination);
    wave.start();
  };
  const turn = (gain) => level?.gain.setTargetAtTime(gain, context.currentTime, 0.005);
  const ready = () => { start(); context?.resume(); playing?.stop(); };
  return {
    on() { ready(); turn(LOUDNESS); },
    off() { turn(0); },
    play(samples) {
      ready();
      if (!context) return;
      const buffer = new AudioBuffer({ length: FINER * samples.length, sampleRate: FINER * RATE });
      buffer.copyToChannel(audible(samples), 0);
      playing = new AudioBufferSourceNode(context, { buffer });
      playing.connect(context.destination);
      playing.start();
    },
    end() { context?.close(); },
  };
}

// More samples on straight lines between them, and never too loud, however strong the noise.
function audible(samples) {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  return Float32Array.from({ length: FINER * samples.length }, (_, i) => {
    const at = Math.floor(i / FINER), share = (i % FINER) / FINER;
    return (LOUDNESS / peak) * ((1 - share) * samples[at] + share * (samples[at + 1] ?? 0));
  });
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
function numbersPicture(label) {
  const root = element("canvas",
    { class: "tl-morse-picture", role: "img", "aria-label": label, width: 1, height: 1 });
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

// A picture with a name left of each row, seconds below, and boxes over it, each { row, start,
// end } in seconds. From `silentFrom` on it is hatched.
function plot(label, namesLabel) {
  const picture = numbersPicture(label);
  const names = element("ol", { class: "tl-morse-names", "aria-label": namesLabel });
  const over = element("div", { class: "tl-morse-over", "aria-hidden": "true" });
  const axis = element("div", { class: "tl-morse-axis", "aria-hidden": "true" });
  const frame = element("div", { class: "tl-morse-frame" }, picture.root, over);
  return {
    root: element("div", { class: "tl-morse-plot" }, names, frame, axis),
    end: picture.end,
    show({ rows, seconds, silentFrom, boxes = [], ...numbers }) {
      picture.show(numbers);
      names.replaceChildren(...rows.map((name) => element("li", {}, name)));
      const left = (time) => `left: ${(100 * time) / seconds}%`;
      const boxOf = ({ row, start, end }) => element("span", {
        class: "tl-morse-box",
        style: `${left(start)}; width: ${(100 * (end - start)) / seconds}%; `
          + `top: ${(100 * row) / rows.length}%; height: ${100 / rows.length}%`,
      });
      over.replaceChildren(
        element("span", { class: "tl-morse-silence", style: left(silentFrom) }), ...boxes.map(boxOf));
      axis.replaceChildren(...Array.from({ length: Math.floor(seconds) + 1 },
        (_, time) => element("span", { style: left(time) }, `${time} s`)));
    },
  };
}

// --- In words -------------------------------------------------------------------

const MEAN = "mean";

function headOptions({ n_layers: nLayers, n_heads: nHeads }) {
  return [[MEAN, "the mean of all heads"], ...Array.from({ length: nLayers * nHeads }, (_, i) =>
    [String(i), `layer ${Math.floor(i / nHeads) + 1}, head ${(i % nHeads) + 1}`])];
}

// A letter's weights over the slices: one head's, or the mean of all, as in the chapter.
function weightsOf(step, head) {
  const heads = step.attention.flat();
  if (head !== MEAN) return heads[Number(head)];
  return heads[0].map((_, s) => heads.reduce((sum, row) => sum + row[s], 0) / heads.length);
}

const timesAsFast = (times) => (times === 1 ? "as keyed" : `${times} times as fast`);

// Marks or letters in seconds, the first after some silence; `unit` is what they are told in.
function asHeard(spans, unit) {
  const time = (place) => SILENCE + unit * (place - spans[0].start);
  return spans.map(({ start, end }) => ({ start: time(start), end: time(end) }));
}

function textHint(text) {
  const leftOut = leftOutOf(text);
  return leftOut && `Only the letters from a to z are sent: “${readable(leftOut)}” is left out.`;
}

// What the model has not learned to hear in a reader's hand, in a sentence. The bounds are
// those beyond which it makes many mistakes, measured with an even hand.
function handHint(marks, times) {
  if (marks.length < 2) return "";
  const unit = Math.max(0.01, unitOf(marks)); // seconds
  const speed = 1.2 / unit;
  if (speed * times < 20 || speed * times > 28) {
    const better = Math.round((4 * SPEED) / speed) / 4;
    let remedy = `let your keying be heard ${timesAsFast(better)}`;
    if (better > FASTEST) remedy = "key faster";
    if (better < 1) remedy = "key more slowly";
    return `You keyed about ${Math.round(speed)} words a minute and it hears ${Math.round(speed * times)}, `
      + `but it learned from 22 to 26: ${remedy}.`;
  }
  const pause = Math.round(Math.max(...gapsOf(marks)) / unit);
  return pause <= 6 ? "" : `Your longest pause lasts as long as ${pause} short marks; `
    + "between the letters that it learned from there was time for 3.";
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
    this.loudspeaker = loudspeaker();
    this.samples = new Float64Array(0); // what the model hears
    this.readWhenDone = debounce(() => this.finish(), PAUSE);
    this.readSoon = debounce(() => this.read(), 150);
    this.key = telegraphKey({ onDown: (time) => this.down(time), onUp: (time) => this.up(time) });
    this.text = textBox({
      label: "Or let an even hand send (in training: 1 to 5 letters)",
      value: get("text"), rows: 1, maxLength: 8,
      onInput: (text) => { set("text", text); this.send(); },
    });
    this.back = button("Back to the text", () => { this.send(); this.text.input.focus(); });
    this.noise = bind("noise", slider, {
      label: "Noise", min: 0, max: 3, step: 0.1, format: (noise) => noise.toFixed(1),
    });
    this.tape = bind("tape", slider, {
      label: "Your keying is heard", min: 1, max: FASTEST, step: 0.25, format: timesAsFast,
    });
    this.status = statusLine();
    this.heads = select({
      label: "Which heads", options: headOptions(this.lm.config), value: MEAN, onInput: () => this.showWalk(),
    });
    this.spectrum = plot("the spectrogram: time to the right, pitch upwards", "pitches");
    this.walk = plot("where each letter was read: a row for each letter, time to the right",
      "the letters, and how sure each is");
    onEnd(() => { this.spectrum.end(); this.walk.end(); this.loudspeaker.end(); });
  }

  layout() {
    const play = button("Play what it hears", () => this.loudspeaker.play(this.samples));
    const text = element("div", { class: "tl-morse-text" }, this.text.root, this.back);
    return stack(
      columns(stack(this.key, this.tape.root), stack(text, this.noise.root)),
      buttonRow("sound", play), this.status.root,
      heading("What is heard ", "time to the right, pitch upwards; hatched: silence added to every sound"),
      this.spectrum.root,
      heading("Where each letter was read ",
        `the first ${MOST_ROWS} letters, and how sure each is; outlined: when the text’s letter was sent`),
      this.heads.root, this.walk.root);
  }

  down(time) {
    if (this.isOver) this.keyed = [];
    this.isOver = false;
    this.loudspeaker.on();
    if (this.keyed.length < MOST_MARKS) this.keyed.push({ start: time, end: null });
  }

  up(time) {
    this.loudspeaker.off();
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

  // As the model hears them.
  marks() {
    if (!this.keyed) return asHeard(lettersOf(this.text.value).flat(), UNIT);
    return asHeard(this.keyedMarks(), 1 / this.get("tape"));
  }

  keyedMarks() { return this.keyed.filter(({ end }) => end !== null); }

  // When each letter of the text was sent; of a reader's own, nobody knows what they are.
  sent() {
    if (this.keyed) return [];
    const span = (marks) => ({ start: marks[0].start, end: marks.at(-1).end });
    return asHeard(lettersOf(this.text.value).map(span), UNIT);
  }

  read() {
    this.tape.input.disabled = !this.keyed; // the text's even hand has the right speed
    this.back.hidden = !this.keyed;
    const marks = this.marks();
    const whole = (marks.at(-1)?.end ?? 0) + AFTER;
    this.samples = sound(marks, {
      seconds: Math.min(whole, this.longest), noise: this.get("noise"), pitch: PITCH,
    });
    this.slices = slicesOf(this.samples);
    const nMost = Math.floor(this.slices.length / (SPECTRA * N_BANDS * SLICES_A_LETTER));
    const options = { startId: this.lm.startId, stopId: this.stopId, nMost };
    this.steps = marks.length ? translate(this.lm, this.slices, options) : [];
    this.showSpectrum();
    this.showWalk();
    this.say(whole > this.longest);
  }

  showSpectrum() {
    const middles = [13.5, 9.5, 5.5, 1.5]; // of four bands each
    const nColumns = this.slices.length / N_BANDS;
    this.spectrum.show({
      rows: middles.map((band) => `${Math.round(((FIRST_BAND + band) * RATE) / WINDOW)} Hz`),
      seconds: (nColumns * HOP) / RATE, silentFrom: this.samples.length / RATE,
      nRows: N_BANDS, nColumns,
      at: (row, column) => this.slices[column * N_BANDS + N_BANDS - 1 - row] / 12,
    });
  }

  showWalk() {
    const steps = this.steps.slice(0, MOST_ROWS);
    const looks = steps.map((step) => weightsOf(step, this.heads.value));
    const nColumns = this.slices.length / (N_BANDS * SPECTRA);
    this.walk.show({
      rows: steps.map((step) => `${this.nameOf(step)} ${formatPercent(step.probabilities[step.id])}`),
      seconds: nColumns * SLICE, silentFrom: this.samples.length / RATE,
      nRows: Math.max(1, steps.length), nColumns,
      at: (row, column) => looks[row]?.[column] ?? 0,
      boxes: this.sent().slice(0, steps.length).map((span, row) => ({ row, ...span })),
    });
  }

  nameOf({ id }) { return id === this.stopId ? "end" : this.lm.tokenizer.piece(id); }

  say(isCut) {
    const letters = this.steps.filter(({ id }) => id !== this.stopId);
    const heard = letters.map((step) => this.nameOf(step)).join("");
    this.status.say([
      this.steps.length ? `It hears: ${heard || "nothing"}.` : "Nothing is sent yet.",
      this.keyed ? handHint(this.keyedMarks(), this.get("tape")) : textHint(this.text.value),
      isCut && `It hears ${seconds(this.longest)} at most; the rest is cut off.`,
    ].filter(Boolean).join(" "));
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
  anew: ["model_file"], ranges: { noise: [0, 3], tape: [1, FASTEST] },
});
