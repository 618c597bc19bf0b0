import {type RemoteCheck} from './finding.js'

/** The date of an answer has whole seconds, and the answer takes some time. */
const NOTABLE_MS = 60_000
const HOUR_MS = 3600_000

/** What sets the clock by the network's time. */
const SET: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'sudo timedatectl set-ntp true',
  darwin: 'sudo sntp -sS time.apple.com',
  win32: 'w32tm /resync',
}

/** This machine's clock, by the date of the API's answers. */
export const clockCheck: RemoteCheck = {
  ...{id: 'clock', area: 'machine', title: 'Clock', doing: 'Comparing the clock'},
  async look(facts, _world, says) {
    const ahead = await facts.clockAhead()
    if (ahead === undefined) return [says.skipped('there is no answer to compare it with')]
    const off = Math.abs(ahead)
    if (off < NOTABLE_MS) return [says.ok("within a minute of the API's")]
    const minutes = Math.round(off / 60_000)
    const long = off < 2 * HOUR_MS ? `${minutes} min` : `${Math.round(off / HOUR_MS)} h`
    return [
      says.warn(`It is ${long} ${ahead > 0 ? 'behind' : 'ahead of'} the API's`, {
        why: 'zt shows wrong times for the end of tokens and secrets. With a larger difference certificates count as expired or not yet valid.',
        next: [SET[process.platform] ?? 'Set the clock of this machine'],
        facts: {aheadMs: -ahead},
      }),
    ]
  },
}
