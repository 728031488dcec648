// The table of projects: its columns, sorting, pages of rows, and the keyboard.

const PAGE = 50;
const index = JSON.parse(document.getElementById("data").textContent);

const COLUMNS = [
  { id: "project", title: "Project", text: true, cell: (row) => projectCell(row) },
  { id: "state", title: "State", text: true, cell: (row) => stateMark(row.state) },
  { id: "relion", title: "RELION", text: true, cell: (row) => row.relion ?? "" },
  { id: "hand", title: "Hand", text: true, cell: (row) => (row.hand ?? "").replace("-", "−") },
  { id: "series", title: "Tilt series", cell: (row) => (row.series ? count(row.series) : "") },
  { id: "tilts", title: "Tilts", cell: (row) => (row.tilts ? count(row.tilts) : "") },
  { id: "pixel", title: "Pixel, Å", cell: (row) => pixelWords(row) },
  { id: "jobs", title: "Jobs", cell: (row) => (row.jobs ? count(row.jobs) : "") },
  { id: "failed", title: "Failed", cell: (row) => (row.failed ? count(row.failed) : "") },
  { id: "errors", title: "Errors", cell: (row) => (row.errors ? make("span", { class: "bad" }, count(row.errors)) : "") },
  { id: "warnings", title: "Warnings", cell: (row) => (row.warnings ? count(row.warnings) : "") },
  { id: "bytes", title: "Size", cell: (row) => size(row.bytes) },
  { id: "changed", title: "Last change", cell: (row) => make("time", { title: `${minute(row.changed)} UTC` }, day(row.changed)) },
];

/** Rows that are shown in an order, a page at a time. */
class ProjectTable {
  constructor(place, more, rows, open) {
    this.all = rows;
    this.rows = rows;
    this.sorted = { id: "changed", down: true };
    this.shown = PAGE;
    this.open = open;
    this.more = more;
    this.body = make("tbody");
    this.heads = COLUMNS.map((column) => this.head(column));
    this.grid = make(
      "table",
      { role: "grid", "aria-label": "Projects. Arrow keys move, Enter opens the details.", "aria-describedby": "count" },
      make("caption", { class: "hidden" }, "Projects and folders of loose files"),
      make("thead", { role: "rowgroup" }, make("tr", { role: "row", "aria-rowindex": "1" }, ...this.heads)),
      this.body,
    );
    this.body.setAttribute("role", "rowgroup");
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    place.append(this.grid);
    this.show(rows);
  }

  head(column) {
    const button = make("button", { type: "button", onclick: () => this.sort(column) }, column.title);
    return make("th", { role: "columnheader", scope: "col", class: column.text ? "text" : "number", "data-column": column.id }, button);
  }

  /** Sort by a column: first as one mostly wants it, then the other way round. */
  sort(column, down = null) {
    const again = this.sorted.id === column.id;
    this.sorted = { id: column.id, down: down ?? (again ? !this.sorted.down : !column.text) };
    this.show(this.rows);
  }

  /** Show these rows. */
  show(rows) {
    const { id, down } = this.sorted;
    const sign = down ? -1 : 1;
    this.rows = [...rows].sort((one, other) => sign * compared(one[id], other[id], down) || compared(one.key, other.key));
    this.shown = PAGE;
    for (const head of this.heads) {
      const own = head.dataset.column === id;
      head.setAttribute("aria-sort", own ? (down ? "descending" : "ascending") : "none");
    }
    this.grid.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.body.replaceChildren();
    this.fill();
  }

  /** Add rows until as many are there as are to be shown. */
  fill() {
    const made = this.rows.slice(this.body.rows.length, this.shown).map((row, at) => this.row(row, this.body.rows.length + at));
    this.body.append(...made);
    if (this.body.rows.length && !this.body.querySelector('[tabindex="0"]')) this.body.rows[0].tabIndex = 0;
    const left = this.rows.length - this.body.rows.length;
    this.more.replaceChildren(
      ...(left > 0
        ? [
            make("button", { type: "button", onclick: () => this.showMore(PAGE) }, `Show ${Math.min(left, PAGE)} more`),
            make("button", { type: "button", onclick: () => this.showMore(left) }, `Show all ${count(this.rows.length)}`),
          ]
        : []),
    );
  }

  showMore(number) {
    this.shown = this.body.rows.length + number;
    this.fill();
  }

  row(row, at) {
    const cells = COLUMNS.map((column, place) =>
      make(
        place ? "td" : "th",
        {
          role: place ? "gridcell" : "rowheader",
          scope: place ? null : "row",
          class: column.text ? "text" : "number",
          "data-column": column.id,
          "data-title": column.title,
        },
        column.cell(row),
      ),
    );
    const made = make("tr", { role: "row", tabindex: "-1", "aria-rowindex": String(at + 2) }, ...cells);
    made.project = row;
    return made;
  }

  click(event) {
    const row = event.target.closest("tr");
    // Who marks text to copy it does not want the details.
    if (!row || String(getSelection()) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.focus(row);
    this.open(row.project);
  }

  key(event) {
    const row = event.target.closest("tr");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (event.key in moves) this.move(row, moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open(row.project);
    else return;
    event.preventDefault();
  }

  /** Go so many rows down; where the rows on the page end, the next ones are shown. */
  move(row, by) {
    const wanted = row.sectionRowIndex + by;
    if (wanted >= this.body.rows.length && Number.isFinite(wanted)) this.showMore(PAGE);
    const rows = this.body.rows;
    this.focus(rows[Math.max(0, Math.min(wanted, rows.length - 1))]);
  }

  /** Give a row the focus; only one row at a time is on the way of the tab key. */
  focus(row) {
    for (const other of this.body.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  focusFirst() {
    if (this.body.rows.length) this.focus(this.body.rows[0]);
  }
}

/** Order of two values, as people count; what is not known comes last whichever way it is sorted. */
function compared(one, other, down = false) {
  if (one === null || other === null) return ((one === null) - (other === null)) * (down ? -1 : 1);
  if (typeof one === "number") return one - other;
  return collator.compare(one, other);
}

const collator = new Intl.Collator("en", { numeric: true });

function projectCell(row) {
  const link = make("a", { href: `#project=${encodeURIComponent(row.key)}`, tabindex: "-1" }, pathWords(row.project));
  const news = row.newFiles + row.changedFiles + row.deletedFiles;
  const badge = news && !index.first ? make("span", { class: "news", title: newsWords(row) }, "changed") : null;
  return make("span", { class: "project" }, link, badge);
}

function newsWords(row) {
  const parts = [
    [row.newFiles, "new"],
    [row.changedFiles, "changed"],
    [row.deletedFiles, "gone"],
  ];
  return `In the last crawl: ${parts.filter(([number]) => number).map(([number, word]) => `${count(number)} ${word}`).join(", ")}`;
}

function pixelWords(row) {
  if (row.pixel === null) return "";
  return row.pixel === row.largestPixel ? String(row.pixel) : `${row.pixel}–${row.largestPixel}`;
}
