/**
 * Whether what this page shows is true now. It is live only while the stream is open and questions
 * are answered; in every other case it says since when it is not.
 */

/** An answer older than this means that the node is not there, whatever the stream says. */
const ANSWER_MS_MAX = 9000;

export class Liveness {
  constructor() {
    this.streaming = false;
    this.cause = '';
    /** Wall clock in milliseconds. @type {number|null} */
    this.retryAt = null;
    /** @type {number|null} */
    this.answered = null;
    /** The last moment at which it was live. @type {number|null} */
    this.lastLive = null;
  }

  reset() {
    Object.assign(this, new Liveness());
  }

  opened() {
    this.streaming = true;
    this.retryAt = null;
  }

  /** @param {string} cause @param {number|null} retryAt */
  lost(cause, retryAt) {
    this.streaming = false;
    this.cause = cause;
    this.retryAt = retryAt;
  }

  answer() {
    this.answered = Date.now();
  }

  /** @param {string} cause */
  noAnswer(cause) {
    if (this.streaming) this.cause = cause;
  }

  /** @returns {'live'|'opening'|'dead'} */
  state() {
    const now = Date.now();
    const answered = this.answered !== null && now - this.answered < ANSWER_MS_MAX;
    if (this.streaming && answered) {
      this.lastLive = now;
      return 'live';
    }
    return this.lastLive === null && this.cause === '' ? 'opening' : 'dead';
  }
}
