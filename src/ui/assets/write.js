/** Writing a datapoint: choose, confirm, then see what became of it, hop by hop. */

import { ApiError, ask } from './api.js';
import { el, setText } from './dom.js';
import { moment, shortValue } from './format.js';
import { icon } from './icons.js';
import { isNumeric, readInput } from './input.js';
import { OUTCOMES, STEPS } from './words.js';

/** Longer than any usual deadline; the node answers before. */
const ANSWER_TIMEOUT_MS = 20_000;
const OPEN_POLL_MS = 500;
/** Questions about a write that is not final. */
const OPEN_POLLS = 60;
const FINAL = ['applied', 'rejected', 'expired', 'unknown'];

/** A key under which a write is carried out once, however often it is asked for. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class WriteForm {
  /** @param {import('./catalogue.js').Entry} entry */
  constructor(entry) {
    this.name = entry.name;
    this.meta = entry.doc.meta;
    this.type = this.meta?.type ?? 'json';
    this.unit = this.meta?.unit ? ` ${this.meta.unit}` : '';
    this.current = entry.doc.value;
    this.wrong = el('p', { class: 'said', role: 'alert', id: 'write-said' });
    this.input = this.makeInput();
    this.choose = el('button', { type: 'submit' }, 'Write…');
    this.confirm = el('div', { class: 'confirm', hidden: true });
    this.outcome = el('div', { class: 'outcome', 'aria-live': 'polite' });
    const label = el('label', { for: 'write-value' }, `New value${this.unit ? `, in${this.unit}` : ''}`);
    this.root = el('form', {}, label, el('div', { class: 'write-line' }, this.input, this.choose),
      this.hint(), this.wrong, this.confirm, this.outcome);
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      this.review();
    });
    this.input.addEventListener('input', () => this.back());
  }

  makeInput() {
    const about = { id: 'write-value', 'aria-describedby': 'write-said', autocomplete: 'off' };
    if (this.type === 'bool') {
      const options = ['true', 'false'].map((word) => el('option', { value: word }, word));
      const select = /** @type {HTMLSelectElement} */ (el('select', about, ...options));
      // What is not so now is what somebody wants to write.
      select.value = String(this.current !== true);
      return select;
    }
    const mode = isNumeric(this.type) ? 'decimal' : 'text';
    return /** @type {HTMLInputElement} */ (el('input', { ...about, type: 'text', inputmode: mode,
      spellcheck: 'false', required: this.type !== 'text' }));
  }

  hint() {
    const limits = this.meta?.limits;
    if (!limits) return null;
    return el('p', { class: 'soft small' }, `${limits.min ?? '−∞'} to ${limits.max ?? '∞'}${this.unit}`);
  }

  /** @param {any} value as the stream tells it */
  now(value) {
    this.current = value;
  }

  /** Leaves the question whether to write. */
  back() {
    this.confirm.hidden = true;
    this.choose.hidden = false;
    setText(this.wrong, '');
  }

  /** Asks once more, with both values in one sentence. */
  review() {
    this.back();
    const read = readInput(this.input.value, this.type, this.meta?.limits);
    if ('wrong' in read) {
      setText(this.wrong, read.wrong);
      this.input.focus();
      return;
    }
    const typed = this.type === 'bool' ? read.json : this.input.value.trim();
    const from = shortValue(this.current, this.type);
    const yes = el('button', { type: 'button', class: 'main' }, 'Write now');
    const no = el('button', { type: 'button' }, 'Back');
    yes.addEventListener('click', () => void this.send(read.json, newKey()));
    no.addEventListener('click', () => {
      this.back();
      this.input.focus();
    });
    this.choose.hidden = true;
    this.confirm.hidden = false;
    this.confirm.replaceChildren(
      el('p', {}, 'From ', el('b', {}, from + this.unit), ' to ', el('b', {}, typed + this.unit)),
      el('div', { class: 'write-line' }, yes, no));
    yes.focus();
  }

  /** @param {string} json @param {string} key */
  async send(json, key) {
    this.back();
    this.busy(true);
    this.outcome.replaceChildren(el('p', { class: 'soft' }, 'The node is asked…'));
    try {
      const path = `datapoints/${encodeURIComponent(this.name)}`;
      const headers = { 'Idempotency-Key': key };
      const body = `{"value":${json}}`;
      const timeout = ANSWER_TIMEOUT_MS;
      await this.follow(await ask(path, { method: 'PUT', headers, body, timeout }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed(error, json, key);
    } finally {
      this.busy(false);
    }
  }

  /** @param {boolean} busy */
  busy(busy) {
    this.choose.toggleAttribute('disabled', busy);
    this.input.toggleAttribute('disabled', busy);
  }

  /** Shows a write until it is final. @param {import('./documents.js').Write} write */
  async follow(write) {
    let at = write;
    for (let asked = 0; asked < OPEN_POLLS; asked += 1) {
      this.show(at);
      if (FINAL.includes(at.state) || !this.root.isConnected) return;
      await new Promise((done) => setTimeout(done, OPEN_POLL_MS));
      at = await ask(`writes/${encodeURIComponent(at.id)}`);
    }
  }

  /** @param {ApiError} error @param {string} json @param {string} key */
  failed(error, json, key) {
    if (error.outcome) {
      this.show(error.outcome, error);
      return;
    }
    const sentence = error.status === 0
      ? 'Nobody answered: the write may have been carried out.' : error.sentence;
    this.outcome.replaceChildren(line('bad', sentence));
    if (error.status !== 0) return;
    // The same key: what was carried out is answered, and not carried out again.
    const again = el('button', { type: 'button' }, 'Ask what became of it');
    again.addEventListener('click', () => void this.send(json, key));
    this.outcome.append(again);
  }

  /** @param {import('./documents.js').Write} write @param {ApiError} [error] */
  show(write, error) {
    const grade = write.state === 'applied' ? 'good' : FINAL.includes(write.state)
      ? (write.state === 'unknown' ? 'uncertain' : 'bad') : 'busy';
    const where = write.hop ? ` at ${write.hop}` : '';
    const verified = write.verified ? ' It was read back and is the same.' : '';
    const sentence = (OUTCOMES[write.state] ?? `The write is ${write.state}.`) + verified;
    const parts = [line(grade, sentence)];
    const message = write.message ?? error?.message;
    if (message) parts.push(el('p', {}, `${message}${where}${write.reason ? ` (${write.reason})` : ''}`));
    // Some actions say to look at what stands here already.
    const action = error?.action ?? '';
    if (action && !action.startsWith('Look at the outcome')) parts.push(el('p', { class: 'soft' }, action));
    const steps = write.hops.map((hop) => el('li', {}, el('b', {}, hop.node),
      ` ${STEPS[hop.state] ?? hop.state}`, el('time', {}, moment(hop.at))));
    if (steps.length > 0) parts.push(el('ol', { class: 'hops' }, ...steps));
    this.outcome.replaceChildren(...parts);
  }
}

/** @param {string} grade @param {string} sentence */
function line(grade, sentence) {
  const paragraph = el('p', { class: `outcome-line ${grade}` }, sentence);
  paragraph.prepend(icon(grade));
  return paragraph;
}
