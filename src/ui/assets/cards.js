/** The lists above the datapoints: a card per thing, what is wrong first. */

import { el, keyed, setAttribute, setText } from './dom.js';
import { icon, setIcon } from './icons.js';

/**
 * What a card shows.
 * @typedef {{key: string, icon: string, grade: string, sentence: string, more: string,
 *   facts: string[], action?: {label: string, run: () => Promise<void>}}} Card
 */

/** What needs somebody stands first. @type {Record<string, number>} */
const ORDER = { bad: 0, uncertain: 1, off: 2, good: 3 };

/** A text in which commands stand between back ticks. @param {HTMLElement} node @param {string} text */
export function setProse(node, text) {
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  node.replaceChildren(...text.split('`').map((part, index) => (index % 2 ? el('code', {}, part) : part)));
}

/** @param {Card} card */
function create(card) {
  const sign = icon(card.icon);
  const sentence = el('p', { class: 'card-sentence' });
  const more = el('p', { class: 'card-more' });
  const facts = el('p', { class: 'card-facts' });
  const button = /** @type {HTMLButtonElement} */ (el('button', { type: 'button', class: 'quiet' }));
  const root = el('li', {}, sign, el('div', {}, sentence, more, facts), button);
  let run = async () => {};
  button.addEventListener('click', async () => {
    button.disabled = true;
    await run();
    button.disabled = false;
  });
  /** @param {Card} now */
  const update = (now) => {
    setAttribute(root, 'class', `entry ${now.grade}`);
    setIcon(sign, now.icon);
    setText(sentence, now.sentence);
    setProse(more, now.more);
    more.hidden = now.more === '';
    button.hidden = now.action === undefined;
    setText(button, now.action?.label ?? '');
    run = now.action?.run ?? run;
    const texts = now.facts.filter(Boolean);
    facts.hidden = texts.length === 0;
    if (facts.dataset.texts !== texts.join('|')) {
      facts.dataset.texts = texts.join('|');
      facts.replaceChildren(...texts.map((text) => el('span', {}, text)));
    }
  };
  return { root, update };
}

/** @param {HTMLElement} list @param {Card[]} cards */
export function showCards(list, cards) {
  const rank = (/** @type {Card} */ card) => ORDER[card.grade] ?? 1;
  const sorted = [...cards].sort((a, b) => rank(a) - rank(b));
  keyed(list, sorted, (card) => card.key, create);
}

/**
 * A card that says why a list is not there.
 * @param {string} what
 * @param {import('./live.js').List|null} list
 * @returns {Card|null}
 */
export function absence(what, list) {
  if (list === null) return { ...PLAIN, icon: 'busy', sentence: `Asking for ${what}…` };
  if (list.error === null) return null;
  const more = list.error.sentence;
  if (list.items.length > 0) return { ...PLAIN, grade: 'bad', icon: 'old', sentence: `This list of ${what} is old`, more };
  return { ...PLAIN, grade: 'bad', sentence: `The ${what} cannot be shown`, more };
}

/** @type {Card} */
export const PLAIN = { key: '', icon: 'info', grade: 'off', sentence: '', more: '', facts: [] };
