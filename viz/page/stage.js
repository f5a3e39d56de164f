// The figures of all passes, their wires, nodes and labels, and the state of the player.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");
const state = { pass: 0, step: 0, playing: 0, speed: 1, guessing: false, solved: new Set(), folded: new Set(), shown: new Set() };
const stage = byId("stage");

// Every id and class of a figure begins with its own prefix.
const figures = [...stage.querySelectorAll(".figure")].map((holder, index) => {
  const svg = holder.querySelector("svg");
  const prefix = svg.getAttribute("class");
  const part = (group, name) => group.querySelector(`.${prefix}-${name}`);
  const mark = (group, kind, key) => {
    group.classList.add(kind);
    group.dataset.key = key;
    const title = group.querySelector("title");
    if (title) title.remove(); // the tooltip of the page takes its place
    return group;
  };
  const wires = [];
  for (let i = 0; ; i++) {
    const group = document.getElementById(`${prefix}-w${i}`);
    if (!group) break;
    const [line, head] = [part(group, "line"), part(group, "head")];
    line.classList.add("line");
    head.classList.add("head");
    wires.push({ group: mark(group, "wire", `w${i}`), line, head });
  }
  const nodes = new Map();
  data.nodes.forEach((node, i) => {
    const group = document.getElementById(`${prefix}-n${i}`);
    if (group) nodes.set(i, mark(group, node.leaf ? "leaf" : "gate", `n${i}`));
  });
  const labels = new Map();
  const add = (key, elements) => labels.set(key, [...elements].filter(Boolean));
  wires.forEach(({ group }, i) => {
    add(`a${i}`, [part(group, "above")]);
    add(`b${i}`, [part(group, "below")]);
    add(`s${i}`, [part(group, "sums")]);
  });
  for (const [i, group] of nodes) {
    add(`v${i}`, group.querySelectorAll(`.${prefix}-fwd,.${prefix}-alert`));
    add(`t${i}`, group.querySelectorAll(["grad", "g2", "g3", "g4"].map((role) => `.${prefix}-${role}`)));
  }
  const frames = [...svg.querySelectorAll(`.${prefix}-cluster:not(.${prefix}-title)`)];
  const titles = [...svg.querySelectorAll(`.${prefix}-title`)];
  const steps = data.passes[index].steps;
  const hidden = new Set(steps.flatMap((step) => step.s));
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  svg.removeAttribute("style");
  return { holder, svg, prefix, wires, nodes, labels, frames, titles, hidden, width, height, steps, furthest: -1 };
});

const figure = () => figures[state.pass];
const now = () => data.passes[state.pass];
const steps = () => figure().steps;
const step = () => steps()[state.step];
const isOpen = (at = state.step) =>
  state.guessing && steps()[at].q.length > 0 && !state.solved.has(`${state.pass}.${at}`);

function revealed() {
  const keys = new Set();
  steps().slice(0, state.step + 1).forEach((one, at) => {
    if (at < state.step || !isOpen()) one.s.forEach((key) => keys.add(key));
  });
  return keys;
}

function paint(animated) {
  const shown = (state.shown = revealed());
  const { labels, hidden, wires, nodes, svg } = figure();
  for (const key of hidden) {
    (labels.get(key) || []).forEach((one) => one.classList.toggle("off", !shown.has(key)));
  }
  svg.querySelectorAll(".on,.pulse").forEach((one) => one.classList.remove("on", "pulse"));
  svg.querySelectorAll(".dot").forEach((one) => one.remove());
  svg.classList.toggle("back", step().p === "b");
  if (step().n !== null && nodes.has(step().n)) nodes.get(step().n).classList.add("on");
  for (const i of step().w) {
    wires[i].group.classList.add("on");
    if (animated && !still.matches) travel(wires[i]);
  }
  if (!isOpen()) figure().furthest = Math.max(figure().furthest, state.step);
}

// A dot runs along a wire: with the values forward, against them backward.
function travel(wire) {
  const back = step().p === "b";
  const length = wire.line.getTotalLength();
  const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  dot.setAttribute("r", 5);
  dot.setAttribute("class", "dot");
  wire.group.append(dot);
  const begun = performance.now();
  const duration = 650 / Math.max(state.speed, 0.5);
  const frame = (time) => {
    const part = Math.min(1, Math.max(0, (time - begun) / duration));
    const eased = part * part * (3 - 2 * part);
    const point = wire.line.getPointAtLength(length * (back ? 1 - eased : eased));
    dot.setAttribute("cx", point.x);
    dot.setAttribute("cy", point.y);
    if (part < 1 && dot.isConnected) requestAnimationFrame(frame);
    else dot.remove();
  };
  frame(begun);
}
