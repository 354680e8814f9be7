/** One row of the table: a datapoint in a line. */

import { age } from './catalogue.js';
import { el, setAttribute, setText } from './dom.js';
import { fullMoment, moment, shortDuration, shortValue } from './format.js';
import { icon, setIcon } from './icons.js';
import { isNumeric } from './input.js';
import { shortWhy, why } from './words.js';

/** An age from which it is worth a look. */
export const AGE_OLD_SECONDS = 60;

export class Row {
  constructor() {
    this.stem = el('span', { class: 'stem' });
    this.leaf = el('span', { class: 'leaf' });
    this.value = el('span', { class: 'value', role: 'gridcell' });
    this.unit = el('span', { class: 'unit', role: 'gridcell' });
    this.sign = icon('good');
    this.word = el('b', {});
    this.why = el('span', { class: 'why' });
    this.age = el('span', { class: 'age', role: 'gridcell' });
    this.time = el('span', { class: 'time', role: 'gridcell' });
    this.pencil = el('span', { class: 'pencil', role: 'gridcell' });
    this.pencil.append(icon('pencil'));
    this.name = el('span', { class: 'name', role: 'gridcell' }, this.stem, this.leaf);
    this.quality = el('span', { class: 'quality', role: 'gridcell' }, this.word, this.why);
    this.quality.prepend(this.sign);
    this.root = el('div', { class: 'row', role: 'row' }, this.name, this.value, this.unit,
      this.quality, this.age, this.time, this.pencil);
    /** @type {import('./catalogue.js').Entry|null} */
    this.entry = null;
  }

  /**
   * @param {import('./catalogue.js').Entry} entry
   * @param {number} index
   * @param {number} height
   * @param {{live: boolean, current: number, branch: string}} table
   */
  show(entry, index, height, table) {
    this.entry = entry;
    const { doc } = entry;
    const { quality, meta } = doc;
    this.root.style.transform = `translateY(${index * height}px)`;
    const current = index === table.current;
    setAttribute(this.root, 'id', `row-${index}`);
    setAttribute(this.root, 'data-index', String(index));
    setAttribute(this.root, 'aria-rowindex', String(index + 2));
    setAttribute(this.root, 'aria-selected', String(current));
    const writable = meta?.access.includes('w') ?? false;
    setAttribute(this.root, 'class', `row ${quality.status}${index % 2 ? ' odd' : ''}`);
    this.showName(entry.name, table.branch);
    setAttribute(this.name, 'title', meta?.description ? `${entry.name}\n${meta.description}` : entry.name);
    setText(this.value, shortValue(doc.value, meta?.type));
    this.value.classList.toggle('words', !isNumeric(meta?.type ?? ''));
    setText(this.unit, meta?.unit ?? '');
    setAttribute(this.pencil, 'aria-label', writable ? 'can be written' : null);
    this.pencil.classList.toggle('shown', writable);
    setText(this.time, moment(doc.source_time));
    setAttribute(this.time, 'title', fullMoment(doc.source_time));
    this.tick(table.live);
  }

  /** Below a branch its own part of the name is left out. @param {string} name @param {string} branch */
  showName(name, branch) {
    const rest = branch && name.startsWith(`${branch}.`) ? name.slice(branch.length + 1) : name;
    const cut = rest.lastIndexOf('.') + 1;
    setText(this.stem, rest.slice(0, cut));
    setText(this.leaf, rest.slice(cut));
  }

  /** What changes without a change: the age, and whether the page itself is live. @param {boolean} live */
  tick(live) {
    if (!this.entry) return;
    const { quality, value } = this.entry.doc;
    const seconds = age(this.entry);
    setText(this.age, value === null ? '' : shortDuration(seconds));
    this.age.classList.toggle('old', seconds >= AGE_OLD_SECONDS || !live);
    setIcon(this.sign, live ? quality.status : 'old');
    setText(this.word, live ? quality.status : `was ${quality.status}`);
    const said = why(quality);
    setText(this.why, shortWhy(quality));
    setAttribute(this.quality, 'title', said ? `${quality.status}: ${said}` : null);
  }
}
