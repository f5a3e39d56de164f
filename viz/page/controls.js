// Buttons, keys, links, print.
const slider = byId("slider");

function go(to, animated = false) {
  const last = steps().length - 1;
  state.step = Math.max(0, Math.min(last, Math.round(to) || 0));
  paint(animated);
  say();
  ask();
  name();
  tracePaths();
  fillJacobian();
  follow();
  slider.value = state.step;
  slider.setAttribute("aria-valuetext", `step ${state.step + 1}: ${step().t}`);
  byId("count").textContent = `${state.step + 1} / ${last + 1}`;
}

function move(by, animated) {
  let to = state.step + by;
  while (steps()[to] && isFolded(steps()[to].n)) to += by;
  if (steps()[to]) go(to, animated);
}

function play(on) {
  clearTimeout(state.playing);
  state.playing = 0;
  if (on && state.step === steps().length - 1) go(0, true);
  const tick = () => {
    if (state.step >= steps().length - 1 || isOpen()) return play(false);
    move(1, true);
    state.playing = setTimeout(tick, 1300 / state.speed);
  };
  if (on) state.playing = setTimeout(tick, 1300 / state.speed);
  byId("play").classList.toggle("running", Boolean(state.playing));
  byId("play").setAttribute("aria-label", state.playing ? "Pause" : "Play");
}

const jump = (action) => () => {
  play(false);
  action();
};
const actions = {
  first: jump(() => go(0, true)),
  previous: jump(() => move(-1)),
  play: () => play(!state.playing),
  next: jump(() => move(1, true)),
  theme: () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  },
  closer: () => zoom(1.25),
  farther: () => zoom(0.8),
  whole: () => { fit(); follow(); },
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
slider.addEventListener("input", jump(() => go(Number(slider.value), true)));
byId("speed").addEventListener("change", (event) => (state.speed = Number(event.target.value)));

const keys = {
  ArrowRight: actions.next, ArrowLeft: actions.previous, Home: actions.first, End: jump(() => go(steps().length - 1)),
  " ": actions.play, "+": actions.closer, "=": actions.closer, "-": actions.farther, 0: actions.whole, Escape: hideTip,
};
addEventListener("keydown", (event) => {
  const at = event.target;
  if (event.altKey || event.ctrlKey || event.metaKey || at.matches("input:not([type=range]),select")) return;
  if (at === slider && event.key.startsWith("Arrow")) return;
  if (event.key === " " && at.matches("button")) return;
  if (event.key === "Escape" && !chosen.value && tip.hidden) return;
  if (event.key === "Escape" && tip.hidden) {
    chosen.value = "";
    tracePaths();
    return;
  }
  const action = keys[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});

function readLink() {
  const wish = new URLSearchParams(location.hash.slice(1));
  if (["light", "dark"].includes(wish.get("theme"))) root.dataset.theme = wish.get("theme");
  const output = data.passes.findIndex((pass) => pass.name === wish.get("output"));
  choosePass(Math.max(0, output === -1 ? state.pass : output));
  const asked = Number(wish.get("step"));
  go(wish.has("step") && Number.isFinite(asked) ? asked - 1 : steps().length - 1);
  const key = /^[wn]\d+$/.test(wish.get("tip") || "") ? wish.get("tip") : null;
  if (key) figure().svg.querySelector(`[data-key=${key}]`)?.focus();
}

let printed = null;
addEventListener("beforeprint", () => {
  printed = { step: state.step, theme: root.dataset.theme, guessing: state.guessing };
  play(false);
  state.guessing = false;
  root.dataset.theme = "light";
  const { svg, width, height } = figure();
  go(steps().length - 1);
  svg.querySelectorAll(".on").forEach((one) => one.classList.remove("on"));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "xMinYMin");
});
addEventListener("afterprint", () => {
  if (!printed) return;
  state.guessing = printed.guessing;
  if (printed.theme) root.dataset.theme = printed.theme;
  else delete root.dataset.theme;
  fit();
  go(printed.step);
  printed = null;
});

addEventListener("resize", () => { fit(); follow(); });
addEventListener("hashchange", readLink);
root.classList.add("ready");
readLink();
