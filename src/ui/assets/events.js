/** The text of `text/event-stream`, read by hand (HTML standard, section 9.2). */

/** A line or an event beyond this is a defect, not a change. */
const EVENT_CHARACTERS_MAX = 16 * 1024 * 1024;

/** @typedef {{id: string|null, event: string, data: string}} StreamEvent */

/** Turns pieces of text, cut anywhere, into events. */
export class EventReader {
  /** @param {(event: StreamEvent) => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.rest = '';
    /** @type {string[]} */
    this.data = [];
    this.event = '';
    /** The last id outlives its event. @type {string|null} */
    this.id = null;
    this.size = 0;
  }

  /** @param {string} text */
  push(text) {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.rest.length + this.size > EVENT_CHARACTERS_MAX) {
      throw new Error('an event without an end');
    }
  }

  /** @param {string} line */
  line(line) {
    if (line === '') {
      this.dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.data.push(value);
      this.size += value.length;
    } else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
  }

  dispatch() {
    const { data, event, id } = this;
    this.data = [];
    this.event = '';
    this.size = 0;
    this.tell({ id, event: event || 'message', data: data.join('\n') });
  }
}
