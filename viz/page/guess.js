// "Let me guess": the numbers of a step stay hidden until the learner has found them.
const quiz = byId("quiz");

function ask() {
  quiz.replaceChildren();
  quiz.hidden = !isOpen();
  if (quiz.hidden) return;
  const open = new Set();
  step().q.forEach(({ q: asked, a: answer, d: tolerance, t: text }, at) => {
    open.add(at);
    const form = element("form", undefined, "ask");
    const label = written([...asked, ["w", " = "]], "label");
    const field = element("input");
    field.inputMode = "decimal";
    field.autocomplete = "off";
    field.id = `answer${at}`;
    label.htmlFor = field.id;
    const verdict = element("output", "", "verdict");
    form.append(label, field, element("button", "Check"), verdict);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = Number(field.value.trim().replace(/[−–]/g, "-").replace(",", "."));
      if (field.value.trim() === "" || Number.isNaN(given)) verdict.textContent = "Type a number.";
      else if (Math.abs(given - answer) <= tolerance + 1e-12) {
        verdict.textContent = `Right: ${text}`;
        verdict.className = "verdict right";
        field.disabled = true;
        open.delete(at);
        const next = quiz.querySelector("input:not(:disabled)");
        if (next) next.focus();
        if (!open.size) solve();
      } else {
        verdict.textContent = given === -answer ? "Wrong: look at the sign." : "Wrong. Try again.";
        verdict.className = "verdict wrong";
      }
    });
    quiz.append(form);
  });
  const give = element("button", "Show me");
  give.type = "button";
  give.addEventListener("click", solve);
  quiz.append(give);
}

function solve() {
  state.solved.add(`${state.pass}.${state.step}`);
  go(state.step, true);
  byId("next").focus();
}

byId("guess").addEventListener("click", () => {
  state.guessing = !state.guessing;
  state.solved.clear();
  figures.forEach((one) => (one.furthest = -1));
  byId("guess").setAttribute("aria-pressed", state.guessing);
  play(false);
  go(state.guessing ? 0 : state.step);
});
