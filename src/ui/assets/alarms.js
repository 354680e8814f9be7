/** Alarms: what is wrong, what to do, since when. */

import { ApiError, ask } from './api.js';
import { absence, PLAIN, showCards } from './cards.js';
import { byId, setText } from './dom.js';
import { counted, since } from './format.js';
import { asSentence } from './words.js';

/** @type {Record<string, {grade: string, icon: string, rank: number}>} */
const SEVERITIES = {
  critical: { grade: 'bad', icon: 'bad', rank: 0 },
  high: { grade: 'bad', icon: 'bad', rank: 1 },
  warning: { grade: 'uncertain', icon: 'uncertain', rank: 2 },
  info: { grade: 'off', icon: 'info', rank: 3 },
};
const NONE = { ...PLAIN, key: 'none', icon: 'good', grade: 'good' };

/**
 * Says that somebody has seen it. What became of it comes with the next list.
 * @param {import('./documents.js').Alarm} alarm
 */
async function acknowledge(alarm) {
  try {
    await ask(`alarms/${encodeURIComponent(alarm.id)}/acknowledge`, { method: 'POST' });
    setText(byId('alarms-said'), '');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(byId('alarms-said'), `Not acknowledged. ${error.sentence}`);
  }
}

/** @param {import('./documents.js').Alarm} alarm @returns {import('./cards.js').Card} */
function card(alarm) {
  const { grade, icon } = SEVERITIES[alarm.severity] ?? SEVERITIES.warning;
  const state = alarm.active ? `since ${since(alarm.since)}`
    : `over, ${since(alarm.since)} to ${since(alarm.cleared ?? '')}`;
  const text = alarm.text.replace(/[\s:]+$/, '');
  // The cause behind the first colon is read second.
  const [sentence, ...cause] = text.split(': ');
  const rest = cause.length > 0 ? [asSentence(cause.join(': '))] : [];
  return {
    key: alarm.id,
    grade: alarm.active ? grade : 'off',
    icon: alarm.active ? icon : 'good',
    sentence,
    more: alarm.active ? [...rest, alarm.action].join(' ') : '',
    facts: [alarm.severity, state, alarm.source, alarm.acknowledged ? 'acknowledged' : ''],
    action: alarm.acknowledged ? undefined : { label: 'Acknowledge', run: () => acknowledge(alarm) },
  };
}

/** @param {import('./live.js').List|null} list */
export function showAlarms(list) {
  /** @type {import('./documents.js').Alarm[]} */
  const alarms = [...(list?.items ?? [])];
  const rank = (/** @type {import('./documents.js').Alarm} */ alarm) =>
    (alarm.active ? 0 : 10) + (SEVERITIES[alarm.severity]?.rank ?? 2);
  alarms.sort((a, b) => rank(a) - rank(b) || (a.since < b.since ? 1 : -1));
  const cards = alarms.map(card);
  const absent = absence('alarms', list);
  if (absent) cards.unshift(absent);
  else if (cards.length === 0) cards.push({ ...NONE, sentence: 'Nothing at this node needs you.' });
  showCards(byId('alarms'), cards);
  const active = alarms.filter((alarm) => alarm.active).length;
  setText(byId('alarms-sum'), active > 0 ? counted(active, 'alarm') : '');
}
