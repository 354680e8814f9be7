/** The datapoints: tools, tree and table together. */

import { ENTRIES_MAX } from './catalogue.js';
import { byId, el, setAttribute, setText } from './dom.js';
import { isPattern, select } from './filter.js';
import { count, counted } from './format.js';
import { icon } from './icons.js';
import { Table } from './table.js';
import { Tree } from './tree.js';

const GRADES = ['all', 'good', 'uncertain', 'bad'];
/** Typing is not a search for each letter. */
const TYPING_MS = 120;

export class Points {
  /**
   * @param {import('./catalogue.js').Catalogue} catalogue
   * @param {(entry: import('./catalogue.js').Entry) => void} open
   * @param {(scope: string) => void} narrow
   */
  constructor(catalogue, open, narrow) {
    this.catalogue = catalogue;
    this.narrow = narrow;
    this.wish = { branch: '', text: '', grade: 'all' };
    this.more = false;
    this.total = 0;
    this.live = true;
    this.table = new Table(byId('table'), open);
    this.tree = new Tree(byId('tree'), (branch) => this.choose({ branch }));
    this.grades = new Map(GRADES.map((grade) => [grade, this.makeGrade(grade)]));
    this.search = /** @type {HTMLInputElement} */ (byId('search'));
    let timer = 0;
    this.search.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.choose({ text: this.search.value }), TYPING_MS);
    });
    this.search.addEventListener('keydown', (event) => this.searchKey(event));
    byId('tree-toggle').addEventListener('click', () => this.toggleTree());
    if (matchMedia('(max-width: 700px)').matches) this.toggleTree();
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || /** @type {Element} */ (event.target).closest('input, dialog')) return;
      this.search.focus();
      event.preventDefault();
    });
  }

  /** @param {string} grade */
  makeGrade(grade) {
    const number = el('span', { class: 'grade-count' });
    const word = grade === 'all' ? 'All' : grade;
    const button = el('button', { type: 'button', class: `grade ${grade}`, 'aria-pressed': 'false' },
      word, number);
    if (grade !== 'all') button.prepend(icon(grade));
    button.addEventListener('click', () => this.choose({ grade }));
    byId('grades').append(button);
    return { button, number };
  }

  toggleTree() {
    const toggle = byId('tree-toggle');
    const shown = toggle.getAttribute('aria-expanded') === 'true';
    toggle.setAttribute('aria-expanded', String(!shown));
    byId('tree').hidden = shown;
  }

  /** @param {KeyboardEvent} event */
  searchKey(event) {
    if (event.key === 'Escape' && this.search.value) {
      this.search.value = '';
      this.choose({ text: '' });
      this.narrow('');
    } else if (event.key === 'Enter') {
      const text = this.search.value.trim();
      this.choose({ text });
      // A node that has more than the page holds is asked for the pattern.
      if (isPattern(text) && this.more) this.narrow(text);
      else if (text === '') this.narrow('');
      this.table.scroll.focus();
    } else if (event.key === 'ArrowDown') this.table.scroll.focus();
    else return;
    event.preventDefault();
  }

  /** @param {Partial<{branch: string, text: string, grade: string}>} change */
  choose(change) {
    this.wish = { ...this.wish, ...change };
    this.table.top();
    this.show();
  }

  /** @param {{live: boolean, more: boolean, total: number, scope: string}} state */
  state({ live, more, total, scope }) {
    this.live = live;
    this.more = more || scope !== '';
    this.total = total;
    const cap = byId('cap');
    cap.hidden = !more && !scope;
    setText(cap, scope
      ? `The node was asked for ${scope} only${more ? `, and has more than ${count(ENTRIES_MAX)} of them` : ''}. Clear the search and press Enter for the others.`
      : `This page holds the first ${count(this.catalogue.entries.size)} of ${counted(total, 'datapoint')}. For others, search with a pattern such as plant1.line1.** and press Enter.`);
  }

  /** Chooses, counts and draws. */
  show() {
    const entries = this.catalogue.list();
    const { shown, counts } = select(entries, this.wish);
    for (const [grade, { button, number }] of this.grades) {
      setText(number, count(counts[grade] ?? 0));
      setAttribute(button, 'aria-pressed', String(this.wish.grade === grade));
      button.classList.toggle('none', (counts[grade] ?? 0) === 0);
    }
    setText(byId('shown'), shown.length === entries.length ? ''
      : `${count(shown.length)} of ${count(entries.length)} shown`);
    const nothing = entries.length === 0 ? 'There are no datapoints yet.'
      : 'No datapoint fits. Clear the search, or choose another branch.';
    this.table.show(shown, { live: this.live, branch: this.wish.branch, nothing });
  }

  showTree() {
    this.tree.show(this.catalogue.list());
  }
}
