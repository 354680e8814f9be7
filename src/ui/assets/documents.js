/**
 * The documents of the API that this page reads. Types only: nothing here runs.
 *
 * @typedef {{status: 'good'|'uncertain'|'bad', reason: string, hop?: string, hop_id?: string,
 *   since: string}} Quality
 * @typedef {{type: string, unit?: string, description?: string, access: 'r'|'w'|'rw',
 *   limits?: {min?: number, max?: number}, owner: string}} Meta
 * @typedef {{name: string, value: any, quality: Quality, source_time: string|null,
 *   received_time: string|null, age: number, meta?: Meta}} Point
 * @typedef {{id: string, name: string, description: string|null, version: string,
 *   roles: string[], time: string, uptime: number, feed: {points: number}}} Node
 * @typedef {{name: string, prefix: string, node: {id: string, name: string}|null,
 *   address: string, state: string, cause?: string, since: string, next_try?: string,
 *   action?: string, lag: number|null, lag_seconds?: number, heard: number|null,
 *   canary?: Canary,
 *   clock: {offset: number, uncertainty: number}|null,
 *   mirror: {rows: number, missed: number, left_out: number, last_left_out?: string}}} Remote
 * @typedef {{age: number, limit: number, late: boolean}} Canary
 * @typedef {{source: number, parent?: number, prefix: string, from: string, to: string|null,
 *   path: {id: string, name: string}[], state: string, cause?: string, action?: string,
 *   since: string, canary?: Canary, datapoints: number}} LinkEntry
 * @typedef {{nodes: {id: string, name: string, prefix: string, roles: string[]}[],
 *   links: LinkEntry[]}} Topology
 * @typedef {{name: string, kind: string, state: string,
 *   cause?: {code: string, message: string}, since: string, next_try?: string,
 *   quality: string, reason: string, points: number,
 *   rates: {request_rate: number, sample_rate: number, overruns: number,
 *     round_trip: {p50: number|null, p99: number|null}, errors: Record<string, number>},
 *   devices: {name: string, status: string, reason: string}[]}} Adapter
 * @typedef {{id: string, severity: 'info'|'warning'|'high'|'critical', source: string,
 *   text: string, action: string, active: boolean, acknowledged: boolean, since: string,
 *   cleared?: string}} Alarm
 * @typedef {{id: string, name: string, state: string, reason?: string, message?: string,
 *   hop?: string, verified: boolean, hops: {node: string, state: string, at: string}[],
 *   deadline: string}} Write
 */
export {};
