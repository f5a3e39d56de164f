// What part of a figure is seen: fit, zoom, pan, and following the step where room is short.
const view = { scale: 1, x: 0, y: 0, width: 1, height: 1, fit: 1 };
const READABLE = 0.8;

function fit() {
  const { width, height } = figure();
  view.width = stage.clientWidth;
  const most = Math.max(300, innerHeight * 0.72); // captions stay in sight
  const whole = Math.min(1, view.width / width, most / height);
  const follows = whole < READABLE;
  view.fit = whole;
  view.scale = follows ? READABLE : whole;
  view.height = follows ? Math.min(height * view.scale, most) : height * whole;
  view.x = view.y = 0;
  look();
}

function look() {
  const { svg, width, height } = figure();
  const [wide, high] = [view.width / view.scale, view.height / view.scale];
  view.x = Math.max(0, Math.min(view.x, width - wide));
  view.y = Math.max(0, Math.min(view.y, height - high));
  svg.setAttribute("width", view.width);
  svg.setAttribute("height", view.height);
  svg.setAttribute("viewBox", [view.x, view.y, wide, high].map((n) => n.toFixed(1)).join(" "));
  const zoomed = wide < width - 1 || high < height - 1;
  stage.classList.toggle("zoomed", zoomed);
  stage.style.touchAction = view.scale > Math.max(view.fit, READABLE) + 0.01 ? "none" : "pan-y";
}

function zoom(factor, x = view.width / 2, y = view.height / 2) {
  const before = view.scale;
  view.scale = Math.min(8, Math.max(Math.min(view.fit, 1), before * factor));
  view.x += x / before - x / view.scale;
  view.y += y / before - y / view.scale;
  look();
}

function around(boxes, corner) {
  return [
    Math.min(...boxes.map((box) => box.left)) - corner.left,
    Math.max(...boxes.map((box) => box.right)) - corner.left,
    Math.min(...boxes.map((box) => box.top)) - corner.top,
    Math.max(...boxes.map((box) => box.bottom)) - corner.top,
  ];
}

// Bring the wires and the gate of the step into the part that is seen.
function follow() {
  if (!stage.classList.contains("zoomed")) return;
  const corner = figure().svg.getBoundingClientRect();
  const boxes = step().w.map((i) => figure().wires[i].group.getBoundingClientRect());
  const gate = step().n !== null && figure().nodes.get(step().n);
  if (gate) boxes.unshift(gate.getBoundingClientRect());
  if (!boxes.length) return;
  let [left, right, top, bottom] = around(boxes, corner);
  if (right - left > view.width) [left, right] = around([boxes[0]], corner); // the gate is what matters
  if (bottom - top > view.height) [, , top, bottom] = around([boxes[0]], corner);
  if (left < 0 || right > view.width) view.x += ((left + right - view.width) / 2) / view.scale;
  if (top < 0 || bottom > view.height) view.y += ((top + bottom - view.height) / 2) / view.scale;
  look();
}

const pointers = new Map();
let dragged = false;
const local = (event) => {
  const corner = stage.getBoundingClientRect();
  return { x: event.clientX - corner.left, y: event.clientY - corner.top };
};

stage.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
  event.preventDefault();
  const { x, y } = local(event);
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), x, y);
}, { passive: false });

stage.addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, local(event));
  if (pointers.size === 1) dragged = false;
});

stage.addEventListener("pointermove", (event) => {
  const from = pointers.get(event.pointerId);
  if (!from) return;
  const to = local(event);
  const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
  if (others.length === 1) {
    const [other] = others;
    const spread = (place) => Math.hypot(place.x - other.x, place.y - other.y) || 1;
    zoom(spread(to) / spread(from), (to.x + other.x) / 2, (to.y + other.y) / 2);
    dragged = true;
  } else if (stage.classList.contains("zoomed")) {
    if (!dragged && Math.hypot(to.x - from.x, to.y - from.y) < 4) return;
    dragged = true;
    view.x -= (to.x - from.x) / view.scale;
    view.y -= (to.y - from.y) / view.scale;
    look();
  }
  pointers.set(event.pointerId, to);
});

for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
  stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
}
