"use strict";
// The page reads without this; it only lets the headings of the table sort its rows.
for (const table of document.querySelectorAll("table.scenarios")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell === undefined || cell.dataset.value === undefined ? null : cell.dataset.value;
  };
  const compare = (a, b) => (Number.isNaN(Number(a)) || Number.isNaN(Number(b)) ? a.localeCompare(b) : Number(a) - Number(b));
  const sort = (column) => {
    const head = heads[column];
    const first = head.dataset.first === "high" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const each of heads) each.setAttribute("aria-sort", each === head ? order : "none");
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...body.rows];
    // What has no number goes last, whatever the direction.
    rows.sort((a, b) => {
      const x = key(a, column);
      const y = key(b, column);
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * compare(x, y);
    });
    body.append(...rows);
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
    head.setAttribute("aria-sort", column === 1 ? "ascending" : "none");
  });
}
