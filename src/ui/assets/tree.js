/** Names by segment: a branch chosen narrows the table to what lies below it. */

import { el, keyed, setAttribute, setText } from './dom.js';
import { count } from './format.js';
import { icon } from './icons.js';

/** Branches drawn at one level; the search finds the others. */
const BRANCHES_MAX = 300;

/**
 * @typedef {{path: string, name: string, depth: number, total: number, wrong: number,
 *   children: Map<string, Branch>}} Branch
 */

/** @param {string} path @param {string} name @param {number} depth @returns {Branch} */
function branch(path, name, depth) {
  return { path, name, depth, total: 0, wrong: 0, children: new Map() };
}

/** @param {import('./catalogue.js').Entry[]} entries @returns {Branch} */
function grow(entries) {
  const root = branch('', 'All', 0);
  for (const { name, doc } of entries) {
    const wrong = doc.quality.status === 'good' ? 0 : 1;
    let at = root;
    let end = name.indexOf('.');
    let begin = 0;
    at.total += 1;
    at.wrong += wrong;
    while (end > 0) {
      const segment = name.slice(begin, end);
      let child = at.children.get(segment);
      if (!child) {
        child = branch(name.slice(0, end), segment, at.depth + 1);
        at.children.set(segment, child);
      }
      at = child;
      at.total += 1;
      at.wrong += wrong;
      begin = end + 1;
      end = name.indexOf('.', begin);
    }
  }
  return root;
}

export class Tree {
  /** @param {HTMLElement} list @param {(path: string) => void} chosen */
  constructor(list, chosen) {
    this.list = list;
    this.chosen = chosen;
    this.selected = '';
    /** @type {Set<string>} */
    this.open = new Set(['']);
    this.root = branch('', 'All', 0);
    /** @type {Branch[]} */
    this.shown = [];
    list.addEventListener('click', (event) => this.click(event));
    list.addEventListener('keydown', (event) => this.key(event));
  }

  /** @param {import('./catalogue.js').Entry[]} entries */
  show(entries) {
    this.root = grow(entries);
    this.draw();
  }

  draw() {
    this.shown = [];
    this.collect(this.root);
    keyed(this.list, this.shown, (item) => item.path, () => this.create());
  }

  /** @param {Branch} at */
  collect(at) {
    this.shown.push(at);
    if (!this.open.has(at.path)) return;
    const children = [...at.children.values()].slice(0, BRANCHES_MAX);
    for (const child of children) this.collect(child);
  }

  create() {
    const fold = el('span', { class: 'fold', 'aria-hidden': 'true' });
    const name = el('span', { class: 'branch-name' });
    const wrong = el('span', { class: 'branch-wrong' });
    const number = el('span', { class: 'branch-count' });
    const sign = icon('uncertain');
    const root = el('li', { role: 'treeitem' }, fold, name, wrong, number);
    /** @param {Branch} item */
    const update = (item) => {
      const folds = item.children.size > 0;
      const selected = item.path === this.selected;
      setAttribute(root, 'data-path', item.path);
      setAttribute(root, 'aria-level', String(item.depth + 1));
      setAttribute(root, 'aria-expanded', folds ? String(this.open.has(item.path)) : null);
      setAttribute(root, 'aria-selected', String(selected));
      setAttribute(root, 'tabindex', selected ? '0' : '-1');
      setAttribute(root, 'title', item.path || null);
      root.style.setProperty('--depth', String(item.depth));
      setText(fold, !folds ? '' : this.open.has(item.path) ? '▾' : '▸');
      setText(name, item.name);
      setText(number, count(item.total));
      const said = item.wrong > 0 ? `${count(item.wrong)} not good` : '';
      setAttribute(wrong, 'title', said || null);
      wrong.hidden = item.wrong === 0;
      setText(wrong, item.wrong > 0 ? count(item.wrong) : '');
      if (item.wrong > 0) wrong.prepend(sign);
    };
    return { root, update };
  }

  /** @param {string} path */
  select(path) {
    this.selected = path;
    this.draw();
    this.chosen(path);
  }

  /** @param {string} path @param {boolean} open */
  fold(path, open) {
    if (open) this.open.add(path);
    else this.open.delete(path);
    this.draw();
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {Element} */ (event.target);
    const path = target.closest('li')?.getAttribute('data-path');
    if (path === null || path === undefined) return;
    const folded = !this.open.has(path);
    if (target.closest('.fold')) this.fold(path, folded);
    else {
      if (folded || path === this.selected) this.fold(path, folded);
      this.select(path);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const index = this.shown.findIndex((item) => item.path === this.selected);
    const at = this.shown[Math.max(0, index)];
    const go = (/** @type {Branch|undefined} */ item) => {
      if (!item) return;
      this.select(item.path);
      /** @type {HTMLElement|null} */
      const row = this.list.querySelector('[aria-selected="true"]');
      row?.focus();
    };
    if (event.key === 'ArrowDown') go(this.shown[index + 1]);
    else if (event.key === 'ArrowUp') go(this.shown[index - 1]);
    else if (event.key === 'ArrowRight') {
      if (this.open.has(at.path)) go(at.children.values().next().value);
      else this.fold(at.path, true);
    } else if (event.key === 'ArrowLeft') {
      if (this.open.has(at.path) && at.children.size > 0) this.fold(at.path, false);
      else go(this.shown.find((item) => item.path === at.path.split('.').slice(0, -1).join('.')));
    } else return;
    event.preventDefault();
  }
}
