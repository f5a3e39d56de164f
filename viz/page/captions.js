// Captions and tooltips, built as text nodes: no name is ever read as markup.
const KINDS = { w: "words", m: "maths", f: "fwd", g: "pass", l: "loc" };

function element(name, words, kind) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (words !== undefined) made.textContent = words;
  return made;
}

function written(line, kind = "div") {
  const made = element(kind, undefined, "line-of-text");
  for (const [token, content] of line) {
    const span = element(token === "f" || token === "g" || token === "l" ? "b" : "span", undefined, KINDS[token]);
    if (token === "m") {
      for (const [text, level] of content) {
        span.append(level ? element(level > 0 ? "sup" : "sub", text) : text);
      }
    } else span.textContent = content;
    made.append(span);
  }
  return made;
}

function say() {
  const { p, t, l, q } = step();
  const box = byId("say");
  box.replaceChildren();
  const words = element("div", undefined, "what");
  words.append(element("span", p === "f" ? "forward" : "backward", `pill ${p === "f" ? "fwd" : "pass"}`));
  words.append(element("span", t, "words"));
  box.append(words);
  if (isOpen()) q.forEach(({ q: asked }) => box.append(written([...asked, ["w", " = ?"]])));
  else l.forEach((line) => box.append(written(line)));
}

const tip = byId("tip");

// What is known of a wire or node at this step: its value, and what the backward pass sends.
function known(key) {
  const at = Number(key.slice(1));
  if (key[0] === "w") return [state.shown.has(`a${at}`), state.shown.has(`b${at}`)];
  const { w, g } = now().nodes[at];
  const value = w.length === 0 || w.some((i) => state.shown.has(`a${i}`));
  return [value, g < state.step || (g === state.step && !isOpen())];
}

function tipLines(key) {
  const tips = (key[0] === "w" ? now().wires : now().nodes)[Number(key.slice(1))];
  const [value, gradient] = known(key);
  const told = ([at, line]) => steps()[at].l[line]; // the caption of the step that found it
  const lines = [tips.h];
  if (value) lines.push(tips.v ? told(tips.v) : tips.f);
  if (gradient) lines.push(...(tips.c ? [told(tips.c)] : []), ...tips.b);
  return lines.filter((line) => line.length);
}

function showTip(group, x, y) {
  tip.replaceChildren(...tipLines(group.dataset.key).map((line) => written(line)));
  tip.hidden = false;
  tip.style.left = `${Math.max(6, Math.min(innerWidth - tip.offsetWidth - 8, x + 14))}px`;
  const below = y + 18 + tip.offsetHeight <= innerHeight;
  tip.style.top = `${Math.max(4, below ? y + 18 : y - tip.offsetHeight - 12)}px`;
}

function hideTip() {
  tip.hidden = true;
}

// The words of a wire or gate for a screen reader say what is known at this step, and no more.
function name() {
  for (const group of [...figure().wires.map((wire) => wire.group), ...figure().nodes.values()]) {
    const state = known(group.dataset.key).join();
    if (group.dataset.known === state) continue;
    group.dataset.known = state;
    const words = tipLines(group.dataset.key).map((line) => written(line).textContent);
    group.setAttribute("aria-label", words.join(". "));
  }
}

figures.forEach(({ wires, nodes, svg, prefix }) => {
  svg.setAttribute("aria-labelledby", `${prefix}-t`); // the description tells every number at once
  svg.querySelector("desc")?.remove();
  for (const group of [...wires.map((wire) => wire.group), ...nodes.values()]) {
    group.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && !pointers.size) showTip(group, event.clientX, event.clientY);
    });
    group.addEventListener("pointerleave", hideTip);
    group.addEventListener("blur", hideTip);
    group.addEventListener("focus", () => {
      const box = (group.querySelector(".line") || group).getBoundingClientRect();
      showTip(group, box.left + box.width / 2, box.bottom);
    });
  }
});
