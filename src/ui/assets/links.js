/** Links: how this node stands with each of its remotes. */

import { absence, PLAIN, showCards } from './cards.js';
import { byId, setText } from './dom.js';
import { Nodes } from './nodes.js';
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
  const { canary, clock, lag, heard, mirror, node } = remote;
  const late = remote.lag_seconds ? `, ${duration(remote.lag_seconds)}` : '';
  const live = remote.state === 'live' || remote.state === 'degraded';
  return [
    node && node.name !== remote.name ? `node ${node.name}` : '',
    remote.address,
    remote.prefix && remote.prefix.replace(/\.$/, '') !== remote.name ? `below ${remote.prefix}` : '',
    live && lag !== null && lag !== undefined ? `lag ${count(lag)}${lag > 0 ? late : ''}` : '',
    canary ? `canary ${duration(canary.age)} old${canary.late ? ', late' : ''}` : '',
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
  const next = standing.grade === 'good' ? '' : remote.action ?? '';
  const more = [standing.more, next, left ? asSentence(left) : ''].filter(Boolean).join(' ');
  const late = live && remote.canary?.late;
  const grade = late ? { grade: 'bad', icon: 'bad', sentence: `Nothing new from ${remote.name}` } : {};
  const why = late ? [asSentence(remote.cause ?? ''), remote.action ?? ''].join(' ') : more;
  return { ...standing, ...grade, more: why, facts: facts(remote) };
}

/** @type {Nodes|null} */
let nodes = null;

/** What is known where the tree is not: this node's own links. @param {any[]} remotes */
function ownOnly(remotes) {
  const links = remotes.map((remote, index) => ({ ...remote, source: index, path: [], datapoints: 0 }));
  return { nodes: [], links };
}

/**
 * @param {import('./live.js').List|null} list
 * @param {import('./live.js').List|null} tree
 * @param {{now: number, live: boolean}} when
 */
export function showLinks(list, tree, when) {
  nodes ??= new Nodes(byId('links'));
  /** @type {import('./documents.js').Remote[]} */
  const remotes = list?.items ?? [];
  /** @type {import('./documents.js').Topology} */
  const topology = tree?.items[0] ?? ownOnly(remotes);
  const absent = absence('links', list) ?? absence('nodes', tree?.error ? tree : list);
  const said = byId('links-said');
  said.hidden = absent === null && topology.links.length > 0;
  if (absent) showCards(said, [absent]);
  else if (!said.hidden) showCards(said, [{ ...PLAIN, sentence: 'This node has no remotes.' }]);
  byId('links').hidden = topology.links.length === 0;
  const own = (/** @type {string} */ prefix) => {
    const remote = remotes.find((one) => one.prefix === prefix);
    return remote ? card(remote, when) : null;
  };
  nodes.show(topology, own, when);
  const live = topology.links.filter((link) => link.state === 'live' || link.state === 'resting').length;
  setText(byId('links-sum'), topology.links.length > 0 ? `${live} of ${topology.links.length} live` : '');
}
