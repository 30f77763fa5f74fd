// The table of runs: sorted by a column, filtered by a text and a kind.
page.scripts.runs = (root, data) => {
  const body = root.querySelector("tbody"), rows = [...body.rows];
  const search = page.find("runs-search"), kind = page.find("runs-kind"), count = page.find("runs-count");
  const texts = rows.map(row => row.textContent);

  function filter() {
    const wanted = page.pattern(search.value);
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !(wanted.test(texts[place]) && (!kind.value || row.cells[1].dataset.by === kind.value));
      shown += !row.hidden;
    });
    count.value = shown === data.count ? `${shown} runs` : `${shown} of ${data.count} runs`;
  }

  root.querySelectorAll("thead th").forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of root.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.by;
    const compare = (a, b) => {
      if ((a === "") !== (b === "")) return a === "" ? 1 : -1;  // what has no value is last, whichever way
      const order = a - b;
      return (Number.isNaN(order) ? a.localeCompare(b) : order) * (up ? 1 : -1);
    };
    body.append(...rows.slice().sort((a, b) => compare(key(a), key(b))));
  }));
  for (const control of [search, kind]) for (const event of ["input", "change"]) control.addEventListener(event, filter);
  filter();
};
