/** Brings everything that the page shows, and keeps it true: one list, one stream, small questions. */

import { ApiError, ask } from './api.js';
import { ENTRIES_MAX } from './catalogue.js';
import { parseJson } from './json.js';
import { ChangeStream } from './stream.js';

const PAGE_ROWS = 2000;
const POLL_MS = 2000;
const LIST_TIMEOUT_MS = 15_000;
/** Patterns that one question about datapoints may have. */
const NAMES_PER_QUESTION = 100;
const LISTS = /** @type {const} */ (['alarms', 'remotes', 'adapters', 'topology']);

/**
 * @typedef {{items: any[], error: ApiError|null}} List
 * @typedef {{
 *   catalogue: import('./catalogue.js').Catalogue,
 *   liveness: import('./liveness.js').Liveness,
 *   visible: () => string[],
 *   changed: () => void,
 * }} Page
 */

export class Live {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {import('./documents.js').Node|null} */
    this.node = null;
    /** The node's clock minus this one, in milliseconds. */
    this.clockOffset = 0;
    /** @type {Record<'alarms'|'remotes'|'adapters'|'topology', List|null>} */
    this.lists = { alarms: null, remotes: null, adapters: null, topology: null };
    /** The pattern that the node is asked for. */
    this.scope = '';
    /** Whether the node has more than the page holds. */
    this.more = false;
    /** Counts starts: an answer to a question of an earlier one is late. */
    this.round = 0;
    this.timer = 0;
    this.stream = new ChangeStream({
      prepare: () => this.readCatalogue(),
      event: (event) => this.take(event.event, event.data),
      opened: () => {
        page.liveness.opened();
        page.changed();
      },
      heard: () => {},
      lost: (cause, retryAt) => {
        page.liveness.lost(cause, retryAt);
        page.changed();
      },
    });
  }

  async start() {
    this.round += 1;
    const { round } = this;
    this.page.liveness.reset();
    clearTimeout(this.timer);
    // One question first: a token that does not hold counts as one failed login and not as six.
    await this.readNode(round);
    if (round !== this.round) return;
    this.stream.start();
    void this.poll(round);
  }

  stop() {
    this.round += 1;
    this.stream.stop();
    clearTimeout(this.timer);
    this.lists = { alarms: null, remotes: null, adapters: null, topology: null };
    this.page.catalogue.clear();
  }

  /** Does not wait: after a sleep, or when somebody asks. */
  tryNow() {
    this.stream.tryNow();
    this.round += 1;
    clearTimeout(this.timer);
    void this.poll(this.round);
  }

  /** Asks the node for other names. @param {string} scope a pattern, or nothing */
  narrow(scope) {
    if (scope === this.scope) return;
    this.scope = scope;
    this.stream.start();
  }

  /** The node's wall clock. */
  now() {
    return Date.now() + this.clockOffset;
  }

  /** Reads the list of datapoints, part by part, up to what the page holds. */
  async readCatalogue() {
    const { catalogue } = this.page;
    const glob = this.scope || undefined;
    let after;
    let first = true;
    do {
      const query = { limit: PAGE_ROWS, after, glob, meta: true };
      const part = await ask('datapoints', { query, timeout: LIST_TIMEOUT_MS });
      // What was shown stays until there is something better.
      if (first) catalogue.clear();
      first = false;
      for (const doc of part.items) catalogue.apply(doc);
      after = part.next ?? undefined;
      this.page.changed();
    } while (after && catalogue.entries.size < ENTRIES_MAX);
    this.more = Boolean(after);
    /** @type {Record<string, string>} */
    const query = glob ? { glob } : {};
    return query;
  }

  /** One event of the stream. @param {string} kind @param {string} data */
  take(kind, data) {
    const { catalogue } = this.page;
    const document = parseJson(data);
    if (document === null || typeof document !== 'object') return;
    const gone = kind.startsWith('remove');
    for (const item of Array.isArray(document) ? document : [document]) {
      if (gone && typeof item === 'string') catalogue.remove(item);
      else if (gone && typeof item.name === 'string') catalogue.remove(item.name);
      else if (item.quality && typeof item.name === 'string') catalogue.apply(item);
    }
    for (const doc of document.items ?? []) catalogue.apply(doc);
    for (const name of document.removed ?? []) catalogue.remove(name);
    this.page.changed();
  }

  /** Everything that is no datapoint, and the ages of the rows in view. @param {number} round */
  async poll(round) {
    if (round !== this.round) return;
    const begun = Date.now();
    const answered = await this.readNode(round);
    if (round !== this.round) return;
    if (answered && !document.hidden) {
      await Promise.all([this.readVisible(round), ...LISTS.map((list) => this.readList(list, round))]);
      if (round !== this.round) return;
    }
    this.page.changed();
    const spent = Date.now() - begun;
    this.timer = setTimeout(() => void this.poll(round), Math.max(250, POLL_MS - spent));
  }

  /** @param {number} round */
  async readNode(round) {
    try {
      const asked = Date.now();
      const node = await ask('node');
      if (round !== this.round) return false;
      this.node = node;
      this.clockOffset = Date.parse(node.time) - (asked + Date.now()) / 2;
      this.page.liveness.answer();
      return true;
    } catch (error) {
      if (error instanceof ApiError) this.page.liveness.noAnswer(error.sentence);
      return false;
    }
  }

  /** @param {'alarms'|'remotes'|'adapters'|'topology'} name @param {number} round */
  async readList(name, round) {
    try {
      const answer = await ask(name);
      const items = answer.items ?? [answer];
      if (round === this.round) this.lists[name] = { items, error: null };
    } catch (error) {
      if (round !== this.round || !(error instanceof ApiError)) return;
      this.lists[name] = { items: this.lists[name]?.items ?? [], error };
    }
  }

  /**
   * A value that is confirmed without a change makes no entry in the feed, so its age is asked for.
   * @param {number} round
   */
  async readVisible(round) {
    const names = this.page.visible().slice(0, NAMES_PER_QUESTION);
    if (names.length === 0) return;
    try {
      const query = { glob: names.join(','), meta: true, limit: NAMES_PER_QUESTION };
      const { items } = await ask('datapoints', { query });
      if (round !== this.round) return;
      const there = new Set();
      for (const doc of items) {
        there.add(doc.name);
        this.page.catalogue.refresh(doc);
      }
      for (const name of names) if (!there.has(name)) this.page.catalogue.remove(name);
    } catch {
      // The question for the node fails as well, and says why.
    }
  }
}
