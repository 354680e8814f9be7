/** Keeps the stream of changes open: resumes, backs off, and notices silence. */

import { ApiError, openChanges } from './api.js';
import { EventReader } from './events.js';

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 15_000;
const BACKOFF_LEAST_MS = 250;
/** The node says something every 15 s even if nothing changes. */
const SILENCE_MS = 35_000;

/**
 * @typedef {{
 *   prepare: () => Promise<Record<string, string>>,
 *   event: (event: import('./events.js').StreamEvent) => void,
 *   opened: () => void,
 *   heard: () => void,
 *   lost: (cause: string, retryAt: number) => void,
 * }} Listener
 * `prepare` runs before a stream begins anew, and gives its query.
 */

export class ChangeStream {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    /** @type {string|null} */
    this.cursor = null;
    /** @type {Record<string, string>} */
    this.query = {};
    this.failures = 0;
    /** @type {AbortController|null} */
    this.controller = null;
    this.timer = 0;
    this.stopped = true;
  }

  /** Begins anew: everything is read again. */
  start() {
    this.stop();
    this.stopped = false;
    this.cursor = null;
    void this.run();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.controller?.abort();
    this.controller = null;
  }

  /** Does not wait for the next try. */
  tryNow() {
    if (this.stopped || this.controller) return;
    clearTimeout(this.timer);
    void this.run();
  }

  async run() {
    const controller = new AbortController();
    this.controller = controller;
    let cause;
    try {
      if (this.cursor === null) this.query = await this.listener.prepare();
      if (controller.signal.aborted) return;
      await this.read(controller);
      cause = 'the node ended the stream';
    } catch (error) {
      cause = this.causeOf(error, controller);
    }
    if (this.controller !== controller) return;
    this.controller = null;
    if (this.stopped) return;
    const delay = this.delay();
    this.listener.lost(cause, Date.now() + delay);
    this.timer = setTimeout(() => void this.run(), delay);
  }

  /** @param {AbortController} controller */
  async read(controller) {
    let watch = 0;
    const alive = () => {
      clearTimeout(watch);
      const silent = () => controller.abort(new Error('silence'));
      watch = setTimeout(silent, SILENCE_MS);
    };
    alive();
    try {
      const response = await openChanges(this.cursor, this.query, controller.signal);
      if (!response.body) throw new Error('the answer has no body');
      this.listener.opened();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new EventReader((event) => {
        if (controller.signal.aborted) return;
        if (event.data) this.listener.event(event);
        // Only now: an event that could not be applied is read again.
        if (event.id) this.cursor = event.id;
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        this.listener.heard();
        events.push(value);
        this.failures = 0;
      }
    } finally {
      clearTimeout(watch);
    }
  }

  /** @param {unknown} error @param {AbortController} controller */
  causeOf(error, controller) {
    this.failures += 1;
    if (controller.signal.aborted) return `nothing was heard for ${SILENCE_MS / 1000} s`;
    if (!(error instanceof ApiError)) return 'the connection to the node broke';
    // The place is not known there any more, or never was: begin anew.
    if (error.status === 410 || error.status === 400) this.cursor = null;
    return error.sentence;
  }

  /** Full jitter: many pages do not come back in one moment. */
  delay() {
    const most = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** this.failures);
    return BACKOFF_LEAST_MS + Math.random() * most;
  }
}
