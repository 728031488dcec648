// What narrows the table of projects down: words, and lists to choose from.

const DAY = 86400;

/** The lists to choose from: how each is called, what can be chosen, and whether a row is meant. */
function filterKinds(rows, today, roots) {
  const states = tallied(rows, (row) => row.state);
  const codes = new Map();
  for (const row of rows) for (const code of row.codes) codes.set(code, (codes.get(code) ?? 0) + 1);
  const news = (row) => row.newFiles + row.changedFiles + row.deletedFiles > 0;
  const within = (days) => (row) => row.changed !== null && row.changed >= today - days * DAY;
  const kinds = [
    {
      id: "state",
      title: "State",
      choices: [
        ...states,
        ["failed or aborted", "failed or aborted", (row) => row.state === "failed" || row.state === "aborted"],
        ["any failed job", "any failed or aborted job", (row) => row.failed > 0],
      ].map(([value, words, fits]) => [value, words, fits ?? ((row) => row.state === value)]),
    },
    { id: "relion", title: "RELION", choices: tallied(rows, (row) => row.relion) },
    { id: "hand", title: "Handedness", choices: tallied(rows, (row) => row.hand) },
    {
      id: "problems",
      title: "Problems",
      choices: [
        ["errors", "errors", (row) => row.errors > 0],
        ["warnings", "errors or warnings", (row) => row.errors + row.warnings > 0],
        ["any", "any, notes too", (row) => row.problems > 0],
        ["none", "none", (row) => !row.problems],
      ],
    },
    {
      id: "code",
      title: "Code",
      choices: [...codes].sort().map(([code, number]) => [code, `${code} (${count(number)})`, (row) => row.codes.includes(code)]),
    },
    {
      id: "news",
      title: "Changed",
      choices: [
        ...(index.first ? [] : [["last", "in the last crawl", news]]),
        ["1", "within a day", within(1)],
        ["7", "within a week", within(7)],
        ["30", "within 30 days", within(30)],
        ["365", "within a year", within(365)],
        ["old", "longer ago", (row) => !within(365)(row)],
      ],
    },
    {
      id: "size",
      title: "Size",
      choices: [1e6, 1e7, 1e8, 1e9, 1e10].map((least) => [String(least), `at least ${size(least)}`, (row) => row.bytes >= least]),
    },
  ];
  if (roots.length > 1) {
    kinds.push({ id: "root", title: "Root", choices: roots.map((root, at) => [String(at), root, (row) => row.root === at]) });
  }
  return kinds.filter((kind) => kind.choices.length);
}

/** The values that rows have, with how many have each. */
function tallied(rows, valueOf) {
  const found = new Map();
  for (const row of rows) {
    const value = valueOf(row);
    if (value) found.set(value, (found.get(value) ?? 0) + 1);
  }
  return [...found].sort((one, other) => other[1] - one[1]).map(([value, number]) => [value, `${value} (${count(number)})`, (row) => valueOf(row) === value]);
}

/** The form above the table. */
class Filters {
  constructor(form, rows, today, roots, table, tell) {
    Object.assign(this, { form, rows, table, tell });
    this.kinds = filterKinds(rows, today, roots);
    this.texts = new Map(rows.map((row) => [row, `${roots[row.root]}/${row.project}`.toLowerCase()]));
    this.search = make("input", { type: "search", id: "search", placeholder: "Search folders (press /)", "aria-keyshortcuts": "/", autocomplete: "off", spellcheck: "false" });
    this.lists = this.kinds.map((kind) => this.list(kind));
    this.reset = make("button", { type: "button", hidden: true, onclick: () => this.clear() }, "Show all");
    form.append(
      make("label", { class: "search" }, make("span", {}, "Search"), this.search),
      ...this.lists.map((list, at) => make("label", {}, make("span", {}, this.kinds[at].title), list)),
      make("label", { class: "sorting" }, make("span", {}, "Sort by"), this.sorting()),
      this.reset,
    );
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.apply());
    this.search.addEventListener("keydown", (event) => this.key(event));
    this.apply();
  }

  list(kind) {
    const choices = kind.choices.map(([value, words]) => make("option", { value }, words));
    return make("select", { id: `filter-${kind.id}` }, make("option", { value: "" }, "all"), ...choices);
  }

  /** Where there is no room for the heads of columns, a list does what they do. */
  sorting() {
    const list = make("select", { id: "sort" }, ...COLUMNS.map((column) => make("option", { value: column.id }, column.title)));
    list.value = this.table.sorted.id;
    list.addEventListener("input", (event) => {
      event.stopPropagation();
      const column = COLUMNS.find(({ id }) => id === list.value);
      this.table.sort(column, !column.text);
    });
    return list;
  }

  /** Choose one value of one list, and nothing else. */
  choose(id, value) {
    this.empty();
    const at = this.kinds.findIndex((kind) => kind.id === id);
    if (at >= 0) this.lists[at].value = value;
    this.apply();
  }

  clear() {
    this.empty();
    this.apply();
    this.search.focus();
  }

  empty() {
    this.search.value = "";
    for (const list of this.lists) list.value = "";
  }

  apply() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = this.kinds.flatMap((kind, at) => kind.choices.filter(([value]) => value === this.lists[at].value).map(([, , fits]) => fits));
    const found = this.rows.filter((row) => words.every((word) => this.texts.get(row).includes(word)) && wanted.every((fits) => fits(row)));
    this.lists.forEach((list) => list.classList.toggle("chosen", list.value !== ""));
    this.reset.hidden = !words.length && !wanted.length;
    this.table.show(found);
    this.tell(found.length);
  }

  key(event) {
    if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.apply();
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      this.table.focusFirst();
    } else {
      return;
    }
    event.preventDefault();
  }
}
