// The page put together: data, table, filters, panel, theme, print.

const projects = index.rows.map((values) => Object.fromEntries(index.fields.map((field, at) => [field, values[at]])));
const today = index.today ?? 0;

const panel = new Panel(document.getElementById("panel"), index, projects);
const table = new ProjectTable(document.getElementById("table"), document.getElementById("more"), projects, (row) => panel.open(row));
const filters = new Filters(document.getElementById("filters"), projects, today, index.roots, table, (number) => {
  const loose = projects.filter((row) => row.state === "loose files").length;
  const all = counted(projects.length - loose, "project") + (loose ? ` and ${counted(loose, "folder")} of loose files` : "");
  document.getElementById("count").textContent = number === projects.length ? all : `${count(number)} of ${count(projects.length)}`;
});

for (const button of document.querySelectorAll("button[data-filter]")) {
  button.addEventListener("click", () => {
    filters.choose(button.dataset.filter, button.dataset.value);
    document.getElementById("projects").scrollIntoView();
    table.focusFirst();
  });
}

addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key !== "/" || typing || panel.dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  filters.search.focus();
  filters.search.select();
});

// The theme: the system's, unless somebody chose another; kept where the browser lets a file keep something.
const THEMES = ["system", "light", "dark"];
const themeButton = document.getElementById("theme");

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themeButton.textContent = `Theme: ${theme}`;
  themeButton.dataset.theme = theme;
  try {
    localStorage.setItem("tomoset-theme", theme);
  } catch {
    // It lasts as long as the page, then.
  }
}

function keptTheme() {
  try {
    const kept = localStorage.getItem("tomoset-theme");
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system";
  }
}

themeButton.addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(themeButton.dataset.theme) + 1) % THEMES.length]));
themeButton.hidden = false;
setTheme(keptTheme());

// Paper has no button for more: all rows that fit the filters are printed, and all that is folded is opened.
let folded = [];
addEventListener("beforeprint", () => {
  if (!panel.dialog.open) table.showMore(table.rows.length);
  folded = [...document.querySelectorAll("details:not([open]):not(.numbers)")];
  for (const part of folded) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of folded) part.open = false;
});

// Yesterday's page looks like today's.
const hours = (Date.now() / 1000 - today) / 3600;
if (index.today !== null && hours > 36) {
  const stale = document.getElementById("stale");
  stale.textContent = `The archive was last looked at ${counted(Math.floor(hours / 24), "day")} ago.`;
  stale.hidden = false;
}
