/** The tree of nodes and links: this node, its remotes, and what lies behind them. */

import { setProse } from './cards.js';
import { el, keyed, setAttribute, setText } from './dom.js';
import { counted, duration, since } from './format.js';
import { icon, setIcon } from './icons.js';
import { linkStanding, reason } from './words.js';

/**
 * One row: a node with the link that leads to it.
 * @typedef {{path: string, depth: number, parent: string, icon: string, grade: string,
 *   sentence: string, more: string, facts: string[], folds: boolean}} Row
 * @typedef {(path: string) => Omit<Row, 'path'|'depth'|'parent'|'folds'>|null} Own
 */

/** Rows drawn; a node with more of them shows the first. */
const ROWS_MAX = 500;

/**
 * What is said about a link of another node.
 * @param {import('./documents.js').LinkEntry} link
 * @param {{now: number, live: boolean}} when
 */
function below(link, when) {
  const name = link.prefix.slice(link.prefix.lastIndexOf('.') + 1);
  const standing = linkStanding(link.state, {
    name, live: when.live, since: since(link.since), retry: link.action,
    cause: link.cause && reason(link.cause),
  });
  return { ...standing, facts: facts(link) };
}

/** @param {import('./documents.js').LinkEntry} link */
function facts(link) {
  const node = link.path.at(-1)?.name;
  const { canary } = link;
  return [
    node && !link.prefix.endsWith(node) ? `node ${node}` : '',
    counted(link.datapoints, 'datapoint'),
    canary ? `canary ${duration(canary.age)} old${canary.late ? ', late' : ''}` : '',
  ];
}

export class Nodes {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    /** @type {Set<string>} */
    this.closed = new Set();
    this.selected = '';
    /** @type {Row[]} */
    this.rows = [];
    list.addEventListener('click', (event) => this.click(event));
    list.addEventListener('keydown', (event) => this.key(event));
  }

  /**
   * @param {import('./documents.js').Topology} topology
   * @param {Own} own what is known of this node's own links
   * @param {{now: number, live: boolean}} when
   */
  show(topology, own, when) {
    this.topology = topology;
    this.own = own;
    this.when = when;
    this.draw();
  }

  draw() {
    const { topology, own, when } = this;
    if (!topology || !own || !when) return;
    const [here] = topology.nodes;
    this.rows = [{
      path: '', depth: 0, parent: '', icon: 'node', grade: 'off', more: '',
      sentence: here ? `${here.name}, this node` : 'This node',
      facts: here ? [here.roles.join(', ')] : [],
      folds: topology.links.length > 0,
    }];
    this.collect(undefined, '', 1);
    if (!this.rows.some((row) => row.path === this.selected)) this.selected = '';
    keyed(this.list, this.rows, (row) => `/${row.path}`, () => this.create());
  }

  /** @param {number|undefined} parent @param {string} above @param {number} depth */
  collect(parent, above, depth) {
    const { topology, own, when } = this;
    if (!topology || !own || !when || this.closed.has(above)) return;
    const links = topology.links.filter((link) => link.parent === parent);
    links.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
    for (const link of links) {
      if (this.rows.length >= ROWS_MAX) return;
      const said = (depth === 1 ? own(link.prefix) : null) ?? below(link, when);
      const folds = topology.links.some((other) => other.parent === link.source);
      this.rows.push({ ...said, path: link.prefix, depth, parent: above, folds });
      this.collect(link.source, link.prefix, depth + 1);
    }
  }

  create() {
    const fold = el('span', { class: 'fold', 'aria-hidden': 'true' });
    const sign = icon('info');
    const sentence = el('p', { class: 'card-sentence' });
    const more = el('p', { class: 'card-more' });
    const small = el('p', { class: 'card-facts' });
    const root = el('li', { role: 'treeitem' }, fold, sign, el('div', {}, sentence, more, small));
    /** @param {Row} row */
    const update = (row) => {
      const open = !this.closed.has(row.path);
      const selected = row.path === this.selected;
      setAttribute(root, 'class', `entry hop ${row.grade}`);
      setAttribute(root, 'data-path', row.path);
      setAttribute(root, 'aria-level', String(row.depth + 1));
      setAttribute(root, 'aria-expanded', row.folds ? String(open) : null);
      setAttribute(root, 'aria-selected', String(selected));
      setAttribute(root, 'tabindex', selected ? '0' : '-1');
      root.style.setProperty('--depth', String(row.depth));
      setText(fold, !row.folds ? '' : open ? '▾' : '▸');
      setIcon(sign, row.icon);
      setText(sentence, row.sentence);
      setProse(more, row.more);
      more.hidden = row.more === '';
      const texts = row.facts.filter(Boolean);
      setText(small, texts.join(' · '));
      // What is well needs one line, until somebody asks.
      small.hidden = texts.length === 0 || (row.grade === 'good' && !selected);
    };
    return { root, update };
  }

  /** @param {string} path */
  toggle(path) {
    if (!this.closed.delete(path)) this.closed.add(path);
    this.draw();
  }

  /** @param {string} path @param {boolean} focus */
  select(path, focus) {
    this.selected = path;
    this.draw();
    const row = /** @type {HTMLElement|null} */ (this.list.querySelector('[aria-selected="true"]'));
    if (focus) row?.focus();
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {Element} */ (event.target);
    const path = target.closest('li')?.getAttribute('data-path');
    if (path === null || path === undefined) return;
    if (target.closest('.fold')) this.toggle(path);
    this.select(path, false);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const index = Math.max(0, this.rows.findIndex((row) => row.path === this.selected));
    const row = this.rows[index];
    const go = (/** @type {Row|undefined} */ next) => next && this.select(next.path, true);
    const open = row.folds && !this.closed.has(row.path);
    if (event.key === 'ArrowDown') go(this.rows[index + 1]);
    else if (event.key === 'ArrowUp') go(this.rows[index - 1]);
    else if (event.key === 'Home') go(this.rows[0]);
    else if (event.key === 'End') go(this.rows.at(-1));
    else if (event.key === 'ArrowRight' && open) go(this.rows[index + 1]);
    else if (event.key === 'ArrowRight' && row.folds) this.toggle(row.path);
    else if (event.key === 'ArrowLeft' && open) this.toggle(row.path);
    else if (event.key === 'ArrowLeft') go(this.rows.find((other) => other.path === row.parent));
    else if (event.key === 'Enter' || event.key === ' ') {
      if (row.folds) this.toggle(row.path);
    } else return;
    event.preventDefault();
  }
}
