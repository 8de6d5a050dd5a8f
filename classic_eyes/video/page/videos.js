// Each clip is built when it comes near: its plots, and the table of its events.
const KINDS = ["long", "wink", "partial", "blink"];
const WORDS = { blink: "Blink", partial: "Partial", long: "Long", wink: "Wink" };
const PARTS = ["start", "deepest", "end"];
const ROWS = 100;
// Openness at the top of a band: an eye may be more open than usual.
const MOST = 1.2;
const filter = { kind: "all" };
const [GUTTER, EDGE, LANE, BAND, GAP, BARS, AXIS] = [66, 12, 20, 78, 8, 40, 24];

const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

// A time as text: seconds in clips of less than a minute, else minutes, and hours.
function clock(seconds, isShort, digits) {
  if (isShort) return `${seconds.toFixed(digits)} s`;
  const unit = 10 ** digits;
  const whole = Math.round(seconds * unit);
  const [minutes, rest] = [Math.floor(whole / (60 * unit)), (whole % (60 * unit)) / unit];
  const tail = rest.toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${tail}`;
}

const known = (value, digits) => (value === null ? "\u2013" : value.toFixed(digits));
const eyesOf = (event) => (event.eye === "both" ? "both eyes" : `${event.eye} eye`);
const matches = (event) => filter.kind === "all" || event.kind === filter.kind || (filter.kind === "gaze" && event.gaze);

// Reading

function read(section) {
  const number = section.dataset.clip;
  const source = at(`clip-data-${number}`);
  if (source === null) return null;
  const data = JSON.parse(source.textContent);
  let sum = 0;
  const times = Float64Array.from(data.times_ms, (step) => (sum += step) / 1000);
  const end = Math.max(data.end_ms / 1000, (times[0] ?? 0) + 0.1);
  const events = data.events.map(([track, kind, eye, frame, start, duration, depth, confidence, gaze], row) => (
    { row, track, kind, eye, frame, start, stop: start + duration / 1000, duration, depth, confidence, gaze: gaze === 1 }
  ));
  const domain = [times[0] ?? 0, end];
  const clip = { ...data, number, section, times, events, domain, view: [...domain], isShort: end < 60, plots: [], track: "", sort: ["start", 1], shown: ROWS, chosen: null };
  clip.strips = JSON.parse(at(`strips-${number}`).textContent);
  clip.hasStrips = Object.keys(clip.strips).length > 0;
  for (const track of clip.tracks) track.levels = bytes(track.levels);
  for (const [row, text] of Object.entries(data.details)) events[row].detail = details(bytes(text));
  return clip;
}

// Frames of an event, one by one: time, then the four levels.
function details(data) {
  let time = new DataView(data.buffer).getUint32(0, true);
  const found = [];
  for (let k = 4; k < data.length; k += 5) {
    time += data[k];
    found.push([time / 1000, ...data.subarray(k + 1, k + 5)]);
  }
  return found;
}

// The images of an event: one strip, of which each image shows a third.
function strip(clip, event) {
  const text = clip.strips[event.row];
  if (text === undefined) return null;
  return element("div", { className: "strip" }, ...PARTS.map((part) => {
    const image = element("img", { alt: `Eyes at the ${part === "deepest" ? "deepest frame" : part}`, decoding: "async", loading: "lazy", draggable: false, width: 128, height: 48 });
    image.src = `data:image/jpeg;base64,${text}`;
    return element("figure", {}, image, element("figcaption", { textContent: part, ariaHidden: "true" }));
  }));
}

// The curves

// Position of the first value that is not below the one that is sought.
function position(values, sought) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < sought) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Samples of a level within the view: time, lowest, highest. Null breaks the line.
function samples(clip, track, level) {
  const { times, width, unseen, domain: [, end], view: [from, to] } = clip;
  const { first, levels, precise } = track;
  const found = [];
  const sample = (time, low, high) => found.push([time, ...(low === unseen ? [null, null] : [low, high])]);
  const near = precise.filter((frames) => frames.at(-1)[0] >= from && frames[0][0] <= to);
  for (const frames of near) for (const frame of frames) sample(frame[0], frame[1 + level], frame[1 + level]);
  const stop = Math.min(first + levels.length / 8, position(times, to) + 2);
  for (let k = Math.max(first, position(times, from) - 2); k < stop; k += 1) {
    const next = times[k + 1] ?? end;
    // Frames of events stand in for the columns that they fill.
    if (near.some((frames) => frames[0][0] <= next && frames.at(-1)[0] >= times[k])) continue;
    const low = levels[8 * (k - first) + level];
    sample(width === 1 ? times[k] : (times[k] + next) / 2, low, levels[8 * (k - first) + 4 + level]);
  }
  return near.length === 0 ? found : found.sort((a, b) => a[0] - b[0]);
}

// Path of the mean, and of the area between the lowest and the highest value of each pixel.
function trace(found, x, y) {
  let [line, area] = ["", ""];
  let piece = [];
  const close = () => {
    if (piece.length === 1) piece.push({ ...piece[0], px: piece[0].px + 1 });
    if (piece.length > 0) line += `M${piece.map(({ px, sum, n }) => `${px} ${y(sum / n)}`).join("L")}`;
    if (piece.some(({ low, high }) => low < high)) {
      const lows = piece.map(({ px, low }) => `${px} ${y(low)}`).reverse();
      area += `M${[...piece.map(({ px, high }) => `${px} ${y(high)}`), ...lows].join("L")}Z`;
    }
    piece = [];
  };
  for (const [time, low, high] of found) {
    if (low === null) {
      close();
      continue;
    }
    const px = Math.round(x(time));
    let last = piece.at(-1);
    if (last?.px !== px) piece.push((last = { px, low, high, sum: 0, n: 0 }));
    last.low = Math.min(last.low, low);
    last.high = Math.max(last.high, high);
    last.sum += (low + high) / 2;
    last.n += 1;
  }
  close();
  return [line, area];
}

// Spans in which neither eye is seen, while the track lives.
function unseenSpans(clip, track) {
  const { times, unseen, domain: [, end] } = clip;
  const { first, levels } = track;
  const spans = [];
  const n = levels.length / 8;
  for (let k = 0; k < n; k += 1) {
    if (levels[8 * k + 2] !== unseen || levels[8 * k + 3] !== unseen) continue;
    const start = k;
    while (k + 1 < n && levels[8 * k + 10] === unseen && levels[8 * k + 11] === unseen) k += 1;
    spans.push([times[first + start], times[first + k + 1] ?? end]);
  }
  return spans;
}

const STEPS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000, 86400];

// A plot: lanes of the events, the right and the left eye, PERCLOS by windows, and the axis of time.
function makePlot(clip, host, number) {
  const track = clip.tracks.find((one) => one.track === number);
  if (track === undefined) {
    host.remove();
    return;
  }
  const events = clip.events.filter((event) => event.track === number);
  track.precise = events.filter(({ detail }) => detail !== undefined).map(({ detail }) => detail);
  const name = `Track ${number}: openness and P(open) of both eyes over time, ${plural(events.length, "event")}`;
  const chart = drawing("svg", { class: "chart", role: "group", "aria-label": name });
  const [back, front] = [drawing("g", { "aria-hidden": "true" }), drawing("g", {})];
  const now = drawing("rect", { class: "now", rx: 2 });
  chart.append(back, front, now);
  const readout = element("div", { className: `readout${clip.hasStrips ? " images" : ""}`, hidden: events.length === 0 });
  host.replaceChildren(chart, legend(events.length > 0), readout);
  const lanes = KINDS.filter((kind) => events.some((event) => event.kind === kind));
  const plot = { clip, track, number, host, chart, back, front, now, readout, events, lanes, windows: clip.perclos[number] ?? [], spans: unseenSpans(clip, track), marks: new Map(), current: null, x: null };
  for (const event of events) {
    const words = `${WORDS[event.kind]}, ${eyesOf(event)}, at ${clock(event.start, clip.isShort, 2)}, ${event.duration} ms, depth ${known(event.depth, 2)}, confidence ${known(event.confidence, 2)}${event.gaze ? ", may be gaze" : ""}`;
    const mark = drawing("g", { class: `mark ${event.kind}${event.gaze ? " gaze" : ""}`, role: "button", tabindex: -1, "aria-label": words }, drawing("path", {}));
    mark.dataset.row = event.row;
    plot.marks.set(event, mark);
    front.append(mark);
  }
  clip.plots.push(plot);
  listen(plot);
  select(plot, firstOf(plot));
  new ResizeObserver(() => draw(plot)).observe(host);
}

function legend(hasEvents) {
  const sample = (shape) => drawing("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, shape);
  const line = (kind, word) => element("span", {}, sample(drawing("path", { class: `curve ${kind}`, d: "M1 6H25" })), word);
  const keys = hasEvents ? "Left and right: from event to event. " : "";
  return element("p", { className: "legend" },
    line("openness", "openness"), line("score", "P(open)"),
    element("span", {}, sample(drawing("rect", { class: "hatch", width: 26, height: 12 })), "not seen"),
    element("span", { className: "keys", textContent: `${keys}+ and \u2212 or Ctrl and wheel: zoom. Drag: move.` }));
}

function draw(plot) {
  const { clip, host, chart, lanes, windows } = plot;
  const width = host.clientWidth;
  if (width === 0) return;
  const [from, to] = clip.view;
  const inner = Math.max(40, width - GUTTER - EDGE);
  const x = (time) => GUTTER + ((time - from) / (to - from)) * inner;
  const inside = (time) => Math.min(Math.max(x(time), GUTTER), GUTTER + inner);
  plot.x = x;
  const top = lanes.length * LANE + (lanes.length ? 6 : 0);
  const tops = [top, top + BAND + GAP];
  const below = tops[1] + BAND + GAP;
  const hasBars = windows.length > 1;
  const height = below + (hasBars ? BARS + GAP : 0) + AXIS;
  for (const [key, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) chart.setAttribute(key, value);
  chart.classList.toggle("zoomed", isZoomed(clip));
  const parts = [];
  const rect = (kind, start, stop, y, high, least = 0) => {
    if (stop < from || start > to) return;
    const [left, right] = [inside(start), inside(stop)];
    parts.push(drawing("rect", { class: kind, x: left, y, width: Math.max(right - left, least), height: high }));
  };
  const text = (content, attributes) => parts.push(drawing("text", attributes, content));
  const across = (y) => parts.push(drawing("path", { class: "grid", d: `M${GUTTER} ${y}H${GUTTER + inner}` }));
  for (const [k, kind] of lanes.entries()) {
    text(WORDS[kind], { x: GUTTER - 10, y: k * LANE + LANE / 2 + 4, "text-anchor": "end" });
    across((k + 1) * LANE - 0.5);
  }
  const levelY = (y, value) => Math.round(10 * (y + BAND - 4 - (Math.min(value, MOST) / MOST) * (BAND - 8))) / 10;
  // What is measured, then the axis, the spans of events, and the curves.
  const life = [clip.times[plot.track.first], clip.times[plot.track.first + plot.track.levels.length / 8] ?? clip.domain[1]];
  for (const [eye, y] of tops.entries()) {
    rect("ground", ...life, y, BAND);
    for (const span of plot.spans) rect("hatch", ...span, y, BAND, 1);
    across(levelY(y, 0.5));
    text(eye === 0 ? "Right" : "Left", { class: "name", x: GUTTER - 10, y: y + BAND / 2, "text-anchor": "end" });
    text("eye", { class: "name", x: GUTTER - 10, y: y + BAND / 2 + 14, "text-anchor": "end" });
    for (const value of [0, 1]) text(String(value), { x: GUTTER - 10, y: levelY(y, value) + 4, "text-anchor": "end" });
  }
  axis(clip, { x, inner, height, text, parts, grid: [top, height - AXIS] });
  for (const event of plot.events.filter(matches)) {
    const [y, high] = event.eye === "both" ? [tops[0], 2 * BAND + GAP] : [tops[event.eye === "left" ? 1 : 0], BAND];
    if (x(event.stop) - x(event.start) > 1) rect(`span ${event.kind}`, event.start, event.stop, y, high);
  }
  const frame = `curves-${clip.number}-${plot.number}`;
  const curves = drawing("g", { "clip-path": `url(#${frame})` });
  for (const [eye, top] of tops.entries()) {
    const y = (level) => levelY(top, level / clip.scale);
    for (const [level, kind] of [[2 + eye, "score"], [eye, "openness"]]) {
      const [line, area] = trace(samples(clip, plot.track, level), x, y);
      curves.append(drawing("path", { class: `area ${kind}`, d: area }), drawing("path", { class: `curve ${kind}`, d: line }));
    }
  }
  parts.push(drawing("clipPath", { id: frame }, drawing("rect", { x: GUTTER, y: 0, width: inner, height })), curves);
  if (hasBars) bars(plot, { below, inside, rect, text, across });
  plot.back.replaceChildren(...parts);
  placeMarks(plot, inside);
  plot.placeNow = () => placeNow(plot, inside, tops);
  plot.placeNow();
}

function bars(plot, { below, inside, rect, text, across }) {
  const most = Math.max(...plot.windows.map(([, , value]) => value ?? 0));
  const full = [0.05, 0.1, 0.2, 0.5, 1].find((value) => value >= most) ?? 1;
  text("PERCLOS", { x: GUTTER - 10, y: below + BARS / 2 + 8, "text-anchor": "end" });
  text(`${100 * full}%`, { x: GUTTER - 10, y: below + 10, "text-anchor": "end" });
  for (const [start, stop, value] of plot.windows) {
    if (value === null) continue;
    const high = Math.max(1, (value / full) * (BARS - 2));
    rect("bar", start, stop, below + BARS - high, high);
    const [left, right] = [inside(start), inside(stop)];
    if (right - left > 46) text(`${(100 * value).toFixed(1)}%`, { x: (left + right) / 2, y: Math.max(below + 11, below + BARS - high - 4), "text-anchor": "middle" });
  }
  across(below + BARS - 0.5);
}

function axis(clip, { x, inner, height, text, parts, grid: [top, bottom] }) {
  const [from, to] = clip.view;
  const digits = (step) => (step < 0.1 ? 2 : step < 1 ? 1 : 0);
  const room = (step) => 7.2 * clock(to, clip.isShort, digits(step)).length + 22;
  const step = STEPS.find((size) => (size / (to - from)) * inner >= room(size)) ?? STEPS.at(-1);
  for (let k = Math.ceil(from / step - 1e-6); k * step <= to + 1e-6; k += 1) {
    const px = x(k * step);
    const label = clock(k * step, clip.isShort, digits(step));
    const half = 3.6 * label.length;
    parts.push(drawing("path", { class: "grid", d: `M${px} ${top}V${bottom + 4}` }));
    // Labels at the ends are moved inwards.
    text(label, { x: Math.min(Math.max(px, GUTTER + half - 14), GUTTER + inner + EDGE - half), y: height - 5, "text-anchor": "middle" });
  }
}

// Half of the least width of a mark.
const LEAST = { blink: 1, partial: 2.5, long: 2, wink: 5 };

// Shape and lane tell the kinds apart: a filled bar, an outlined bar, a tall bar, a diamond.
function placeMarks(plot, inside) {
  const { clip: { view: [from, to] }, lanes } = plot;
  for (const [event, mark] of plot.marks) {
    const isShown = matches(event) && event.stop >= from && event.start <= to;
    mark.setAttribute("display", isShown ? "inline" : "none");
    if (!isShown) continue;
    const [left, right] = [inside(event.start), inside(event.stop)];
    const [middle, half] = [(left + right) / 2, Math.max((right - left) / 2, LEAST[event.kind])];
    const y = lanes.indexOf(event.kind) * LANE + LANE / 2;
    const tall = event.kind === "long" ? 7 : 5;
    const shape = event.kind === "wink"
      ? `M${middle - half} ${y}L${middle - half + 5} ${y - 5}H${middle + half - 5}L${middle + half} ${y}L${middle + half - 5} ${y + 5}H${middle - half + 5}Z`
      : `M${middle - half} ${y - tall}H${middle + half}V${y + tall}H${middle - half}Z`;
    mark.firstChild.setAttribute("d", shape);
  }
}

function placeNow(plot, inside, tops) {
  const { current: event, now, clip: { view: [from, to] } } = plot;
  const isShown = event !== null && matches(event) && event.stop >= from && event.start <= to;
  now.setAttribute("display", isShown ? "inline" : "none");
  if (!isShown) return;
  const [left, right] = [inside(event.start), inside(event.stop)];
  const y = plot.lanes.indexOf(event.kind) * LANE + 1;
  const bottom = event.eye === "right" ? tops[0] + BAND : tops[1] + BAND;
  const box = { x: left - 3, y, width: right - left + 6, height: bottom - y };
  for (const [key, value] of Object.entries(box)) now.setAttribute(key, value);
}

// Before anybody chooses: an event with images, if there is one.
function firstOf({ clip, events }) {
  const found = events.filter(matches);
  return found.find(({ row }) => clip.strips[row] !== undefined) ?? found[0] ?? null;
}

// The event that is chosen in a plot, and its row below it.
function select(plot, event) {
  if (plot.current !== null) plot.marks.get(plot.current).setAttribute("tabindex", -1);
  plot.current = event;
  if (event !== null) plot.marks.get(event).setAttribute("tabindex", 0);
  const { clip, readout } = plot;
  readout.hidden = plot.events.length === 0;
  if (event === null) readout.replaceChildren(element("p", { textContent: "No event of this kind." }));
  else {
    const pairs = [["start", clock(event.start, clip.isShort, 2)], ["duration", `${event.duration} ms`], ["depth", known(event.depth, 2)], ["confidence", known(event.confidence, 2)]];
    const numbers = pairs.map(([word, value]) => element("span", {}, element("i", { textContent: `${word} ` }), value));
    readout.replaceChildren(
      element("p", { className: "what" }, icon(event.kind), `${WORDS[event.kind]}, ${eyesOf(event)}`),
      element("p", { className: "numbers" }, ...numbers, ...(event.gaze ? ["may be gaze"] : [])),
      ...[strip(clip, event)].filter(Boolean));
  }
  plot.placeNow?.();
}

// The view

const shortest = ({ domain: [first, last] }) => Math.min(0.4, last - first);
const isZoomed = ({ view, domain }) => view[1] - view[0] < (domain[1] - domain[0]) * 0.999;

function setView(clip, from, to) {
  const [first, last] = clip.domain;
  const length = Math.min(Math.max(to - from, shortest(clip)), last - first);
  const start = Math.min(Math.max(from, first), last - length);
  clip.view = [start, start + length];
  // A wheel turns more often than a screen is drawn.
  cancelAnimationFrame(clip.pending);
  clip.pending = requestAnimationFrame(() => {
    for (const plot of clip.plots) draw(plot);
    showView(clip);
  });
}

function showView(clip) {
  const tools = clip.section.querySelector("[data-tools]");
  const [[from, to], [first, last]] = [clip.view, clip.domain];
  const digits = to - from < 2 ? 2 : to - from < 20 ? 1 : 0;
  tools.querySelector(".window").textContent = isZoomed(clip) ? `${clock(from, clip.isShort, digits)} to ${clock(to, clip.isShort, digits)}` : "";
  tools.querySelector(".position").hidden = !isZoomed(clip);
  const slider = tools.querySelector("[data-position]");
  slider.value = Math.round((1000 * (from - first)) / Math.max(last - first - (to - from), 1e-9));
  slider.ariaValueText = tools.querySelector(".window").textContent;
  for (const key of ["out", "all"]) tools.querySelector(`[data-zoom="${key}"]`).disabled = !isZoomed(clip);
}

function zoom(clip, factor, middle) {
  const [from, to] = clip.view;
  const centre = middle ?? (from + to) / 2;
  const scale = Math.max(factor, shortest(clip) / (to - from));
  setView(clip, centre - (centre - from) * scale, centre + (to - centre) * scale);
}

function pan(clip, seconds) {
  setView(clip, clip.view[0] + seconds, clip.view[1] + seconds);
}

// Move the view so that it contains the event.
function reveal(clip, { start, stop }) {
  const [from, to] = clip.view;
  if (start >= from && stop <= to) return;
  const length = Math.max(to - from, 1.5 * (stop - start));
  setView(clip, (start + stop - length) / 2, (start + stop + length) / 2);
}

function listen(plot) {
  const { clip, chart } = plot;
  const timeAt = ({ clientX }) => {
    const { left, width } = chart.getBoundingClientRect();
    const share = (clientX - left - GUTTER) / (width - GUTTER - EDGE);
    return clip.view[0] + share * (clip.view[1] - clip.view[0]);
  };
  // The event below the pointer or next to it; its own lane counts most.
  const eventAt = (pointer) => {
    const { left, top } = chart.getBoundingClientRect();
    const [px, lane] = [pointer.clientX - left, Math.floor((pointer.clientY - top) / LANE)];
    let [best, least] = [null, 10];
    for (const event of plot.events) {
      if (!matches(event)) continue;
      const distance = Math.max(plot.x(event.start) - px, px - plot.x(event.stop), 0) + (lane < plot.lanes.length && plot.lanes[lane] !== event.kind ? 6 : 0);
      if (distance < least) [best, least] = [event, distance];
    }
    return best;
  };
  let drag = null;
  chart.addEventListener("pointerdown", (pointer) => {
    if (pointer.button !== 0) return;
    drag = { x: pointer.clientX, time: timeAt(pointer), moved: false };
    chart.setPointerCapture(pointer.pointerId);
  });
  chart.addEventListener("pointermove", (pointer) => {
    if (drag !== null && isZoomed(clip) && (drag.moved || Math.abs(pointer.clientX - drag.x) > 4)) {
      drag.moved = true;
      chart.classList.add("dragged");
      pan(clip, drag.time - timeAt(pointer));
      return;
    }
    const event = drag === null ? eventAt(pointer) : null;
    if (event !== null && event !== plot.current) select(plot, event);
  });
  chart.addEventListener("pointerup", (pointer) => {
    const event = drag !== null && !drag.moved ? eventAt(pointer) : null;
    if (event !== null) focusEvent(plot, event);
    drag = null;
    chart.classList.remove("dragged");
  });
  chart.addEventListener("pointercancel", () => {
    drag = null;
    chart.classList.remove("dragged");
  });
  chart.addEventListener("wheel", (wheel) => {
    if (wheel.ctrlKey || wheel.metaKey) zoom(clip, Math.exp(Math.sign(wheel.deltaY) * 0.25), timeAt(wheel));
    else if (isZoomed(clip) && (wheel.shiftKey || Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY))) pan(clip, ((wheel.deltaX || wheel.deltaY) / 800) * (clip.view[1] - clip.view[0]));
    else return;
    wheel.preventDefault();
  }, { passive: false });
  chart.addEventListener("focusin", ({ target }) => {
    const row = target.closest(".mark")?.dataset.row;
    if (row !== undefined && clip.events[row] !== plot.current) select(plot, clip.events[row]);
  });
  chart.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { current } = plot;
    const middle = current === null ? undefined : (current.start + current.stop) / 2;
    const listed = plot.events.filter(matches);
    const place = listed.indexOf(current);
    const step = { ArrowLeft: listed[place - 1], ArrowRight: listed[place + 1], Home: listed[0], End: listed.at(-1) };
    if (event.shiftKey && event.key.startsWith("Arrow")) pan(clip, (event.key === "ArrowLeft" ? -0.25 : 0.25) * (clip.view[1] - clip.view[0]));
    else if (event.key in step) {
      if (step[event.key] !== undefined) focusEvent(plot, step[event.key]);
    } else if (event.key === "+" || event.key === "=") zoom(clip, 0.5, middle);
    else if (event.key === "-") zoom(clip, 2, middle);
    else if (event.key === "0") setView(clip, ...clip.domain);
    else if (event.key === "Enter" && current !== null) showRow(clip, current);
    else return;
    event.preventDefault();
  });
}

function focusEvent(plot, event) {
  select(plot, event);
  reveal(plot.clip, event);
  const mark = plot.marks.get(event);
  mark.setAttribute("display", "inline");
  mark.focus({ preventScroll: true });
}

// The table

const COLUMNS = [
  ["kind", "Kind", ({ kind, gaze }) => 2 * KINDS.indexOf(kind) + gaze],
  ["eye", "Eye", ({ eye }) => ["both", "right", "left"].indexOf(eye)],
  ["track", "Track", ({ track }) => track],
  ["start", "Start", ({ start }) => start],
  ["duration", "Duration", ({ duration }) => duration],
  ["depth", "Depth", ({ depth }) => depth ?? -1],
  ["confidence", "Confidence", ({ confidence }) => confidence ?? -1],
];

const columnsOf = (clip) => COLUMNS.filter(([key]) => key !== "track" || clip.plots.length > 1);
const listed = (clip) => {
  const [key, sign] = clip.sort;
  const value = COLUMNS.find(([name]) => name === key)[2];
  return clip.events.filter((event) => matches(event) && (clip.track === "" || event.track === Number(clip.track)))
    .sort((a, b) => sign * (value(a) - value(b)) || a.start - b.start);
};

function cell(role, name, ...children) {
  const made = element(role === "cell" ? "td" : "th", { className: name }, ...children);
  made.setAttribute("role", role);
  return made;
}

function makeTable(clip) {
  const place = clip.section.querySelector("[data-table]");
  if (place === null) return;
  const head = columnsOf(clip).map(([key, word]) => {
    const button = element("button", { type: "button", textContent: word });
    button.addEventListener("click", () => {
      clip.sort = [key, clip.sort[0] === key ? -clip.sort[1] : 1];
      clip.shown = ROWS;
      fillTable(clip);
    });
    const made = cell("columnheader", key, button);
    made.dataset.key = key;
    return made;
  });
  if (clip.hasStrips) head.push(cell("columnheader", "eyes", element("div", { className: "strip" }, ...PARTS.map((part, k) => element("span", { textContent: k ? part : `Eyes at ${part}` })))));
  const row = element("tr", {}, ...head);
  const table = element("table", { className: clip.plots.length > 1 ? "many" : "" }, element("thead", {}, row), element("tbody"));
  for (const [part, role] of [[table, "table"], [table.tHead, "rowgroup"], [table.tBodies[0], "rowgroup"], [row, "row"]]) part.setAttribute("role", role);
  table.setAttribute("aria-labelledby", place.getAttribute("aria-labelledby"));
  clip.more = element("button", { type: "button", className: "next" });
  clip.more.addEventListener("click", () => {
    const before = clip.shown;
    clip.shown += ROWS;
    fillTable(clip);
    clip.body.rows[before].querySelector("button")?.focus({ preventScroll: true });
  });
  clip.body = table.tBodies[0];
  clip.head = row;
  place.replaceChildren(table, clip.more);
  fillTable(clip);
}

function fillTable(clip) {
  if (clip.body === undefined) return;
  const found = listed(clip);
  for (const made of clip.head.children) {
    if (made.dataset.key === clip.sort[0]) made.setAttribute("aria-sort", clip.sort[1] > 0 ? "ascending" : "descending");
    else made.removeAttribute("aria-sort");
  }
  clip.body.replaceChildren(...found.slice(0, clip.shown).map((event) => rowOf(clip, event)));
  const rest = found.length - clip.shown;
  clip.more.hidden = rest <= 0;
  clip.more.textContent = `Show ${Math.min(rest, ROWS)} more of ${plural(found.length, "event")}`;
  const all = clip.events.length;
  clip.section.querySelector("[data-count]").textContent = found.length === all ? all.toLocaleString("en") : `${found.length.toLocaleString("en")} of ${all.toLocaleString("en")}`;
}

function rowOf(clip, event) {
  const label = (word) => element("span", { className: "label", textContent: word, ariaHidden: "true" });
  const button = element("button", { type: "button", ariaLabel: `Show in the plot: ${clock(event.start, clip.isShort, 2)}` }, clock(event.start, clip.isShort, 2));
  button.addEventListener("click", () => showEvent(clip, event));
  const texts = {
    kind: [element("span", { className: "what" }, icon(event.kind), WORDS[event.kind], ...(event.gaze ? [element("span", { className: "gaze", textContent: "may be gaze" })] : []))],
    eye: [label("Eye"), event.eye],
    track: [label("Track"), String(event.track)],
    start: [label("Start"), button],
    duration: [label("Duration"), `${event.duration.toLocaleString("en")} ms`],
    depth: [label("Depth"), known(event.depth, 2)],
    confidence: [label("Confidence"), known(event.confidence, 2)],
  };
  const cells = columnsOf(clip).map(([key]) => cell("cell", `${key} number`, ...texts[key]));
  if (clip.hasStrips) cells.push(cell("cell", "eyes", ...[strip(clip, event)].filter(Boolean)));
  const row = element("tr", { className: event === clip.chosen ? "chosen" : "" }, ...cells);
  row.setAttribute("role", "row");
  row.dataset.row = event.row;
  return row;
}

function choose(clip, event) {
  clip.chosen = event;
  for (const row of clip.body.rows) row.classList.toggle("chosen", Number(row.dataset.row) === event.row);
}

function showRow(clip, event) {
  const place = listed(clip).indexOf(event);
  if (place < 0) return;
  if (place >= clip.shown) {
    clip.shown = ROWS * Math.ceil((place + 1) / ROWS);
    fillTable(clip);
  }
  choose(clip, event);
  const row = clip.body.querySelector(`[data-row="${event.row}"]`);
  row.querySelector("button").focus({ preventScroll: true });
  row.scrollIntoView({ block: "center", behavior: "instant" });
}

// Zoom to the event, so that its course is seen frame by frame.
function showEvent(clip, event) {
  choose(clip, event);
  const article = clip.section.querySelector(`article[data-track="${event.track}"]`);
  article.hidden = false;
  const plot = clip.plots.find((one) => one.number === event.track);
  if (plot === undefined) return;
  const length = Math.max(3, 2 * (event.stop - event.start));
  setView(clip, (event.start + event.stop - length) / 2, (event.start + event.stop + length) / 2);
  focusEvent(plot, event);
  plot.chart.scrollIntoView({ block: "center", behavior: "instant" });
}

// The page

function build(section) {
  const clip = read(section);
  if (clip === null) return null;
  for (const host of section.querySelectorAll("[data-plot]")) makePlot(clip, host, Number(host.parentElement.dataset.track));
  makeTable(clip);
  const tools = section.querySelector("[data-tools]");
  if (tools === null) return clip;
  tools.hidden = false;
  const factors = { in: 0.5, out: 2 };
  for (const button of tools.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const key = button.dataset.zoom;
      if (key === "all") setView(clip, ...clip.domain);
      else zoom(clip, factors[key]);
    });
  }
  tools.querySelector("[data-position]").addEventListener("input", ({ target }) => {
    const length = clip.view[1] - clip.view[0];
    const start = clip.domain[0] + (target.value / 1000) * (clip.domain[1] - clip.domain[0] - length);
    setView(clip, start, start + length);
  });
  const more = section.querySelector("[data-more]");
  const tracks = [...section.querySelectorAll("article[data-track]")];
  const spare = new Set(tracks.filter((article) => article.hidden));
  const showTracks = () => {
    for (const article of tracks) article.hidden = clip.track === "" ? spare.has(article) : article.dataset.track !== clip.track;
    if (more !== null) more.hidden = spare.size === 0 || clip.track !== "";
  };
  tools.querySelector("select[data-track]")?.addEventListener("change", ({ target }) => {
    clip.track = target.value;
    clip.shown = ROWS;
    showTracks();
    fillTable(clip);
  });
  more?.addEventListener("click", () => {
    spare.clear();
    showTracks();
  });
  showView(clip);
  return clip;
}

const built = new Map();
const watcher = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    built.set(target, build(target));
  }
}, { rootMargin: "1200px" });
for (const section of document.querySelectorAll("section.clip")) watcher.observe(section);

const buttons = [...document.querySelectorAll(".filter")];
const countOf = (key) => buttons.find((button) => button.dataset.kind === key).querySelector("b").textContent;

function showFilter() {
  for (const button of buttons) button.ariaPressed = String(button.dataset.kind === filter.kind);
  const total = countOf("all");
  at("shown").textContent = filter.kind === "all" ? `All ${total} event${total === "1" ? "" : "s"}` : `${countOf(filter.kind)} of ${total} events`;
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    filter.kind = button.dataset.kind;
    showFilter();
    for (const clip of built.values()) {
      if (clip === null) continue;
      clip.shown = ROWS;
      fillTable(clip);
      for (const plot of clip.plots) {
        if (plot.current === null || !matches(plot.current)) select(plot, firstOf(plot));
        draw(plot);
      }
    }
  });
}
showFilter();
