/** The table of datapoints. Only the rows in view exist, so that thousands cost nothing. */

import { el } from './dom.js';
import { Row } from './row.js';

/** Rows drawn above and below what is seen. */
const MARGIN_ROWS = 4;
const COLUMNS = ['Datapoint', 'Value', '', 'Quality', 'Age', 'Source time', ''];

export class Table {
  /**
   * @param {HTMLElement} place
   * @param {(entry: import('./catalogue.js').Entry) => void} open
   */
  constructor(place, open) {
    this.open = open;
    /** @type {import('./catalogue.js').Entry[]} */
    this.entries = [];
    this.live = true;
    this.branch = '';
    /** The row that the keyboard is at. */
    this.current = 0;
    /** @type {Row[]} */
    this.rows = [];
    this.space = el('div', { class: 'table-space', role: 'rowgroup' });
    this.empty = el('p', { class: 'table-empty soft', hidden: true });
    const titles = COLUMNS.map((text) => el('span', { role: 'columnheader' }, text));
    const head = el('div', { class: 'row row-head', role: 'row', 'aria-rowindex': 1 }, ...titles);
    this.scroll = el('div', { class: 'table-scroll', role: 'grid', tabindex: 0,
      'aria-label': 'Datapoints', 'aria-colcount': COLUMNS.length }, head, this.empty, this.space);
    place.append(this.scroll);
    this.scroll.addEventListener('scroll', () => this.ask());
    this.scroll.addEventListener('keydown', (event) => this.key(event));
    this.space.addEventListener('click', (event) => this.click(event));
    new ResizeObserver(() => this.ask()).observe(this.scroll);
    this.asked = false;
  }

  /** @returns {number} pixels; the stylesheet decides, coarse pointers get more */
  get rowHeight() {
    return parseFloat(getComputedStyle(this.scroll).getPropertyValue('--row')) || 34;
  }

  /**
   * @param {import('./catalogue.js').Entry[]} entries
   * @param {{live: boolean, branch: string, nothing: string}} how
   */
  show(entries, { live, branch, nothing }) {
    this.entries = entries;
    this.live = live;
    this.branch = branch;
    this.current = Math.max(0, Math.min(this.current, entries.length - 1));
    this.empty.textContent = nothing;
    this.empty.hidden = entries.length > 0;
    this.scroll.setAttribute('aria-rowcount', String(entries.length + 1));
    this.ask();
  }

  /** Back to the first row, after another choice. */
  top() {
    this.current = 0;
    this.scroll.scrollTop = 0;
  }

  /** Draws with the next picture. */
  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  /** First and last row in view. */
  window() {
    const height = this.rowHeight;
    const first = Math.floor(this.scroll.scrollTop / height);
    const seen = Math.ceil(this.scroll.clientHeight / height);
    return { first, last: Math.min(this.entries.length, first + seen) };
  }

  /** Names in view, for questions about their age. @returns {string[]} */
  visible() {
    const { first, last } = this.window();
    return this.entries.slice(first, last).map((entry) => entry.name);
  }

  draw() {
    const height = this.rowHeight;
    this.space.style.height = `${this.entries.length * height}px`;
    const { first, last } = this.window();
    const from = Math.max(0, first - MARGIN_ROWS);
    const to = Math.min(this.entries.length, last + MARGIN_ROWS);
    while (this.rows.length < to - from) {
      const row = new Row();
      this.rows.push(row);
      this.space.append(row.root);
    }
    while (this.rows.length > to - from) this.rows.pop()?.root.remove();
    // A row keeps its place modulo the number of rows, so that scrolling rewrites only new ones.
    for (let index = from; index < to; index += 1) {
      const row = this.rows[index % this.rows.length];
      row.show(this.entries[index], index, height, this);
    }
    const current = this.entries.length > 0 ? `row-${this.current}` : '';
    this.scroll.setAttribute('aria-activedescendant', current);
  }

  /** Ages go on by themselves. */
  tick() {
    for (const row of this.rows) row.tick(this.live);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {Element} */ (event.target).closest('.row');
    const index = Number(target?.getAttribute('data-index') ?? -1);
    if (!this.entries[index]) return;
    this.current = index;
    this.ask();
    this.open(this.entries[index]);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.rowHeight) - 2);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity,
      End: Infinity };
    if (event.key === 'Enter' && this.entries[this.current]) this.open(this.entries[this.current]);
    else if (event.key in steps) this.move(this.current + steps[event.key]);
    else return;
    event.preventDefault();
  }

  /** @param {number} index */
  move(index) {
    this.current = Math.max(0, Math.min(this.entries.length - 1, index));
    const height = this.rowHeight;
    const top = this.current * height;
    const view = this.scroll.clientHeight - height;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (top + height > this.scroll.scrollTop + view) this.scroll.scrollTop = top + height - view;
    this.ask();
  }
}
