// Discoveries: a ringed dot shows its program, and how it differs from the one that it comes from.
page.scripts.discoveries = (root, data) => {
  const classes = { "+": "add", "-": "del", "@": "at" };
  const diff = text => page.make("pre", {}, ...text.split("\n").filter(line => !/^(---|\+\+\+)/.test(line)).flatMap((line, k) => [
    k ? "\n" : "", page.make("span", { class: classes[line[0]] || "" }, line),
  ]));
  const folded = (title, body, open) => page.make("details", open ? { open: "" } : {}, page.make("summary", {}, title), body);

  for (const article of root.querySelectorAll("article")) {
    const sources = data[article.dataset.number], panel = article.querySelector(".program");
    const show = key => {
      const program = sources[key];
      if (!program) return;
      const parent = program.parent && sources[program.parent] ? page.make("button", { type: "button" }, program.parent) : null;
      parent?.addEventListener("click", () => show(program.parent));
      panel.replaceChildren(
        page.make("p", {}, page.make("b", {}, program.about), ...(parent ? [" from ", parent] : [])),
        ...(program.diff ? [folded("changed", diff(program.diff), true)] : []),
        folded("source", page.make("pre", {}, program.source), !program.diff),
      );
    };
    article.addEventListener("click", event => { if (event.target.dataset?.key) show(event.target.dataset.key); });
    article.addEventListener("keydown", event => { if (event.key === "Enter" && event.target.dataset?.key) show(event.target.dataset.key); });
  }
};
