// The chain rule as a sum over paths, the rows of the Jacobian, and scopes that fold away.
const chosen = byId("paths");
const panel = byId("panel");

function listPaths() {
  const sums = now().paths;
  const before = chosen.value;
  const options = [new Option("paths…", "")];
  sums.forEach((sum) => options.push(new Option(`from ${sum.name}`, sum.n)));
  chosen.replaceChildren(...options);
  chosen.hidden = !sums.length;
  chosen.value = sums.some((sum) => String(sum.n) === before) ? before : "";
}

function light(wires) {
  figure().svg.classList.toggle("searching", wires !== null);
  figure().wires.forEach(({ group }, i) => group.classList.toggle("path", wires !== null && wires.includes(i)));
}

function tracePaths() {
  panel.replaceChildren();
  const sum = now().paths.find((one) => String(one.n) === chosen.value);
  panel.hidden = !sum;
  light(sum ? sum.paths.flatMap((path) => path.w) : null);
  if (!sum) return;
  const all = figure().furthest >= steps().length - 1;
  const heading = `${sum.count === 1 ? "One path" : `${sum.count} paths`} from ${sum.name} to ${now().name}`;
  panel.append(element("div", heading, "words"));
  sum.paths.forEach((path) => {
    const row = element("button", undefined, "route");
    row.type = "button";
    row.append(written(path.t), ...(all ? [written(path.l)] : []));
    for (const event of ["pointerenter", "focus", "click"]) row.addEventListener(event, () => light(path.w));
    panel.append(row);
  });
  if (sum.more) panel.append(element("div", sum.more, "words"));
  if (all) panel.append(written(sum.l));
  else panel.append(element("div", "Play to the end to see the products and their sum.", "words"));
}

chosen.addEventListener("change", tracePaths);
figures.forEach(({ nodes }) => nodes.forEach((group, i) => {
  const toggle = () => {
    if (dragged || !now().paths.some((sum) => sum.n === i)) return;
    chosen.value = chosen.value === String(i) ? "" : String(i);
    tracePaths();
  };
  group.addEventListener("click", toggle);
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter") toggle();
  });
}));

// One row of the Jacobian for each backward pass; its numbers appear when the pass has been played.
function fillJacobian() {
  document.querySelectorAll("#jacobian tbody tr").forEach((row, k) => {
    row.classList.toggle("chosen", k === state.pass);
    row.querySelector("button").setAttribute("aria-pressed", k === state.pass);
    const played = figures[k].furthest >= figures[k].steps.length - 1;
    row.querySelectorAll("td").forEach((cell, i) => {
      cell.textContent = played ? data.jacobian[k][i] : "·";
    });
  });
}

document.querySelectorAll("#jacobian button").forEach((button, k) => {
  button.addEventListener("click", () => {
    play(false);
    choosePass(k);
    go(steps().findIndex((one) => one.p === "b"), true);
  });
});

function choosePass(k) {
  state.pass = k;
  root.dataset.role = now().role;
  figures.forEach(({ holder }, at) => (holder.hidden = at !== k));
  byId("slider").max = steps().length - 1;
  listPaths();
  fit();
  fold();
}

// A folded scope is a card over its frame; its gates are passed over while playing.
const isFolded = (node) => node !== null && data.nodes[node].in.some((scope) => state.folded.has(scope));

function fold() {
  const { frames, titles, nodes, wires } = figure();
  nodes.forEach((group, i) => group.classList.toggle("folded", isFolded(i)));
  wires.forEach(({ group }, i) => {
    const [from, to] = data.ends[i];
    const within = data.nodes[from].in.filter((scope) => state.folded.has(scope));
    group.classList.toggle("folded", within.some((scope) => data.nodes[to].in.includes(scope)));
  });
  frames.forEach((frame, k) => {
    const closed = state.folded.has(k);
    frame.classList.toggle("closed", closed);
    frame.classList.toggle("folded", data.scopes[k].in.some((scope) => state.folded.has(scope)));
    frame.setAttribute("aria-expanded", !closed);
    frame.querySelector(".card").classList.toggle("off", !closed);
    // A closed one lies above the wires that end at its border, an open one below them.
    frame.parentNode.insertBefore(frame, closed ? null : wires[0].group);
    titles[k].classList.toggle("folded", data.scopes[k].in.some((scope) => state.folded.has(scope)));
    if (closed) frame.after(titles[k]);
  });
}

figures.forEach(({ frames }) => frames.forEach((frame, k) => {
  frame.classList.add("scope");
  frame.tabIndex = 0;
  const box = frame.querySelector("rect");
  const gates = data.nodes.filter((node) => !node.leaf && node.in.includes(k)).length;
  const card = document.createElementNS("http://www.w3.org/2000/svg", "text");
  card.setAttribute("class", "card off");
  card.setAttribute("x", Number(box.getAttribute("x")) + box.getAttribute("width") / 2);
  card.setAttribute("y", Number(box.getAttribute("y")) + box.getAttribute("height") / 2 + 5);
  card.textContent = `${gates} gate${gates === 1 ? "" : "s"}`;
  frame.append(card);
  frame.setAttribute("role", "button");
  frame.setAttribute("aria-label", `Scope ${data.scopes[k].name}: fold or unfold`);
  const toggle = () => {
    if (dragged) return;
    if (!state.folded.delete(k)) state.folded.add(k);
    fold();
    frame.focus({ preventScroll: true }); // moving it in the page took the focus away
  };
  frame.addEventListener("click", toggle);
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Enter") toggle();
  });
}));
