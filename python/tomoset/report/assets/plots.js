// The tilt images of series, drawn: the same lines small beside each series and large for all of a project.
// Each line is made in a square of 1000 by 1000, whose borders are those of the project, and stretched to its place.

/** The plots: what lies along and what upwards; images are in the order in which they were taken. */
const PLOTS = [
  {
    id: "scheme",
    title: "Tilt scheme",
    along: { title: "image, in the order of doses", of: (series) => series.angles.map((_, at) => at) },
    up: { title: "tilt, degrees", of: (series) => scaled(series.angles, 0.1) },
    line: true,
  },
  {
    id: "defocus",
    title: "Defocus by tilt",
    along: { title: "tilt, degrees", of: (series) => scaled(series.angles, 0.1) },
    up: { title: "defocus, µm", of: (series) => scaled(series.defocus, 0.001) },
    line: false,
  },
  {
    id: "dose",
    title: "Dose by tilt",
    along: { title: "tilt, degrees", of: (series) => scaled(series.angles, 0.1) },
    up: { title: "dose before the image, e/Å²", of: (series) => scaled(series.doses, 0.1), fromZero: true },
    line: false,
  },
];

function scaled(numbers, factor) {
  return numbers.map((number) => (number === null ? null : number * factor));
}

/** The borders of a plot that hold all series of a project; null where there is nothing to draw. */
function borders(plot, allSeries) {
  const found = { left: Infinity, right: -Infinity, low: plot.up.fromZero ? 0 : Infinity, high: -Infinity };
  let any = false;
  for (const series of allSeries) {
    for (const [x, y] of points(plot, series)) {
      any = true;
      found.left = Math.min(found.left, x);
      found.right = Math.max(found.right, x);
      found.low = Math.min(found.low, y);
      found.high = Math.max(found.high, y);
    }
  }
  if (!any) return null;
  const [left, right] = padded(found.left, found.right);
  const [low, high] = padded(found.low, found.high);
  return { left, right, low, high, across: marks(left, right, 5), upwards: marks(low, high, 4) };
}

function points(plot, series) {
  const upwards = plot.up.of(series);
  return plot.along.of(series).map((x, at) => [x, upwards[at]]).filter(([x, y]) => x !== null && y !== null);
}

/** Some room beside the outermost points. */
function padded(low, high) {
  const room = 0.04 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - room, high + room];
}

/** At most so many round numbers between two; 3 is among them for the sake of angles. */
function marks(low, high, wanted) {
  const least = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 3, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) * power;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high; at += 1) found.push(Number((at * step).toPrecision(12)));
  return found;
}

/** The line or the dots of a series. */
function trace(plot, series, within) {
  const place = ([x, y]) =>
    `${Math.round((1000 * (x - within.left)) / (within.right - within.left))} ${Math.round(1000 - (1000 * (y - within.low)) / (within.high - within.low))}`;
  const places = points(plot, series).map(place);
  if (!places.length) return null;
  const d = plot.line ? `M${places.join("L")}` : places.map((at) => `M${at}h0`).join("");
  return draw("path", { d, class: plot.line ? "line" : "dots", "vector-effect": "non-scaling-stroke" });
}

/** A series, small: told in words to who does not see it. */
function spark(plot, series, within) {
  const path = within && trace(plot, series, within);
  if (!path) return make("span", { class: "faint" }, "–");
  return draw(
    "svg",
    { class: "spark", viewBox: "0 0 1000 1000", preserveAspectRatio: "none", role: "img", "aria-label": `${plot.title}: ${told(plot, series)}` },
    path,
  );
}

function told(plot, series) {
  const upwards = points(plot, series).map(([, y]) => y);
  const [low, high] = [Math.min(...upwards), Math.max(...upwards)].map((number) => Number(number.toFixed(2)));
  return `${counted(upwards.length, "image")}, from ${low} to ${high} (${plot.up.title})`;
}

/** All series of a project, large, with axes. */
function largePlot(plot, allSeries, within) {
  if (!within) {
    return make("figure", {}, make("figcaption", {}, make("strong", {}, plot.title)), make("p", { class: "nothing" }, "Not known of these tilt series."));
  }
  const traces = allSeries.map((series) => trace(plot, series, within)).filter(Boolean);
  const field = draw("svg", { x: 44, y: 10, width: 284, height: 140, viewBox: "0 0 1000 1000", preserveAspectRatio: "none", overflow: "visible" }, ...traces);
  const words = `${plot.title}: ${plot.up.title}, from ${short(within.low)} to ${short(within.high)}, by ${plot.along.title}, from ${short(within.left)} to ${short(within.right)}; ${counted(traces.length, "tilt series")}.`;
  const grid = [
    ...within.upwards.map((level) => {
      const y = 150 - (140 * (level - within.low)) / (within.high - within.low);
      return draw("g", { class: "level" }, draw("line", { x1: 44, x2: 328, y1: y, y2: y }), draw("text", { x: 38, y: y + 4 }, short(level)));
    }),
    ...within.across.map((mark) => {
      const x = 44 + (284 * (mark - within.left)) / (within.right - within.left);
      return draw("text", { class: "mark", x, y: 166 }, short(mark));
    }),
  ];
  return make(
    "figure",
    {},
    make("figcaption", {}, make("strong", {}, plot.title), make("span", { class: "unit" }, ` ${plot.up.title}`)),
    draw("svg", { class: "large", viewBox: "0 0 340 188", role: "img", "aria-label": words }, ...grid, field, draw("text", { class: "axis", x: 186, y: 184 }, plot.along.title)),
  );
}

function short(number) {
  return String(Number(number.toPrecision(4))).replace("-", "−");
}

/** The graph of jobs beside the rows of their table: a piece for each row, so that they stay together. */
function lanePiece(jobs, row) {
  const wide = 14;
  const tall = 30;
  const columns = 1 + Math.max(...jobs.map((job) => Math.max(job.lane, ...job.lines.map(([, column]) => column))));
  const x = (lane) => 8 + lane * wide;
  const parts = [];
  jobs.forEach((job, bottom) => {
    for (const [top, column] of job.lines) {
      if (row < top || row > bottom) continue;
      // From the dot above to the column, down in it, and to the dot below; half a row belongs to each end.
      if (row === top) parts.push(`M${x(jobs[top].lane)} ${tall / 2}C${x(jobs[top].lane)} ${tall} ${x(column)} ${tall / 2} ${x(column)} ${tall}`);
      else if (row === bottom) parts.push(`M${x(column)} 0C${x(column)} ${tall / 2} ${x(job.lane)} 0 ${x(job.lane)} ${tall / 2}`);
      else parts.push(`M${x(column)} 0V${tall}`);
    }
  });
  return draw(
    "svg",
    { class: "lanes", viewBox: `0 0 ${columns * wide + 4} ${tall}`, width: columns * wide + 4, preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("path", { d: parts.join("") || "M0 0", class: "edge", "vector-effect": "non-scaling-stroke" }),
    draw("path", { d: `M${x(jobs[row].lane)} ${tall / 2}h0`, class: "dot", "data-state": jobs[row].state, "vector-effect": "non-scaling-stroke" }),
  );
}
