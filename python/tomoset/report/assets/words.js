// Elements, numbers and times. Names from the archive become text nodes only, never markup.

/** Make an element with attributes and children; null is left out. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  return dressed(made, attributes, children);
}

/** Make an element of a drawing. */
function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return dressed(made, attributes, children);
}

function dressed(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const whole = new Intl.NumberFormat("en");

function count(number) {
  return number === null ? "" : whole.format(number);
}

function counted(number, noun) {
  const plural = noun.endsWith("series") ? noun : noun.endsWith("ry") ? noun.slice(0, -1) + "ies" : noun + "s";
  return `${count(number)} ${number === 1 ? noun : plural}`;
}

/** A size with three significant digits, in powers of 1000. */
function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let number = bytes;
  while (number >= 999.5 && units.length > 1) {
    number /= 1000;
    units.shift();
  }
  return `${units[0] === "bytes" ? count(bytes) : Number(number.toPrecision(3))} ${units[0]}`;
}

/** Seconds since 1970 as a day, or as a minute, UTC. */
function day(seconds) {
  return minute(seconds).slice(0, 10);
}

function minute(seconds) {
  const time = seconds === null ? NaN : seconds * 1000;
  // The time of a file may be beyond all that is sensible.
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString().slice(0, -8).replace("T", " ") : "";
}

/** A number that is known, with its unit. */
function known(number, unit = "", digits = 0) {
  return number === null ? "" : `${number.toFixed(digits).replace("-", "−")}${unit}`;
}

/** The state of a project or a job: a mark whose form tells it, too, and the word. */
function stateMark(state) {
  return make("span", { class: "state", "data-state": state.replace(" ", "-") }, state);
}

/** The parts of a path: what leads to its last two folders stands back. */
function pathWords(path) {
  const parts = path.split("/");
  const end = parts.slice(-2).join("/");
  const start = parts.slice(0, -2).join("/");
  return make("bdi", {}, start && make("span", { class: "faint" }, `${start}/`), end);
}
