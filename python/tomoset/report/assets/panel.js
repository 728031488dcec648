// The details of one project, in a dialog beside the table.

class Panel {
  constructor(dialog, index, rows) {
    this.dialog = dialog;
    dialog.setAttribute("aria-labelledby", "panel-title");
    this.numbers = new Map(index.panels.map((key, number) => [key, number]));
    this.rows = new Map(rows.map((row) => [row.key, row]));
    this.roots = index.roots;
    dialog.addEventListener("close", () => this.closed());
    // A click beside the panel closes it.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    addEventListener("hashchange", () => this.follow());
    this.follow();
  }

  /** Open a project by its address, so that it can be bookmarked and the browser's way back closes it. */
  open(row) {
    this.show(row);
    location.hash = `project=${encodeURIComponent(row.key)}`;
  }

  /** Show what the address says. */
  follow() {
    const [, key] = location.hash.match(/^#project=(.*)$/) ?? [];
    const row = key === undefined ? undefined : this.rows.get(decoded(key));
    if (row && row === this.shown) return;
    if (row) this.show(row);
    else if (this.dialog.open) this.dialog.close();
  }

  show(row) {
    this.shown = row;
    this.dialog.replaceChildren(...this.content(row));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    document.body.classList.add("has-panel");
  }

  closed() {
    this.shown = null;
    document.body.classList.remove("has-panel");
    if (location.hash.startsWith("#project=")) history.replaceState(null, "", "#projects");
  }

  content(row) {
    const close = make("button", { type: "button", class: "close", "aria-label": "Close the details", title: "Esc", onclick: () => this.dialog.close() }, "Close");
    const title = make("h2", { id: "panel-title" }, pathWords(row.project));
    const head = make("header", {}, make("div", {}, make("p", { class: "root" }, make("code", {}, make("bdi", {}, this.roots[row.root]))), title), close);
    const number = this.numbers.get(row.key);
    if (number === undefined) return [head, facts(row), this.missing(row)];
    const details = JSON.parse(document.getElementById(`panel-${number}`).textContent);
    const jobs = details.jobs.map(([job, alias, type, state, started, lastSign, files, bytes, lane, lines]) => ({ job, alias, type, state, started, lastSign, files, bytes, lane, lines }));
    return [
      head,
      facts(row),
      ...part("Jobs", jobs.length && jobsTable(jobs)),
      ...part("Tilt series", details.series.length && seriesPart(details)),
      ...part("Particle sets", details.particles.length && particlesTable(details.particles)),
      ...part("Problems", details.problems.length && problemsTable(details.problems, row)),
      ...part("Changes in the last crawl", details.changes.length && changesTable(details.changes, row)),
    ];
  }

  missing(row) {
    // The root itself has no folder's name, but a path.
    const folder = row.key.replace(/\/$/, "") || this.roots[row.root];
    const command = `tomoset report --catalog DIR --project '${folder.replaceAll("'", "'\\''")}' -o project.html`;
    return make("div", { class: "left-out" }, make("p", {}, "The details of this project are not in this file. This makes one that has them:"), make("pre", {}, make("code", {}, make("bdi", {}, command))));
  }
}

function decoded(key) {
  try {
    return decodeURIComponent(key);
  } catch {
    return undefined;
  }
}

function part(title, content) {
  return content ? [make("section", {}, make("h3", {}, title), content)] : [];
}

function facts(row) {
  const entries = [
    ["State", stateMark(row.state)],
    ["RELION", row.relion],
    ["Handedness", row.hand?.replace("-", "−")],
    ["Tilt series", row.series && `${count(row.series)} with ${counted(row.tilts, "tilt image")}`],
    ["Pixel size", row.pixel && `${pixelWords(row)} Å`],
    ["Jobs", row.jobs && counted(row.jobs, "job") + (row.failed ? `, ${count(row.failed)} failed or aborted` : "")],
    ["STAR files", `${count(row.files)}, ${size(row.bytes)}`],
    ["Last change", `${minute(row.changed)} UTC`],
  ];
  return make("dl", { class: "facts" }, ...entries.filter(([, value]) => value).map(([title, value]) => make("div", {}, make("dt", {}, title), make("dd", {}, value))));
}

/** A table: columns are title and whether they are text; the first cell of a row names it. */
function simpleTable(caption, columns, rows) {
  const kind = (at) => (columns[at][1] ? "text" : "number");
  const heads = columns.map(([title], at) => make("th", { scope: "col", class: kind(at) }, title));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, at) => make(at ? "td" : "th", { class: kind(at), scope: at ? null : "row" }, cell))));
  const table = make("table", {}, make("caption", { class: "hidden" }, caption), make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);
}

function jobsTable(jobs) {
  const rows = jobs.map((job, at) => [
    make("span", { class: "job" }, lanePiece(jobs, at), make("span", {}, make("bdi", {}, job.job), job.alias ? make("span", { class: "faint" }, make("bdi", {}, ` ${job.alias}`)) : null)),
    stateMark(job.state),
    make("bdi", {}, job.type),
    minute(job.started),
    minute(job.lastSign),
    count(job.files),
    size(job.bytes),
  ]);
  const table = simpleTable("Jobs, each below those whose output it takes", [["Job", true], ["State", true], ["Type", true], ["Started", true], ["Last sign", true], ["Files"], ["Size"]], rows);
  table.classList.add("jobs");
  return table;
}

function seriesPart(details) {
  const within = PLOTS.map((plot) => borders(plot, details.series));
  const large = make("div", { class: "figures" }, ...PLOTS.map((plot, at) => largePlot(plot, details.series, within[at])));
  const rows = details.series.map((series) => [
    make("bdi", {}, series.name),
    ...PLOTS.map((plot, at) => spark(plot, series, within[at])),
    count(series.tilts),
    series.low === null ? "" : `${known(series.low)} to ${known(series.high)}`,
    known(series.dosePerTilt, "", 2),
    known(series.dose, "", 1),
    meanDefocus(series),
    known(series.fit, "", 1),
    known(series.axis, "", 1),
    handWords(series.hand),
    shareWords(series.aligned, series.tilts),
    shareWords(series.withCtf, series.tilts),
  ]);
  const columns = [["Tilt series", true], ...PLOTS.map((plot) => [plot.title, true]), ["Tilts"], ["Range, °"], ["Dose each, e/Å²"], ["Dose, e/Å²"], ["Defocus, µm"], ["CTF fit, Å"], ["Axis, °"], ["Hand"], ["Aligned"], ["With CTF"]];
  const table = simpleTable("Tilt series, plots with the borders of the large ones above", columns, rows);
  table.classList.add("series");
  table.addEventListener("mouseover", (event) => emphasise(large, details.series, event.target.closest("tbody tr")));
  table.addEventListener("mouseleave", () => emphasise(large, details.series, null));
  const more = details.allSeries > details.series.length ? make("p", { class: "faint" }, `The first ${count(details.series.length)} of ${count(details.allSeries)}; tomoset report --series has more.`) : null;
  return make("div", {}, large, table, ...(more ? [more] : []));
}

/** Let one series of the large plots stand out. */
function emphasise(large, allSeries, row) {
  const wanted = row ? row.sectionRowIndex : -1;
  for (const [number, figure] of [...large.querySelectorAll("figure")].entries()) {
    const drawn = allSeries.map((series, at) => (points(PLOTS[number], series).length ? at : -1)).filter((at) => at >= 0);
    figure.querySelectorAll("path").forEach((path, at) => path.classList.toggle("chosen", drawn[at] === wanted));
    figure.classList.toggle("choosing", wanted >= 0);
  }
}

function meanDefocus(series) {
  const found = series.defocus.filter((number) => number !== null);
  return found.length ? known(found.reduce((sum, number) => sum + number, 0) / found.length / 1000, "", 2) : "";
}

function handWords(hand) {
  return hand === null ? "" : hand > 0 ? `+${hand}` : known(hand);
}

function shareWords(number, all) {
  if (!number) return make("span", { class: "faint" }, "none");
  return number === all ? "all" : `${count(number)} of ${count(all)}`;
}

function particlesTable(particles) {
  const rows = particles.map(([path, number, tomograms, pixel]) => [make("code", {}, make("bdi", {}, path)), count(number), count(tomograms), known(pixel, "", 2)]);
  return simpleTable("Particle sets", [["Set", true], ["Particles"], ["Tomograms"], ["Pixel, Å"]], rows);
}

function problemsTable(problems, row) {
  const words = ["fatal", "silent", "warning", "note"];
  const rows = problems.map(([rank, code, path, line, message]) => [
    make("code", {}, code),
    make("span", { class: `severity ${words[rank]}` }, words[rank]),
    make("span", {}, make("code", {}, make("bdi", {}, path)), line ? `:${line}` : ""),
    make("bdi", {}, message),
  ]);
  const table = simpleTable("Problems, the worst first", [["Code", true], ["Severity", true], ["Place", true], ["What", true]], rows);
  return withMore(table, problems.length, row.problems, "problem");
}

function changesTable(changes, row) {
  const rows = changes.map(([change, path, kind]) => [change === "deleted" ? "gone" : change, make("code", {}, make("bdi", {}, path)), kind.replaceAll("_", " ")]);
  const table = simpleTable("Files that the last crawl found new, changed or gone", [["Change", true], ["File", true], ["Kind", true]], rows);
  return withMore(table, changes.length, row.newFiles + row.changedFiles + row.deletedFiles, "file");
}

function withMore(table, listed, all, noun) {
  if (listed >= all) return table;
  return make("div", {}, table, make("p", { class: "faint" }, `The first ${count(listed)} of ${counted(all, noun)}; tomoset report --paths lists more.`));
}
