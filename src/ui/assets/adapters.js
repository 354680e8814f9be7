/** Adapters: how this node stands with its devices. */

import { absence, PLAIN, showCards } from './cards.js';
import { byId, setText } from './dom.js';
import { count, counted, rate, since, tiny } from './format.js';
import { nextTry } from './links.js';
import { adapterStanding, reason } from './words.js';

/** Codes of errors named on a card. */
const ERRORS_SHOWN = 3;
/** Devices behind a gateway named on a card. */
const DEVICES_SHOWN = 3;

/** @param {import('./documents.js').Adapter} adapter */
function devices({ devices = [] }) {
  const wrong = devices.filter((device) => device.status !== 'good');
  if (wrong.length === 0) return '';
  const named = wrong.slice(0, DEVICES_SHOWN).map((device) => `${device.name}: ${reason(device.reason)}`);
  const rest = wrong.length - named.length;
  return `${named.join('; ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** @param {import('./documents.js').Adapter} adapter */
function facts({ kind, points, rates }) {
  const trip = rates.round_trip;
  const errors = Object.entries(rates.errors).sort((a, b) => b[1] - a[1]).slice(0, ERRORS_SHOWN);
  return [
    kind,
    counted(points, 'datapoint'),
    rates.sample_rate > 0 ? `samples ${rate(rates.sample_rate)}` : '',
    typeof trip.p50 === 'number'
      ? `answers in ${tiny(trip.p50)}${typeof trip.p99 === 'number' ? `, p99 ${tiny(trip.p99)}` : ''}` : '',
    rates.overruns > 0 ? counted(rates.overruns, 'overrun') : '',
    ...errors.map(([code, times]) => `${code} × ${count(times)}`),
  ];
}

/** @param {import('./documents.js').Adapter} adapter @param {{now: number, live: boolean}} when */
function card(adapter, { now, live }) {
  const standing = adapterStanding(adapter.state, {
    name: adapter.name,
    live,
    since: since(adapter.since),
    cause: adapter.cause?.message,
    retry: !live ? undefined : nextTry(adapter.next_try, now),
  });
  const shown = { key: adapter.name, ...standing, facts: facts(adapter) };
  const silent = devices(adapter);
  // While there is no connection at all, its devices are no news.
  if (!silent || standing.grade !== 'good') return shown;
  return { ...shown, icon: 'uncertain', grade: 'uncertain', more: silent };
}

/** @param {import('./live.js').List|null} list @param {{now: number, live: boolean}} when */
export function showAdapters(list, when) {
  /** @type {import('./documents.js').Adapter[]} */
  const adapters = list?.items ?? [];
  /** @type {import('./cards.js').Card[]} */
  const cards = adapters.map((adapter) => card(adapter, when));
  const absent = absence('adapters', list);
  if (absent) cards.unshift(absent);
  else if (cards.length === 0) cards.push({ ...PLAIN, sentence: 'This node has no adapters.' });
  showCards(byId('adapters'), cards);
  const online = adapters.filter((adapter) => adapter.state === 'online').length;
  setText(byId('adapters-sum'), adapters.length > 0 ? `${online} of ${adapters.length} online` : '');
}
