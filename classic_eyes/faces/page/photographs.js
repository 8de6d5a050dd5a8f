// `data` describes the photographs and never changes; `state` holds all that a person did.
const data = JSON.parse(at("data").textContent);
const { items } = data;
const KEY = `classic_eyes ${data.id}`;
const MARKS = ["keep", "reject"];
const WORDS = { keep: "kept", reject: "rejected" };
const KINDS = ["closed", "wink", "unknown", "none", "failed", "open"];
const groups = data.sections.flatMap((section) => section.groups);
const groupOf = new Map(groups.flatMap((group) => group.items.map((item) => [item, group])));
const order = groups.flatMap((group) => group.items);
const filter = { kind: "all", mark: "any", words: [] };
const past = [];
// Marks are stored by photograph, so that a new page of the folder has them; of one name, time and size tell two apart.
const photographs = items.map(({ name, time, size }) => JSON.stringify([name, time, size]));
const known = new Set(photographs);
let state = { marks: {}, others: [], saved: true };
let stored = true;
let current = order[0];
let zoomed = null;

// Control characters, half surrogates and changes of the direction of writing are shown as a replacement mark.
const shown = (name) => name.replace(/[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu, "\ufffd");
const short = (name) => shown(name).replace(/^.*[\\/]/s, "");
const described = (item) => `${shown(items[item].name)}: ${items[item].summary}`;
const marked = (item) => state.marks[item];

// What speaks against the best frame of a burst: then it is only the least bad one.
function flawsOf(item) {
  const counts = KINDS.slice(0, 3).map((kind) => [items[item].faces.filter(({ verdict }) => verdict === kind).length, kind]);
  return counts.filter(([count]) => count > 0).map((pair) => pair.join(" ")).join(", ");
}
const bestWord = ({ best }) => (flawsOf(best) ? "least bad" : "best");

// Names are compared without case, accents and the way in which these are encoded.
const LETTERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ı: "i", ς: "σ" };
const folded = (text) =>
  text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[ßæœøłđıς]/g, (letter) => LETTERS[letter]).normalize("NFC");
const searched = items.map(({ name }) => folded(name));

function announce(text, isSeen = true) {
  const place = at(at("zoom").open ? "zoom-message" : "message");
  place.textContent = text;
  place.classList.remove("old");
  place.classList.toggle("heard", !isSeen);
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => place.classList.add("old"), 4000);
}

// Stored marks. They may be damaged: invalid marks are discarded.

function load() {
  let text = null;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    stored = false;
  }
  if (text === null) return;
  state = { marks: {}, others: [], saved: true };
  try {
    const found = JSON.parse(text);
    const valid = new Map(Object.entries(found.marks).filter(([, mark]) => MARKS.includes(mark)));
    for (const [item, photograph] of photographs.entries()) if (valid.has(photograph)) state.marks[item] = valid.get(photograph);
    // Those that are not on this page stay stored: an earlier page may still be open.
    state.others = [...valid].filter(([photograph]) => !known.has(photograph));
    state.saved = found.saved === true;
  } catch {
    return;
  }
}

function store() {
  try {
    const marks = [...state.others, ...Object.entries(state.marks).map(([item, mark]) => [photographs[item], mark])];
    localStorage.setItem(KEY, JSON.stringify({ marks: Object.fromEntries(marks), saved: state.saved }));
  } catch {
    stored = false;
  }
  at("lost").hidden = stored;
}

// Another tab of the same page may have marked photographs: read its marks before each change.
const catchUp = () => { if (stored) load(); };

// Change the marks of photographs as one step of Undo; the mark "" is none.
function change(changes) {
  catchUp();
  const differing = changes.filter(([item, mark]) => mark !== (marked(item) ?? ""));
  if (differing.length === 0) return;
  past.push(differing.map(([item]) => [item, marked(item) ?? ""]));
  apply(differing);
}

function apply(changes) {
  for (const [item, mark] of changes) {
    if (mark === "") delete state.marks[item];
    else state.marks[item] = mark;
  }
  state.saved = false;
  store();
  refresh(changes.map(([item]) => item));
}

function setMark(item, mark) {
  change([[item, mark]]);
  announce(`${short(items[item].name)} ${WORDS[mark] ?? "unmarked"}`);
}

function keepBest(item) {
  const group = groupOf.get(item);
  if (group.best < 0) {
    announce(`${short(items[item].name)} is not in a burst`);
    return;
  }
  change(group.items.map((item) => [item, item === group.best ? "keep" : "reject"]));
  announce(`${short(items[group.best].name)} kept, ${plural(group.items.length - 1, "other")} rejected`);
}

function undo() {
  const before = past.pop();
  if (before === undefined) return;
  catchUp();
  apply(before);
  announce(`Undone: ${before.length === 1 ? short(items[before[0][0]].name) : plural(before.length, "photograph")}`);
}

// The file of marks. A name that is not UTF-8 has half surrogates for its odd bytes, and is written with these bytes.

const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function blob() {
  const rows = [["file", "mark"], ...items.map(({ name }, item) => [name, marked(item) ?? ""])];
  const text = rows.map((row) => `${row.map(field).join(",")}\n`).join("");
  const parts = text.split(/([\udc80-\udcff])/u).map((part, k) => (k % 2 ? Uint8Array.of(part.charCodeAt(0) - 0xdc00) : part));
  return new Blob(parts, { type: "text/csv" });
}

function decoded(bytes) {
  const wide = { "255,254": "utf-16le", "254,255": "utf-16be" }[bytes.subarray(0, 2).join()];
  if (wide !== undefined) return new TextDecoder(wide).decode(bytes);
  const strict = new TextDecoder("utf-8", { fatal: true });
  try {
    return strict.decode(bytes);
  } catch {
    let text = "";
    for (let k = 0; k < bytes.length; ) {
      const length = bytes[k] < 0x80 ? 1 : bytes[k] < 0xe0 ? 2 : bytes[k] < 0xf0 ? 3 : 4;
      try {
        text += strict.decode(bytes.subarray(k, k + length));
        k += length;
      } catch {
        text += String.fromCharCode(0xdc00 + bytes[k]);
        k += 1;
      }
    }
    return text.replace(/^\ufeff/, "");
  }
}

function parsed(text) {
  const head = text.split(/[\r\n]/, 1)[0];
  const comma = [",", ";", "\t"].find((sign) => head.includes(sign)) ?? ",";
  const rows = [[""]];
  let quoted = false;
  for (let k = 0; k < text.length; k += 1) {
    const row = rows[rows.length - 1];
    const sign = text[k];
    if (quoted) {
      if (sign !== '"') row[row.length - 1] += sign;
      else if (text[k + 1] === '"') row[row.length - 1] += text[(k += 1)];
      else quoted = false;
    } else if (sign === '"' && row[row.length - 1] === "") quoted = true;
    else if (sign === comma) row.push("");
    else if (sign === "\n" || sign === "\r") {
      if (sign === "\r" && text[k + 1] === "\n") k += 1;
      rows.push([""]);
    } else row[row.length - 1] += sign;
  }
  return rows.filter((row) => row.length > 1 || row[0] !== "");
}

function save() {
  catchUp();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob());
  link.download = data.save;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  state.saved = true;
  store();
  status();
  announce(`Saved ${plural(Object.keys(state.marks).length, "mark")} as ${data.save}, in the download folder of your browser.`);
}

async function read(file) {
  const [head, ...rows] = parsed(decoded(new Uint8Array(await file.arrayBuffer())));
  const [name, mark] = ["file", "mark"].map((key) => (head ?? []).findIndex((cell) => cell.trim().toLowerCase() === key));
  if (name < 0 || mark < 0) {
    announce(`${shown(file.name)} has no columns named file and mark: nothing was changed.`);
    return;
  }
  const places = new Map();
  for (const [item, entry] of items.entries()) places.set(entry.name, [...(places.get(entry.name) ?? []), item]);
  const changes = new Map();
  let strange = 0;
  let wrong = 0;
  let odd = false;
  for (const row of rows) {
    const value = (row[mark] ?? "").trim().toLowerCase();
    const found = places.get(row[name]);
    if (found === undefined) {
      strange += 1;
      odd ||= /[\udc80-\udcff]/u.test(row[name]);
    } else if (value !== "" && !MARKS.includes(value)) wrong += 1;
    else for (const item of found) changes.set(item, value);
  }
  catchUp();
  const lost = [...changes].filter(([item, value]) => marked(item) !== undefined && marked(item) !== value).length;
  change([...changes]);
  const count = [...changes.values()].filter((value) => value !== "").length;
  const notes = [
    `Loaded ${plural(count, "mark")} from ${shown(file.name)}.`,
    lost ? `${plural(lost, "mark")} of yours ${lost === 1 ? "was" : "were"} changed or removed; Undo restores ${lost === 1 ? "it" : "them"}.` : "",
    strange ? `${plural(strange, "name")} not on this page.` : "",
    odd ? "The file is not UTF-8: save it as CSV UTF-8." : "",
    wrong ? `${plural(wrong, "row")} with a mark other than keep and reject.` : "",
  ];
  announce(notes.filter(Boolean).join(" "));
}

// Drawing

const urls = (item) => at(`image${item}`).textContent.split(" ").map((text) => `data:image/jpeg;base64,${text}`);

const pen = document.createElement("canvas").getContext("2d");
pen.font = `600 11.5px ${getComputedStyle(document.body).fontFamily}`;
const widthOf = (text) => pen.measureText(text).width + 14;

// The faces over a photograph: outlines that differ in shape, and words on those that need a look.
function overlay(item, width) {
  const { faces, ratio } = items[item];
  const lines = drawing("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  const tags = [];
  const taken = [];
  for (const [k, { box: [x, y, w, h], verdict }] of faces.entries()) {
    for (const style of ["halo", "line"]) lines.append(drawing("rect", { class: `${style} ${verdict}`, x, y, width: w, height: h }));
    if (verdict === "open" && width < 500) continue;
    const text = faces.length === 1 ? verdict : `#${k + 1} ${verdict}`;
    // Above the face, below it, or upon it: the first place that is inside and free. In percent of a usual width.
    const [wide, high] = [(100 * widthOf(text)) / width, (100 * 18 * ratio) / width];
    const middle = Math.min(Math.max(x + w / 2, wide / 2), 100 - wide / 2);
    const isFree = (top) =>
      top >= 0 && top + high <= 100 && taken.every(([m, t, n]) => Math.abs(m - middle) > (wide + n) / 2 || Math.abs(t - top) > high);
    const top = [y - high - 1, y + h + 1, y + 1, y + h - high - 1].find(isFree);
    if (top === undefined) continue;
    taken.push([middle, top, wide]);
    const tag = element("span", { className: `tag ${verdict}`, textContent: text, ariaHidden: "true" });
    tag.style.left = `${middle}%`;
    tag.style.top = `${top}%`;
    tags.push(tag);
  }
  return [lines, ...tags];
}

const eyesText = (eyes) =>
  ["right", "left"].map((side, k) => (eyes[k] === null || eyes[k] === undefined ? `${side} hidden` : `${side} ${eyes[k].toFixed(2)}`));

function captions(item, k) {
  const { faces } = items[item];
  const { verdict, eyes } = faces[k];
  const number = faces.length === 1 ? "" : `#${k + 1} `;
  // The text of the crop says the same to a screen reader.
  const word = element("p", { className: `verdict ${verdict}`, ariaHidden: "true" }, icon(verdict), `${number}${verdict}`);
  const numbers = ["P(open)", ...eyesText(eyes)].map((text) => element("span", { textContent: text }));
  numbers[0].title = "Probability that the eye is open";
  return element("div", {}, word, element("p", { className: "eyes" }, ...numbers));
}

// Faces that need a look come first.
function inOrder(item) {
  const { faces } = items[item];
  return [...faces.keys()].sort((a, b) => (faces[a].verdict === "open") - (faces[b].verdict === "open"));
}

function crop(item, k) {
  const { faces } = items[item];
  const image = element("img", { alt: `face ${k + 1}: ${faces[k].verdict}`, decoding: "async" });
  image.dataset.piece = k + 1;
  return element("li", {}, image, captions(item, k));
}

function frame(item, width) {
  const box = element("div", { className: "frame" });
  box.style.setProperty("--ratio", items[item].ratio);
  const image = element("img", { alt: described(item), decoding: "async", draggable: false });
  image.dataset.piece = 0;
  box.append(image, ...(width ? overlay(item, width) : []));
  return box;
}

const markButtons = () =>
  element("div", { className: "marks" }, ...MARKS.map((mark) => {
    const button = element("button", { type: "button", tabIndex: -1, ariaPressed: "false" }, icon(mark), mark === "keep" ? "Keep" : "Reject");
    button.dataset.set = mark;
    return button;
  }));

const MOST = 6;

function card(item) {
  const entry = items[item];
  const isFailed = entry.kinds[0] === "failed";
  const isBurst = groupOf.get(item).items.length > 1;
  const narrowest = isBurst ? 210 : 280;
  const view = element("button", { type: "button", className: "view", tabIndex: -1 });
  const inner = isFailed ? element("p", {}, icon("failed")) : frame(item, narrowest * Math.min(1, entry.ratio / 1.5));
  view.append(element("div", { className: "mat" }, inner), element("span", { className: "stamp" }));
  const kind = KINDS.find((key) => entry.kinds.includes(key));
  const [file, whole] = [short(entry.name), shown(entry.name)];
  const name = element("p", { className: "name", title: whole }, element("bdi", { textContent: file }));
  if (file !== whole) name.append(element("small", {}, element("bdi", { textContent: whole.slice(0, -file.length - 1) })));
  const body = element("div", { className: "body" });
  const head = element("div", { className: "head" }, name);
  // Beside the name: upon the image it could cover a face.
  if (groupOf.get(item).best === item) {
    const flawed = flawsOf(item) !== "";
    head.append(element("span", { className: `proposed ${flawed ? "flawed" : ""}` }, ...(flawed ? [] : [icon("star")]), bestWord(groupOf.get(item))));
  }
  body.append(head, element("p", { className: `verdict ${kind}` }, icon(kind), entry.summary));
  if (isBurst) body.append(element("p", { className: "beside", textContent: "shown with its burst" }));
  // In a burst the open eyes of one frame are compared with the closed eyes of another.
  const watched = inOrder(item).filter((k) => isBurst || entry.faces[k].verdict !== "open");
  if (watched.length > 0) {
    const most = watched.length > MOST ? MOST : watched.length;
    const list = element("ul", { className: `faces ${["", "one", "two"][watched.length] ?? ""}` }, ...watched.slice(0, most).map((k) => crop(item, k)));
    if (watched.length > most) list.append(element("li", { className: "more", textContent: `${watched.length - most} more in the large view` }));
    body.append(list);
  }
  body.append(markButtons());
  const made = element("li", { className: "card" }, view, body);
  made.dataset.item = item;
  return made;
}

// Photographs without a sensible date are still a burst.
const clock = (time) => (Math.abs(time) < 1e11 ? new Date(1000 * time).toISOString().slice(11, 19) : "");

function burst(group) {
  const count = group.items.length;
  const [first, last] = [group.items[0], group.items[count - 1]].map((item) => clock(items[item].time));
  const title = element("h3", { textContent: `Burst of ${count}` });
  const numbers = group.items.map((item) => items[item].faces.length);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const parts = [first === last ? first : `${first} to ${last}`, least === most ? "" : `${least} to ${most} faces found`, bestWord(group)];
  const best = element("p", {}, `${parts.filter(Boolean).join(", ")}: `, element("bdi", { textContent: short(items[group.best].name) }), ` (${items[group.best].summary})`);
  const button = element("button", { type: "button", className: "best", tabIndex: -1, textContent: `Keep ${bestWord(group)}, reject ${plural(count - 1, "other")}` });
  button.setAttribute("aria-keyshortcuts", "B");
  const grid = element("ul", { className: "grid" }, ...group.items.map(card));
  const made = element("li", { className: `burst n${count}` }, element("div", {}, element("div", {}, title, best), button), grid);
  button.addEventListener("click", () => keepBest(group.best));
  return made;
}

// Images get their source shortly before they are seen.
function fill(root, item) {
  const sources = urls(item);
  for (const image of root.querySelectorAll("img[data-piece]")) {
    image.src = sources[image.dataset.piece];
    delete image.dataset.piece;
  }
}
const watcher = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    fill(target, target.dataset.item);
    watcher.unobserve(target);
  }
}, { rootMargin: "800px" });

const cards = [];
const frames = new Map();

function draw() {
  at("board").append(element("h2", { className: "found", id: "found", hidden: true }));
  for (const section of data.sections) {
    if (section.groups.length === 0) continue;
    const heading = element("h2", { id: `section-${section.key}` }, `${section.title} `, element("small"));
    const grid = element("ul", { className: "grid" });
    for (const group of section.groups) {
      const made = group.items.length > 1 ? burst(group) : card(group.items[0]);
      frames.set(group, made);
      grid.append(made);
    }
    const made = element("section", { className: `section ${section.key}` }, heading, ...(section.note ? [element("p", { className: "advice", textContent: section.note })] : []), grid);
    made.setAttribute("aria-labelledby", heading.id);
    frames.set(section, made);
    at("board").append(made);
  }
  at("board").append(element("p", { className: "empty", id: "empty", hidden: true, textContent: "No photograph matches these filters." }));
  for (const made of document.querySelectorAll(".card")) {
    cards[made.dataset.item] = made;
    watcher.observe(made);
  }
}

function refresh(changed) {
  for (const item of changed) {
    const mark = marked(item);
    const made = cards[item];
    made.classList.toggle("keep", mark === "keep");
    made.classList.toggle("reject", mark === "reject");
    made.querySelector(".stamp").replaceChildren(...(mark === undefined ? [] : [icon(mark), WORDS[mark]]));
    made.querySelector(".view").ariaLabel = described(item) + (mark === undefined ? "" : `, ${WORDS[mark]}`);
    for (const button of made.querySelectorAll("[data-set]")) {
      button.ariaPressed = String(mark === button.dataset.set);
      button.ariaLabel = `${button.textContent} ${shown(items[item].name)}`;
    }
    if (item === zoomed) refreshZoom();
  }
  status();
}

// With a filter on, one heading counts what it finds: those of the sections would count something else.
function describeFilter(found) {
  const chosen = ["kind", "mark"].map((group) => document.querySelector(`[data-${group}][aria-pressed="true"]`));
  const words = chosen.filter(({ dataset }) => dataset.kind !== "all" && dataset.mark !== "any").map((button) => button.querySelector("span").textContent);
  if (filter.words.length > 0) words.push(`\u201c${shown(at("search").value.trim())}\u201d`);
  at("found").hidden = words.length === 0 || found === 0;
  at("found").replaceChildren(`${words.join(", ")} `, element("small", { textContent: found.toLocaleString("en") }));
  at("board").classList.toggle("filtered", words.length > 0);
}

const isMarked = (item, key) => key === "any" || (marked(item) ?? "unmarked") === key;

function status() {
  for (const button of document.querySelectorAll("[data-mark]")) {
    button.querySelector("b").textContent = items.filter((_, item) => isMarked(item, button.dataset.mark)).length.toLocaleString("en");
  }
  at("undo").disabled = past.length === 0;
  const count = Object.keys(state.marks).length;
  describeShown();
  at("unsaved").textContent = count === 0 && state.saved ? "" : state.saved ? "Marks are saved." : stored ? "Marks are kept in this browser, not saved yet." : "Marks are not saved yet.";
}

// Filters. A burst is shown whole as soon as one of its photographs matches: what else there is decides about it.

const matches = (item) => {
  const { kinds } = items[item];
  return (filter.kind === "all" || kinds.includes(filter.kind)) && isMarked(item, filter.mark) && filter.words.every((word) => searched[item].includes(word));
};
const visible = () => order.filter((item) => !frames.get(groupOf.get(item)).hidden);

// A photograph whose new mark does not match stays until the filters change, so that nothing jumps.
function describeShown() {
  let [found, beside, changed] = [0, 0, 0];
  for (const { items: all } of groups.filter((group) => !frames.get(group).hidden)) {
    const count = all.filter(matches).length;
    found += count;
    if (count > 0) beside += all.length - count;
    else changed += all.length;
  }
  const more = [[beside, "more of their bursts"], [changed, "that you just marked"]].filter(([count]) => count > 0);
  const isAll = found === items.length;
  const text = isAll ? `All ${plural(found, "photograph")}` : `${found.toLocaleString("en")} of ${plural(items.length, "photograph")}`;
  const all = [text, ...more.map(([count, what]) => `and ${count.toLocaleString("en")} ${what}`)].join(", ");
  // A screen reader would repeat a text that did not change.
  if (at("shown").textContent !== all) at("shown").textContent = all;
}

function applyFilters() {
  let found = 0;
  for (const section of data.sections) {
    let [inSection, belong] = [0, 0];
    for (const group of section.groups) {
      const count = group.items.filter(matches).length;
      frames.get(group).hidden = count === 0;
      if (count === 0) continue;
      for (const item of group.items) cards[item].classList.toggle("aside", !matches(item));
      found += count;
      belong += group.items.filter((item) => section.kinds.includes(items[item].kinds[0])).length;
      inSection += group.items.length;
    }
    if (section.groups.length === 0) continue;
    frames.get(section).hidden = inSection === 0;
    const others = inSection > belong ? `, and ${(inSection - belong).toLocaleString("en")} more of their bursts` : "";
    frames.get(section).querySelector("h2 small").textContent = belong.toLocaleString("en") + others;
  }
  describeShown();
  describeFilter(found);
  at("empty").hidden = found > 0;
  const left = visible();
  if (left.length > 0) setCurrent(left.includes(current) ? current : left[0]);
}

// Tab reaches one card and its buttons: the last one that had the focus.
function setCurrent(item) {
  const reach = (number, index) => {
    for (const button of cards[number].querySelectorAll("button")) button.tabIndex = index;
    const best = cards[number].closest(".burst")?.querySelector(".best");
    if (best) best.tabIndex = index;
  };
  reach(current, -1);
  current = item;
  reach(current, 0);
}

function focusCard(item) {
  setCurrent(item);
  cards[item].querySelector(".view").focus({ preventScroll: true });
  // Smooth scrolling would lag behind an arrow key that is held down.
  cards[item].scrollIntoView({ block: "nearest", behavior: "instant" });
}

// Left and right follow the order; up and down go to the nearest card of the next row.
function move(key) {
  const list = visible();
  const place = list.indexOf(current);
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const next = list[place + (key === "ArrowRight" ? 1 : -1)];
    if (next !== undefined) focusCard(next);
    return;
  }
  const sign = key === "ArrowDown" ? 1 : -1;
  const here = cards[current].getBoundingClientRect();
  let [best, row, least] = [null, null, Infinity];
  for (let k = place + sign; list[k] !== undefined; k += sign) {
    const there = cards[list[k]].getBoundingClientRect();
    if (sign * (there.top - here.top) <= 1) continue;
    row ??= there.top;
    if (Math.abs(there.top - row) > 1) break;
    const aside = Math.abs(there.left - here.left);
    if (aside < least) [best, least] = [list[k], aside];
  }
  if (best !== null) focusCard(best);
}

// The large view

function refreshZoom() {
  const mark = marked(zoomed);
  for (const button of at("zoom").querySelectorAll("[data-set]")) button.ariaPressed = String(mark === button.dataset.set);
}

function zoom(item) {
  zoomed = item;
  const entry = items[item];
  const list = visible();
  const place = list.indexOf(item);
  at("zoom-name").textContent = shown(entry.name);
  const group = groupOf.get(item);
  const parts = [entry.summary, group.best === item ? `${bestWord(group)} of its burst` : group.items.length > 1 ? "in a burst" : "", `${place + 1} of ${list.length}`];
  at("zoom-summary").textContent = parts.filter(Boolean).join(" · ");
  if (!at("zoom").open) {
    at("zoom").showModal();
    at("zoom-name").focus();
  }
  const stage = at("zoom").querySelector(".stage");
  const isFailed = entry.kinds[0] === "failed";
  stage.replaceChildren(isFailed ? element("p", { className: "frame blank", textContent: "no image" }) : frame(item, 0));
  // Words take more of a small image than of a large one: the image is laid out first.
  if (!isFailed) stage.firstChild.append(...overlay(item, stage.firstChild.clientWidth));
  at("zoom-crops").replaceChildren(...inOrder(item).map((k) => crop(item, k)));
  fill(at("zoom"), item);
  at("zoom-crops").scrollTop = 0;
  at("previous").disabled = place === 0;
  at("next").disabled = place === list.length - 1;
  at("zoom-message").textContent = "";
  refreshZoom();
}

function step(by) {
  const next = visible()[visible().indexOf(zoomed) + by];
  if (next === undefined) return;
  setCurrent(next);
  zoom(next);
  announce(described(next), false);
}

at("zoom").addEventListener("close", () => {
  // The browser has given the focus back to the photograph from which the view was opened.
  const item = zoomed;
  zoomed = null;
  focusCard(item);
});
at("zoom-close").addEventListener("click", () => at("zoom").close());
at("previous").addEventListener("click", () => step(-1));
at("next").addEventListener("click", () => step(1));
at("zoom").addEventListener("click", (event) => {
  const button = event.target.closest("[data-set]");
  if (button !== null) setMark(zoomed, marked(zoomed) === button.dataset.set ? "" : button.dataset.set);
});

// Input

at("board").addEventListener("focusin", (event) => {
  const made = event.target.closest(".card");
  if (made !== null && Number(made.dataset.item) !== current) setCurrent(Number(made.dataset.item));
});
at("board").addEventListener("click", (event) => {
  const made = event.target.closest(".card");
  if (made === null) return;
  const item = Number(made.dataset.item);
  const button = event.target.closest("[data-set]");
  if (button !== null) setMark(item, marked(item) === button.dataset.set ? "" : button.dataset.set);
  else if (event.target.closest(".view") !== null) {
    setCurrent(item);
    zoom(item);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.altKey || event.ctrlKey || at("help").open) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const typing = event.target === at("search");
  if (typing) {
    if (key !== "Enter" && key !== "ArrowDown") return;
    if (visible().length > 0) focusCard(current);
    event.preventDefault();
    return;
  }
  const isZoom = at("zoom").open;
  const item = isZoom ? zoomed : event.target.closest?.(".card") ? current : null;
  // Before a photograph has the focus, keys act on the one that Tab would reach: on a fresh page the first.
  const act = (action) => {
    if (item === null && visible().length === 0) {
      announce("There is no photograph to act on.");
      return;
    }
    if (item === null) focusCard(current);
    action(item ?? current);
  };
  const once = {
    z: undo,
    s: save,
    "?": () => at("help").showModal(),
    "/": () => { if (!isZoom) at("search").focus(); },
    k: () => act((one) => setMark(one, "keep")),
    r: () => act((one) => setMark(one, "reject")),
    u: () => act((one) => setMark(one, "")),
    b: () => act(keepBest),
  };
  if (once[key] !== undefined) {
    if (!event.repeat) once[key]();
  } else if (isZoom && key === "ArrowLeft") step(-1);
  else if (isZoom && key === "ArrowRight") step(1);
  else if (isZoom) return;
  else if (key.startsWith("Arrow") && item !== null) move(key);
  else if (key.startsWith("Arrow") && visible().length > 0) focusCard(current);
  else if (key === "Enter" && [document.body, at("photographs")].includes(event.target)) act(zoom);
  else if ((key === "Home" || key === "End") && item !== null) focusCard(visible().at(key === "Home" ? 0 : -1));
  else return;
  event.preventDefault();
});

for (const group of ["kind", "mark"]) {
  const buttons = document.querySelectorAll(`[data-${group}]`);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      filter[group] = button.dataset[group];
      for (const other of buttons) other.ariaPressed = String(other === button);
      applyFilters();
    });
  }
}
at("search").addEventListener("input", () => {
  filter.words = folded(at("search").value).split(/\s+/).filter(Boolean);
  applyFilters();
});
at("save").addEventListener("click", save);
at("undo").addEventListener("click", undo);
at("load").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", async () => {
  const [file] = at("file").files;
  if (file !== undefined) await read(file);
  at("file").value = "";
});
at("keys").addEventListener("click", () => at("help").showModal());
at("help-close").addEventListener("click", () => at("help").close());
addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  catchUp();
  refresh(order);
});
addEventListener("beforeunload", (event) => {
  if (!stored && !state.saved) event.preventDefault();
});

load();
store();
draw();
refresh(order);
if (items.length > 0) applyFilters();
