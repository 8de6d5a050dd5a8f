"use strict";
// Classifies patches of eyes in the browser: an exported model, run by onnxruntime-web. build.py puts both into the page.

const SHOWN = 500; // cards; all images are classified and saved

const bytesOf = (id) => decoded(document.getElementById(id).textContent);
const decoded = (base64) => {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
};

// -- images, with the arithmetic of classic_eyes (that of OpenCV) --

function roundHalfEven(x) {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low & 1) : Math.round(x);
}

/** Grey levels of RGBA values, as OpenCV's RGB2GRAY. */
function toGrey(rgba) {
  const grey = new Uint8Array(rgba.length / 4);
  for (let k = 0; k < grey.length; k++) {
    grey[k] = (rgba[4 * k] * 9798 + rgba[4 * k + 1] * 19235 + rgba[4 * k + 2] * 3735 + 16384) >> 15;
  }
  return grey;
}

/** Scale a grey image to fit a square, and repeat its border where it is not square. */
function square(grey, width, height, size) {
  if (width === size && height === size) return grey;
  const longest = Math.max(width, height);
  const [w, h] = [width, height].map((side) => Math.max(1, roundHalfEven((side * size) / longest)));
  const scaled = (longest > size ? reduce : enlarge)(grey, width, height, w, h);
  const left = (size - w) >> 1, top = (size - h) >> 1;
  const padded = new Uint8Array(size * size);
  const clamp = (value, last) => Math.min(Math.max(value, 0), last);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) padded[y * size + x] = scaled[clamp(y - top, h - 1) * w + clamp(x - left, w - 1)];
  }
  return padded;
}

/** The share of source pixels in each pixel along a side, as [source, target, weight]. */
function areaShares(source, target) {
  const scale = 1 / (target / source), shares = [];
  for (let k = 0; k < target; k++) {
    const start = k * scale, stop = start + scale, cell = Math.min(scale, source - start);
    const last = Math.min(Math.floor(stop), source - 1), first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) shares.push([first - 1, k, Math.fround((first - start) / cell)]);
    for (let s = first; s < last; s++) shares.push([s, k, Math.fround(1 / cell)]);
    if (stop - last > 1e-3) shares.push([last, k, Math.fround(Math.min(stop - last, 1, cell) / cell)]);
  }
  return shares;
}

/** Area averaging, in single precision like OpenCV's INTER_AREA. */
function reduce(grey, width, height, w, h) {
  const result = new Uint8Array(w * h);
  const across = width / w, down = height / h;
  if (Number.isInteger(across) && Number.isInteger(down)) {
    const scale = Math.fround(1 / (across * down));
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        let sum = 0;
        for (let j = 0; j < down; j++) {
          for (let i = 0; i < across; i++) sum += grey[(y * down + j) * width + x * across + i];
        }
        // Blocks of 2 x 2 are rounded half up.
        result[y * w + x] = across === 2 && down === 2 ? (sum + 2) >> 2 : roundHalfEven(Math.fround(sum * scale));
      }
    }
    return result;
  }
  const columns = areaShares(width, w), sums = new Float32Array(w), line = new Float32Array(w);
  let row = 0;
  const finish = () => {
    for (let x = 0; x < w; x++) result[row * w + x] = Math.min(255, roundHalfEven(sums[x]));
  };
  for (const [source, target, weight] of areaShares(height, h)) {
    line.fill(0);
    for (const [s, x, share] of columns) line[x] = line[x] + Math.fround(grey[source * width + s] * share);
    if (target !== row) {
      finish();
      row = target;
      sums.fill(0);
    }
    for (let x = 0; x < w; x++) sums[x] = sums[x] + Math.fround(line[x] * weight);
  }
  finish();
  return result;
}

/** The two source pixels of each pixel along a side and their weights in 2048ths. */
function linearShares(source, target, clamped) {
  const scale = 1 / (target / source), inside = (k) => Math.min(Math.max(k, 0), source - 1);
  return Array.from({ length: target }, (_, k) => {
    const position = Math.fround((k + 0.5) * scale - 0.5), first = Math.floor(position);
    // Beyond the border both pixels are the same one; only rows keep two weights, whose products are rounded apart.
    const part = clamped && inside(position) !== position ? 0 : Math.fround(position - first);
    const weights = [Math.fround(1 - part), part].map((each) => roundHalfEven(Math.fround(each * 2048)));
    return [inside(first), inside(first + 1), ...weights];
  });
}

/** Bilinear interpolation, in whole numbers like OpenCV's INTER_LINEAR. */
function enlarge(grey, width, height, w, h) {
  const result = new Uint8Array(w * h), columns = linearShares(width, w, true);
  linearShares(height, h, false).forEach(([above, below, upper, lower], y) => {
    columns.forEach(([left, right, one, other], x) => {
      const [a, b] = [above, below].map((row) => grey[row * width + left] * one + grey[row * width + right] * other);
      result[y * w + x] = (((upper * (a >> 4)) >> 16) + ((lower * (b >> 4)) >> 16) + 2) >> 2;
    });
  });
  return result;
}

/** Decode an image file to grey levels. */
async function decode(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { grey: toGrey(context.getImageData(0, 0, width, height).data), width, height };
}

// -- the model --

const about = JSON.parse(document.getElementById("about").textContent);
let session;

async function load() {
  const glue = new Blob([bytesOf("glue")], { type: "text/javascript" });
  ort.env.wasm.numThreads = 1; // more need headers that only a server can send
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
  ort.env.wasm.wasmBinary = bytesOf("wasm").buffer;
  session = await ort.InferenceSession.create(bytesOf("model"), { executionProviders: ["wasm"] });
  await check();
}

/** Compare the predictions of this browser with those that the model file records. */
async function check() {
  const { images, ...recorded } = about.check, all = decoded(images), length = about.size ** 2;
  const found = await predict(recorded.probability.map((_, k) => all.subarray(k * length, (k + 1) * length)));
  for (const [name, most] of [["probability", 1e-4], ["novelty", 1e-3]]) {
    const expected = recorded[name] ?? [];
    const difference = Math.max(0, ...expected.map((each, k) => Math.abs(found[k][name] - each) / Math.max(each, 1)));
    if (!(difference <= most)) throw new Error(`the ${name} differs by ${difference} from what it records`);
  }
}

/** The probability of open of each patch of size x size grey levels, and how unlike an eye it is, if the model tells. */
async function predict(patches) {
  const { size } = about, all = new Uint8Array(patches.length * size * size);
  patches.forEach((patch, k) => all.set(patch, k * size * size));
  const images = new ort.Tensor("uint8", all, [patches.length, size, size]);
  const { probability, novelty } = await session.run({ images });
  return patches.map((_, k) => ({ probability: probability.data[k], novelty: novelty?.data[k] ?? 0 }));
}

function verdictOf({ probability, novelty }) {
  if (novelty > 1) return "not-an-eye";
  const odds = Math.log(probability / (1 - probability));
  return Math.abs(odds) < about.unsure ? "unsure" : probability >= 0.5 ? "open" : "closed";
}

// -- the page --

const find = (id) => document.getElementById(id);
let rows = [];

function imageOf(patch) {
  const { size } = about, canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const rgba = new Uint8ClampedArray(4 * size * size);
  patch.forEach((level, k) => rgba.set([level, level, level, 255], 4 * k));
  canvas.getContext("2d").putImageData(new ImageData(rgba, size, size), 0, 0);
  return canvas.toDataURL();
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function card({ name, patch, probability, verdict }) {
  const made = element("li", "card");
  const image = element("img");
  image.src = imageOf(patch);
  image.alt = `${name}, as the model sees it: ${about.size} x ${about.size} grey pixels`;
  const word = element("p", `verdict ${verdict}`);
  word.innerHTML = `<svg class="icon" aria-hidden="true"><use href="#${verdict}"/></svg>`;
  word.append(verdict);
  const share = element("p", `share ${verdict}`, `${(100 * probability).toFixed(1)}% open`);
  const bar = element("i");
  bar.style.setProperty("--p", `${100 * probability}%`);
  share.append(bar);
  const file = element("p", "name", name);
  file.title = name;
  made.append(image, word, share, file);
  return made;
}

function describe() {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const more = rows.length > SHOWN ? `; the first ${SHOWN} are shown` : "";
  find("status").textContent = rows.length
    ? `${rows.length} images: ${["open", "closed", "unsure", "not-an-eye"].map((each) => `${count(each)} ${each}`).join(", ")}${more}`
    : "Ready.";
  find("save").disabled = find("clear").disabled = !rows.length;
}

/** Classify files one batch after the other. */
async function classify(files) {
  find("failed").replaceChildren();
  const all = [...files];
  for (let start = 0; start < all.length; start += 64) {
    find("status").textContent = `Classifying ${start + 1} of ${all.length} …`;
    const read = [];
    for (const file of all.slice(start, start + 64)) {
      try {
        const { grey, width, height } = await decode(file);
        read.push({ name: file.name, patch: square(grey, width, height, about.size) });
      } catch {
        find("failed").append(element("li", "", `${file.name}: not an image that this browser can read`));
      }
    }
    if (!read.length) continue;
    const found = await predict(read.map((row) => row.patch));
    read.forEach((row, k) => Object.assign(row, found[k], { verdict: verdictOf(found[k]) }));
    find("results").append(...read.slice(0, Math.max(0, SHOWN - rows.length)).map(card));
    rows.push(...read);
  }
  describe();
}

let last = Promise.resolve();
function queue(files) {
  const list = [...files]; // the list of a drop is gone after the event
  last = last.then(() => classify(list)).catch((error) => {
    find("status").textContent = `The model failed: ${error.message}`;
  });
  return last;
}

function save() {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map((row) => `${quoted(row.name)},${row.probability.toFixed(6)},${row.verdict}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["file,probability_open,verdict\n", ...lines], { type: "text/csv" }));
  link.download = "eyes.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

find("files").addEventListener("change", (event) => {
  queue(event.target.files);
  event.target.value = ""; // so that the same file can be chosen again
});
find("clear").addEventListener("click", () => {
  rows = [];
  find("results").replaceChildren();
  find("failed").replaceChildren();
  describe();
  find("files").focus();
});
find("save").addEventListener("click", save);
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  if (session) queue(event.dataTransfer.files);
});

load().then(
  () => {
    find("files").disabled = false;
    describe();
  },
  (error) => {
    session = undefined;
    find("status").textContent = `The model could not be loaded: ${error.message}`;
  },
);
