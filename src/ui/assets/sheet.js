/** Everything about one datapoint, and the way to write it. */

import { age } from './catalogue.js';
import { el, setAttribute, setText } from './dom.js';
import { duration, fullMoment, shortValue, wholeValue } from './format.js';
import { icon, setIcon } from './icons.js';
import { AGE_OLD_SECONDS } from './row.js';
import { reason, why } from './words.js';
import { WriteForm } from './write.js';

const ACCESS = { r: 'read only', w: 'write only', rw: 'read and write' };

export class Sheet {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.name = '';
    /** @type {WriteForm|null} */
    this.form = null;
    this.title = el('h2', { id: 'sheet-name' });
    this.about = el('p', { class: 'soft' });
    this.value = el('span', { class: 'sheet-value' });
    this.unit = el('span', { class: 'sheet-unit' });
    this.sign = icon('good');
    this.quality = el('p', { class: 'sheet-quality' });
    this.facts = el('dl', { class: 'facts' });
    this.writing = el('div', { class: 'writing' });
    const close = el('button', { type: 'button', class: 'quiet', 'aria-label': 'Close' }, '✕');
    close.addEventListener('click', () => dialog.close());
    dialog.append(el('header', {}, el('div', {}, this.title, this.about), close),
      el('p', { class: 'sheet-now' }, this.value, this.unit), this.quality, this.facts, this.writing);
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener('close', () => {
      this.name = '';
      this.form = null;
      this.writing.replaceChildren();
    });
  }

  /** @param {import('./catalogue.js').Entry} entry @param {boolean} live */
  open(entry, live) {
    this.name = entry.name;
    this.form = null;
    this.writing.replaceChildren();
    this.show(entry, live);
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** @param {import('./catalogue.js').Entry|undefined} entry @param {boolean} live */
  show(entry, live) {
    if (!this.name) return;
    if (!entry) {
      setText(this.about, 'This datapoint is no more.');
      return;
    }
    const { doc } = entry;
    const { meta, quality } = doc;
    setText(this.title, entry.name);
    setText(this.about, meta?.description ?? '');
    setText(this.value, shortValue(doc.value, meta?.type));
    setAttribute(this.value, 'title', wholeValue(doc.value));
    setText(this.unit, meta?.unit ?? '');
    const said = why(quality);
    const words = `${live ? quality.status : `was ${quality.status}`}${said ? `: ${said}` : ''}`;
    setText(this.quality, words);
    setIcon(this.sign, live ? quality.status : 'old');
    this.quality.prepend(this.sign);
    setAttribute(this.quality, 'class', `sheet-quality ${quality.status}`);
    this.showFacts(entry, live);
    if (meta?.access.includes('w')) {
      if (!this.form) {
        this.form = new WriteForm(entry);
        this.writing.append(this.form.root);
      }
      this.form.now(doc.value);
    }
  }

  /** @param {import('./catalogue.js').Entry} entry @param {boolean} live */
  showFacts(entry, live) {
    const { doc } = entry;
    const { meta, quality } = doc;
    const limits = meta?.limits;
    const unit = meta?.unit ? ` ${meta.unit}` : '';
    const old = age(entry);
    /** @type {[string, string, string?][]} */
    const facts = [
      ['Confirmed', doc.value === null ? 'never' : `${duration(old)} ago`,
        old >= AGE_OLD_SECONDS || !live ? 'old' : ''],
      ['Whole value', wholeValue(doc.value) + unit],
      ['Source time', fullMoment(doc.source_time)],
      ['Received', fullMoment(doc.received_time)],
      ['Quality', `${quality.status} since ${fullMoment(quality.since)}`],
      ['Reason', `${quality.reason}${reason(quality.reason) ? ` (${reason(quality.reason)})` : ''}`],
    ];
    if (quality.hop) facts.push(['At fault', quality.hop]);
    if (meta) {
      facts.push(['Type', meta.type], ['Access', ACCESS[meta.access] ?? meta.access]);
      if (limits) facts.push(['Limits', `${limits.min ?? '−∞'} to ${limits.max ?? '∞'}${unit}`]);
      facts.push(['Source', meta.owner]);
    }
    while (this.facts.children.length > facts.length * 2) this.facts.lastChild?.remove();
    while (this.facts.children.length < facts.length * 2) {
      this.facts.append(el('dt'), el('dd'));
    }
    facts.forEach(([term, text, grade], index) => {
      setText(this.facts.children[index * 2], term);
      setText(this.facts.children[index * 2 + 1], text);
      setAttribute(this.facts.children[index * 2 + 1], 'class', grade || null);
    });
  }
}
