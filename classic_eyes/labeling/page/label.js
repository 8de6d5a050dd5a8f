"use strict";
// `sheet` holds the images and never changes; `state` holds all that a person did.
const sheet = JSON.parse(document.getElementById("sheet").textContent);
const WORDS = ["closed", "open", "unsure"];
const UNSURE = 2;
const PAUSE = 60; // seconds: longer breaks do not count as labelling time
const KEY = `classic_eyes ${sheet.id}`;
// A blind page shows no guesses: every image gets an answer of its own.
const blind = sheet.items.some((item) => item.guess === undefined);
const MODES = blind ? ["open", "closed", "unsure"] : ["turn", "unsure"];
const at = (id) => document.getElementById(id);
const fresh = () => ({ answers: {}, page: 0, past: [], active: 0, last: 0, saved: true, mode: MODES[0] });
let state = fresh();
let kept = true;

const announce = (text) => { at("announcement").textContent = text; };
const answered = (item) => state.answers[item] !== undefined;
const shown = (item) => {
  if (answered(item)) return state.answers[item];
  return sheet.items[item].given >= 0 ? sheet.items[item].given : sheet.items[item].guess;
};
const count = () => Object.keys(state.answers).length;

const isItem = (item) => Number.isInteger(Number(item)) && sheet.items[item] !== undefined;
const isAnswers = (answers) =>
  typeof answers === "object" && answers !== null && !Array.isArray(answers) &&
  Object.entries(answers).every(([item, value]) => isItem(item) && WORDS[value] !== undefined);
const isStep = (step) =>
  step !== null && typeof step === "object" && sheet.pages[step.page] !== undefined && Array.isArray(step.before) &&
  step.before.length > 0 && step.before.every((pair) => Array.isArray(pair) && isItem(pair[0]) && (pair[1] === null || WORDS[pair[1]] !== undefined));

// The stored state may be damaged: invalid answers are discarded.
function validated(stored) {
  const clean = fresh();
  if (typeof stored !== "object" || stored === null || !isAnswers(stored.answers)) return clean;
  clean.answers = stored.answers;
  if (sheet.pages[stored.page] !== undefined) clean.page = stored.page;
  if (Array.isArray(stored.past) && stored.past.every(isStep)) clean.past = stored.past;
  for (const name of ["active", "last"]) if (Number.isFinite(stored[name])) clean[name] = stored[name];
  if (MODES.includes(stored.mode)) clean.mode = stored.mode;
  clean.saved = stored.saved === true;
  return clean;
}

function load() {
  let text = null;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    kept = false;
  }
  if (text === null) return;
  try {
    state = validated(JSON.parse(text));
  } catch {
    state = fresh();
  }
}

// Another tab of the same page may have changed the stored state: read it again before each change.
function catchUp() {
  if (!kept) return;
  const { page } = state;
  load();
  state.page = page;
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    kept = false;
  }
  at("lost").hidden = kept;
}

// Record answers to one or more images as one step of Undo.
function answer(changes) {
  const now = Date.now() / 1000;
  if (state.last > 0) state.active += Math.min(now - state.last, PAUSE);
  state.last = now;
  state.past.push({ page: state.page, before: changes.map(([item]) => [item, answered(item) ? state.answers[item] : null]) });
  for (const [item, value] of changes) state.answers[item] = value;
  state.saved = false;
}

function undo() {
  catchUp();
  const step = state.past.pop();
  if (step === undefined) return;
  for (const [item, value] of step.before) {
    if (value === null) delete state.answers[item];
    else state.answers[item] = value;
  }
  state.saved = false;
  const moved = step.page !== state.page;
  state.page = step.page;
  keep();
  if (moved) draw(step.before[0][0]);
  else refresh(step.before.map(([item]) => item));
  announce(`Undone: ${step.before.length === 1 ? described(step.before[0][0]) : `${step.before.length} images`}`);
}

const described = (item) => {
  if (shown(item) === undefined) return `not answered: ${sheet.items[item].file}`;
  const how = answered(item) ? "answered" : sheet.items[item].given >= 0 ? "as labelled" : "probably";
  return `${how} ${WORDS[shown(item)]}: ${sheet.items[item].file}`;
};

function set(item, value) {
  catchUp();
  answer([[item, value]]);
  keep();
  refresh([item]);
  announce(described(item));
}

const turn = (item) => set(item, shown(item) === 1 ? 0 : 1);

function confirmPage() {
  catchUp();
  if (count() === sheet.items.length) {
    save();
    return;
  }
  const open = sheet.pages[state.page].items.filter((item) => !answered(item));
  if (open.length > 0 && !blind) answer(open.map((item) => [item, shown(item)]));
  const next = sheet.pages.findIndex((page, number) => number > state.page && !page.items.every(answered));
  const left = next < 0 ? sheet.pages.findIndex((page) => !page.items.every(answered)) : next;
  if (left >= 0) {
    state.page = left;
    keep();
    draw(sheet.pages[left].items.find((item) => !answered(item)));
  } else {
    keep();
    draw();
    announce("Everything is answered. Save the labels.");
  }
}

function go(page) {
  if (page < 0 || page >= sheet.pages.length) return;
  catchUp();
  state.page = page;
  keep();
  draw(sheet.pages[page].items[0]);
}

const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// The rows of the label file that the page was made from, with all columns, and one more row for each new answer.
function csv() {
  const columns = [...sheet.columns];
  const keys = columns.map((name) => name.trim().toLowerCase());
  const doubts = Object.values(state.answers).includes(UNSURE);
  for (const [key, isNeeded] of [["chosen", sheet.chosen !== ""], ["unsure", doubts]]) {
    if (!isNeeded || keys.includes(key)) continue;
    columns.push(key);
    keys.push(key);
  }
  const [label, file, unsure, chosen] = ["label", "file", "unsure", "chosen"].map((key) => keys.indexOf(key));
  const rows = sheet.rows.map((row) => [...row, ...Array(columns.length - row.length).fill("")]);
  for (const [item, value] of Object.entries(state.answers)) {
    const { row, given, file: name, chosen: how = sheet.chosen } = sheet.items[item];
    const fields = row < 0 ? Array(columns.length).fill("") : rows[row];
    if (row < 0) {
      fields[file] = name;
      rows.push(fields);
    }
    if (value === UNSURE) fields[label] = "";
    else if (row < 0 || given !== value) fields[label] = String(value);
    if (unsure >= 0) fields[unsure] = value === UNSURE ? "1" : "";
    // An image that an earlier page showed stays part of its choice.
    if (how !== "" && fields[chosen].trim() === "") fields[chosen] = how;
  }
  return [columns, ...rows].map((fields) => `${fields.map(cell).join(",")}\n`).join("");
}

function save() {
  catchUp();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = sheet.save;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  state.saved = true;
  keep();
  status();
  announce(`Saved ${count()} answers as ${sheet.save}, in the download folder of your browser.`);
}

function status() {
  const done = count();
  const total = sheet.items.length;
  at("bar").max = total;
  at("bar").value = done;
  at("done").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} answered`;
  at("speed").textContent = state.active >= 5 ? `${Math.round((done * 60) / state.active)} a minute` : "";
  at("place").textContent = `Page ${state.page + 1} of ${sheet.pages.length}`;
  at("unsaved").textContent = done === 0 ? "" : state.saved ? "saved" : kept ? "kept in this browser, not saved yet" : "not saved yet";
  at("undo").disabled = state.past.length === 0;
  at("back").disabled = state.page === 0;
  at("forward").disabled = state.page === sheet.pages.length - 1;
  at("save").disabled = done === 0;
  const open = sheet.pages[state.page].items.filter((item) => !answered(item)).length;
  const further = sheet.pages.length > 1 ? ", next page" : "";
  at("confirm-text").textContent = blind && open > 0 ? `${open} on this page without an answer${further}` :
    open > 0 ? `Right as shown: ${open === 1 ? "the 1 left" : `all ${open} left`}${further}` : done < total ? "Next page" : "All is answered: save the labels";
  for (const heading of document.querySelectorAll("h2[data-side]")) {
    const now = sheet.pages[state.page].items.filter((item) => side(item) === Number(heading.dataset.side)).length;
    heading.querySelector("small").textContent = now;
  }
}

// An image stays on its side after a click, so that it does not move away under the pointer.
const side = (item) => sheet.items[item].guess;

function refresh(items) {
  for (const item of items) {
    const tile = document.querySelector(`[data-item="${item}"]`);
    if (tile === null) continue;
    const word = WORDS[shown(item)] ?? "";
    tile.className = `tile ${word}${answered(item) ? "" : " guess"}`;
    tile.querySelector("span").textContent = answered(item) ? `${word} ✓` : `${word}${sheet.items[item].given >= 0 ? "" : "?"}`;
    tile.setAttribute("aria-label", `${described(item)}. Press ${state.mode === "turn" ? "to turn over" : `if ${state.mode}`}.`);
  }
  status();
}

const image = (number, alt) => {
  const image = document.createElement("img");
  image.src = sheet.images[number];
  image.alt = alt;
  image.draggable = false;
  return image;
};

function tileOf(item) {
  const entry = sheet.items[item];
  const place = document.createElement("li");
  const tile = document.createElement("button");
  tile.type = "button";
  tile.tabIndex = -1;
  tile.dataset.item = item;
  tile.title = entry.file;
  tile.append(image(entry.image, ""), document.createElement("span"));
  place.append(tile);
  if (entry.reason) {
    const why = document.createElement("div");
    why.className = "why";
    why.id = `why${item}`;
    tile.setAttribute("aria-describedby", why.id);
    const name = document.createElement("b");
    name.textContent = entry.file;
    why.append(name, entry.reason);
    if (entry.other >= 0) why.append(image(entry.other, "the image that it is compared with"));
    place.append(why);
  }
  return place;
}

function column(items, title, number) {
  const part = document.createElement("section");
  part.className = "part";
  if (title) {
    const heading = document.createElement("h2");
    heading.dataset.side = number;
    heading.append(`${title} `, document.createElement("small"));
    heading.id = `side${number}`;
    part.setAttribute("aria-labelledby", heading.id);
    part.append(heading);
  }
  const list = document.createElement("ol");
  list.className = "tiles";
  list.append(...items.map(tileOf));
  part.append(list);
  return part;
}

function draw(focus) {
  const page = sheet.pages[state.page];
  const board = at("board");
  const sorted = [...page.items].sort((a, b) => Math.abs(sheet.items[b].score - 0.5) - Math.abs(sheet.items[a].score - 0.5));
  const two = [1, 0].map((value) => sorted.filter((item) => side(item) === value));
  const parts = sheet.reasons || blind
    ? [column(page.items, "", 0)]
    : two.map((items, k) => (items.length ? column(items, ["Probably open", "Probably closed"][k], 1 - k) : null)).filter((part) => part !== null);
  board.className = sheet.reasons ? "columns reasons" : `columns${parts.length === 2 ? " two" : ""}`;
  board.replaceChildren(...parts);
  refresh(page.items);
  // The two columns have an order of their own.
  const first = board.querySelector(blind && focus !== undefined ? `[data-item="${focus}"]` : "[data-item]");
  first.tabIndex = 0;
  if (focus !== undefined) {
    window.scrollTo(0, 0);
    reach(first);
    announce(`Page ${state.page + 1} of ${sheet.pages.length}, ${page.items.length} images`);
  }
}

// An arrow key moves the focus to the nearest image in its direction.
function move(from, key) {
  const here = from.getBoundingClientRect();
  const [x, y] = [here.left + here.width / 2, here.top + here.height / 2];
  const across = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  let best = null;
  let least = Infinity;
  for (const tile of at("board").querySelectorAll("[data-item]")) {
    const there = tile.getBoundingClientRect();
    const [dx, dy] = [there.left + there.width / 2 - x, there.top + there.height / 2 - y];
    const [along, aside] = across ? [dx * sign, Math.abs(dy)] : [dy * sign, Math.abs(dx)];
    if (along <= 1 || (across && aside > here.height / 2)) continue;
    const far = along + 3 * aside;
    if (far < least) [best, least] = [tile, far];
  }
  if (best === null) return;
  reach(best);
}

function reach(tile) {
  tile.focus({ preventScroll: true });
  // Smooth scrolling would lag behind an arrow key that is held down.
  tile.scrollIntoView({ block: "nearest", behavior: "instant" });
}

function setByKey(tile, value) {
  set(Number(tile.dataset.item), value);
  const next = tile.parentElement.nextElementSibling;
  if (blind && next !== null) reach(next.querySelector("[data-item]"));
}

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.altKey || event.ctrlKey) return;
  const tile = document.activeElement === null ? null : document.activeElement.closest("[data-item]");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const actions = { n: confirmPage, p: () => go(state.page - 1), f: () => go(state.page + 1), z: undo, s: () => count() > 0 && save() };
  // A key that is held down would confirm pages that nobody has seen.
  if (event.repeat && actions[key] !== undefined) return;
  if (tile !== null && key.startsWith("Arrow")) move(tile, key);
  else if (tile === null && key.startsWith("Arrow") && document.activeElement === document.body) at("board").querySelector("[data-item]").focus();
  else if (tile !== null && ["c", "o", "u"].includes(key)) setByKey(tile, ["c", "o", "u"].indexOf(key));
  else if (actions[key] !== undefined) actions[key]();
  else return;
  event.preventDefault();
});

at("board").addEventListener("click", (event) => {
  const tile = event.target.closest("[data-item]");
  if (tile === null) return;
  const item = Number(tile.dataset.item);
  if (state.mode === "turn") turn(item);
  else set(item, WORDS.indexOf(state.mode));
});
at("confirm").addEventListener("click", confirmPage);
at("undo").addEventListener("click", undo);
at("back").addEventListener("click", () => go(state.page - 1));
at("forward").addEventListener("click", () => go(state.page + 1));
// Tab reaches one image: the last one that had the focus.
at("board").addEventListener("focusin", (event) => {
  for (const tile of at("board").querySelectorAll('[data-item][tabindex="0"]')) tile.tabIndex = -1;
  event.target.tabIndex = 0;
});
for (const radio of document.querySelectorAll("input[name=click]")) {
  radio.addEventListener("change", () => {
    catchUp();
    state.mode = radio.value;
    keep();
    refresh(sheet.pages[state.page].items);
  });
}
at("zoom").addEventListener("change", () => document.body.classList.toggle("zoom", at("zoom").checked));
addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  catchUp();
  refresh(sheet.pages[state.page].items);
});
at("save").addEventListener("click", save);
addEventListener("beforeunload", (event) => {
  if (!kept && !state.saved) event.preventDefault();
});

load();
keep();
document.querySelector(`input[name=click][value=${state.mode}]`).checked = true;
// The keys of a page without guesses answer the image that has the focus.
draw(blind ? sheet.pages[state.page].items.find((item) => !answered(item)) : undefined);
