"use strict";
// Filters and sorts the tables of a report; without it they are plain tables.
const words = new Intl.Collator("en", { numeric: true });

function cellText(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort ?? cell.textContent.trim();
}

function sortBy(table, head) {
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => [cellText(row, head.cellIndex), row]);
  keyed.sort(([a], [b]) => words.compare(a, b) * (up ? 1 : -1));
  body.append(...keyed.map(([, row]) => row));
}

function filtered(table, picks) {
  const [text, kind] = [picks.querySelector("input"), picks.querySelector("select")];
  const said = picks.querySelector("output");
  const rows = Array.from(table.tBodies[0].rows, (row) => ({ row, words: null }));
  function show() {
    const asked = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rows) {
      if (asked.length) one.words ??= one.row.textContent.toLowerCase();
      const here = (!kind || !kind.value || one.row.dataset.kind === kind.value)
        && asked.every((word) => one.words.includes(word));
      one.row.hidden = !here;
      shown += here;
    }
    said.textContent = `${shown} of ${rows.length} rows`;
  }
  let soon = 0;
  text.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(show, 120); });
  if (kind) kind.addEventListener("change", show);
  picks.hidden = false;
  show();
}

for (const table of document.querySelectorAll("table.sorts")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(table, head));
    head.append(button);
  }
  const picks = table.closest("section").querySelector(".picks");
  if (picks && picks.dataset.of === table.id) filtered(table, picks);
}
