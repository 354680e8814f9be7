/** The datapoints that this page knows, by name. */

/**
 * One datapoint. `confirmed` is the moment, on the page's own monotonic clock, at which its source
 * last confirmed it: ages hang on no wall clock.
 * @typedef {{name: string, doc: import('./documents.js').Point, confirmed: number}} Entry
 */

/** Datapoints that the page holds at the most; the node may have more. */
export const ENTRIES_MAX = 20_000;

export class Catalogue {
  constructor() {
    /** Counts what happened; who draws remembers the number that it drew. */
    this.version = 0;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Entry[]} */
    this.sorted = [];
    this.unsorted = false;
    /** Whether a name found no room. */
    this.crowded = false;
  }

  clear() {
    this.entries.clear();
    this.unsorted = true;
    this.version += 1;
    this.crowded = false;
  }

  /** @param {import('./documents.js').Point} doc */
  apply(doc) {
    const confirmed = performance.now() - doc.age * 1000;
    const known = this.entries.get(doc.name);
    this.version += 1;
    if (known) {
      // Most changes come without their definition.
      doc.meta ??= known.doc.meta;
      known.doc = doc;
      known.confirmed = confirmed;
      return;
    }
    if (this.entries.size >= ENTRIES_MAX) {
      this.crowded = true;
      return;
    }
    this.entries.set(doc.name, { name: doc.name, doc, confirmed });
    this.unsorted = true;
  }

  /**
   * An answer to a question, which a change on the stream may have overtaken.
   * @param {import('./documents.js').Point} doc
   */
  refresh(doc) {
    const known = this.entries.get(doc.name)?.doc;
    const overtaken = known && ((known.received_time ?? '') > (doc.received_time ?? '')
      || known.quality.since > doc.quality.since);
    if (!overtaken) this.apply(doc);
  }

  /** @param {string} name */
  remove(name) {
    if (!this.entries.delete(name)) return;
    this.unsorted = true;
    this.version += 1;
  }

  /** All, in the order of their names. @returns {Entry[]} */
  list() {
    if (this.unsorted) {
      this.sorted = [...this.entries.values()];
      this.sorted.sort((a, b) => (a.name < b.name ? -1 : 1));
      this.unsorted = false;
    }
    return this.sorted;
  }
}

/** Seconds since the source confirmed it. @param {Entry} entry */
export function age(entry) {
  return Math.max(0, (performance.now() - entry.confirmed) / 1000);
}
