// Draws the months of the table next to it as stacked bars: billed amounts upwards, credited amounts downwards.
"use strict";

(() => {
  let plot = null;
  let resized = null;
  let drawn = null;

  function draw() {
    plot?.destroy();
    resized?.disconnect();
    plot = null;
    const chart = document.querySelector(".chart");
    drawn = chart;
    if (!chart) return;
    const place = chart.querySelector(".plot");
    const rows = [...chart.querySelectorAll(".months tbody tr")];
    const months = rows.map((row) => row.cells[0].textContent);
    const minors = rows.map((row) => [...row.querySelectorAll("[data-minor]")].map((cell) => Number(cell.dataset.minor)));
    const colours = [...chart.querySelectorAll(".swatch")].map((swatch) => getComputedStyle(swatch).backgroundColor);
    const ink = getComputedStyle(chart);
    const unit = 10 ** Number(chart.dataset.exponent);
    const money = new Intl.NumberFormat(undefined, { style: "currency", currency: chart.dataset.currency, notation: "compact" });
    const axis = { stroke: ink.color, grid: { stroke: ink.borderTopColor, width: 1 }, ticks: { show: false }, font: `12px ${ink.fontFamily}` };
    const stacks = colours.flatMap((fill, which) => [1, -1].map((sign) => ({ fill, values: minors.map((parts) => stacked(parts, which, sign)) })));
    const tip = place.appendChild(document.createElement("div"));
    tip.className = "tip";
    tip.hidden = true;
    const values = stacks.flatMap((stack) => stack.values.filter((one) => one !== null));
    const ticks = ticksOf(values);
    // A little that was credited needs no step of its own below zero.
    const floor = Math.max(ticks[0], Math.min(0, ...values) * 1.2);
    // Farthest from zero first: each bar covers the lower part of the one before.
    stacks.reverse();
    plot = new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        padding: [10, 28, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: { x: { time: false, range: [-0.5, months.length - 0.5] }, y: { range: [floor, ticks.at(-1)] } },
        axes: [
          { ...axis, grid: { show: false }, size: 24, splits: (self) => marks(months.length, self.bbox.width / devicePixelRatio), values: (_, at) => at.map((one) => months[one] ?? "") },
          { ...axis, size: 64, splits: () => ticks.filter((tick) => tick >= floor), values: (_, at) => at.map((one) => money.format(one / unit).replace("-", "\u2212")) },
        ],
        series: [{}, ...stacks.map(({ fill }) => ({ fill, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 48] }) }))],
        hooks: {
          setCursor: [(self) => tell(self, tip, chart, rows[self.cursor.idx])],
          ready: [(self) => self.over.addEventListener("click", () => filter(chart, rows[self.cursor.idx]))],
        },
      },
      [months.map((_, at) => at), ...stacks.map(({ values }) => values)],
      place,
    );
    resized = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: place.clientHeight }));
    resized.observe(place);
  }

  function stacked(parts, which, sign) {
    if (Math.sign(parts[which]) !== sign) return null;
    return parts.slice(0, which + 1).reduce((sum, part) => (Math.sign(part) === sign ? sum + part : sum), 0);
  }

  // Ticks at a whole number of 1, 2 or 5 times a power of ten; the lowest and the highest enclose all bars.
  function ticksOf(values) {
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    const least = Math.max((high - low) / 4, 1);
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= least);
    const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
    return Array.from({ length: Math.max(last - first, 1) + 1 }, (_, at) => (first + at) * step);
  }

  function marks(count, width) {
    const step = Math.max(1, Math.ceil((count * 72) / width));
    return Array.from({ length: Math.ceil(count / step) }, (_, at) => count - 1 - at * step).reverse();
  }

  function tell(self, tip, chart, row) {
    tip.hidden = !row || self.cursor.left < 0;
    if (tip.hidden) return;
    const names = [...chart.querySelectorAll(".months thead th")].map((cell) => cell.textContent);
    const swatches = [...chart.querySelectorAll(".swatch")];
    const cells = [...row.cells].filter((cell) => cell.cellIndex && cell.dataset.minor !== "0");
    const heading = Object.assign(document.createElement("b"), { textContent: row.cells[0].textContent });
    tip.replaceChildren(heading, ...cells.flatMap((cell) => [
      swatches[cell.cellIndex - 1]?.cloneNode() ?? document.createElement("span"),
      Object.assign(document.createElement("span"), { textContent: names[cell.cellIndex] }),
      Object.assign(document.createElement("span"), { textContent: cell.textContent, className: "figure" }),
    ]));
    const left = self.cursor.left + 72;
    tip.style.left = `${left + tip.offsetWidth > self.width ? left - tip.offsetWidth - 24 : left}px`;
  }

  // A click on a bar shows its month alone; in the address the end of a range is not part of it.
  function filter(chart, row) {
    if (!row || !chart.dataset.filter) return;
    const [year, month] = row.dataset.from.split("-").map(Number);
    const after = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
    const address = new URL(chart.dataset.filter, location);
    address.searchParams.set("date_from", row.dataset.from);
    address.searchParams.set("date_to", after);
    location.assign(address);
  }

  // Other parts of the page are swapped, too: then the chart stays as it is.
  document.addEventListener("htmx:after:swap", () => {
    if (document.querySelector(".chart") !== drawn) draw();
  });
  // After the theme was set for it.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(draw));
})();
