/** Links: how this node stands with each of its remotes. */

import { absence, PLAIN, showCards } from './cards.js';
import { byId, setText } from './dom.js';
import { count, counted, duration, signed, since, tiny } from './format.js';
import { asSentence, linkStanding } from './words.js';

/** Silence worth a word: links beat each second unless told otherwise. */
const QUIET_SECONDS = 3;

/**
 * `next try in 3 s`, by the node's clock.
 * @param {string|undefined} moment
 * @param {number} now milliseconds
 */
export function nextTry(moment, now) {
  if (!moment) return undefined;
  const seconds = Math.ceil((Date.parse(moment) - now) / 1000);
  return seconds > 0 ? `next try in ${duration(seconds)}` : 'trying now';
}

/** @param {import('./documents.js').Remote} remote */
function facts(remote) {
  const { clock, lag, heard, mirror, node } = remote;
  const live = remote.state === 'live' || remote.state === 'degraded';
  return [
    node && node.name !== remote.name ? `node ${node.name}` : '',
    remote.address,
    remote.prefix && remote.prefix.replace(/\.$/, '') !== remote.name ? `below ${remote.prefix}` : '',
    live && lag !== null && lag !== undefined ? `lag ${count(lag)}` : '',
    clock ? `clock ${signed(clock.offset)} ± ${tiny(clock.uncertainty)}` : '',
    heard !== null && heard !== undefined && (heard > QUIET_SECONDS || !live)
      ? `heard ${duration(heard)} ago` : '',
    mirror?.missed ? `${count(mirror.missed)} changes missed` : '',
    mirror?.left_out ? `${counted(mirror.left_out, 'datapoint')} left out` : '',
  ];
}

/** @param {import('./documents.js').Remote} remote @param {{now: number, live: boolean}} when */
function card(remote, { now, live }) {
  const standing = linkStanding(remote.state, {
    name: remote.name,
    live,
    since: since(remote.since),
    cause: remote.cause,
    retry: !live ? undefined : nextTry(remote.next_try, now),
    lag: remote.lag ? counted(remote.lag, 'entry').replace('entrys', 'entries') : undefined,
  });
  const left = remote.mirror?.last_left_out;
  const more = [standing.more, left ? asSentence(left) : ''].filter(Boolean).join(' ');
  return { key: remote.name, ...standing, more, facts: facts(remote) };
}

/** @param {import('./live.js').List|null} list @param {{now: number, live: boolean}} when */
export function showLinks(list, when) {
  /** @type {import('./documents.js').Remote[]} */
  const remotes = list?.items ?? [];
  /** @type {import('./cards.js').Card[]} */
  const cards = remotes.map((remote) => card(remote, when));
  const absent = absence('links', list);
  if (absent) cards.unshift(absent);
  else if (cards.length === 0) cards.push({ ...PLAIN, sentence: 'This node has no remotes.' });
  showCards(byId('links'), cards);
  const live = remotes.filter((remote) => remote.state === 'live').length;
  setText(byId('links-sum'), remotes.length > 0 ? `${live} of ${remotes.length} live` : '');
}
