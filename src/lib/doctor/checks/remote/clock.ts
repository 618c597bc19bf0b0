import {type RemoteCheck} from './finding.js'
import {badClock} from './network.js'

/** The date of an answer has whole seconds, and the answer takes some time. */
const NOTABLE_MS = 60_000
const HOUR_MS = 3600_000

/** What sets the clock by the network's time. */
const SET: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'sudo timedatectl set-ntp true',
  darwin: 'sudo sntp -sS time.apple.com',
  win32: 'w32tm /resync',
}

const setClock = (): string => SET[process.platform] ?? 'Set the clock of this machine'

function inWords(ms: number): string {
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / 60_000)} min`
  return ms < 48 * HOUR_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.round(ms / 24 / HOUR_MS)} days`
}

/** This machine's clock, by the date of the API's answers. */
export const clockCheck: RemoteCheck = {
  ...{id: 'clock', area: 'machine', title: 'Clock', doing: 'Comparing the clock'},
  async look(facts, world, says) {
    const ahead = await facts.clockAhead()
    if (ahead === undefined) {
      const shown = await badClock(facts, world)
      if (!shown) return [says.skipped('there is no answer to compare it with')]
      const {host, from, to} = shown
      const day = (time: Date): string => time.toISOString().slice(0, 10)
      return [
        says.fail(`It shows ${day(new Date(world.ctx.clock.now()))}, when the certificate of ${host} is not valid`, {
          at: 'certificate',
          why: `That is valid from ${day(from)} to ${day(to)}. With a wrong clock zt trusts no server.`,
          next: [setClock()],
        }),
      ] // prettier-ignore
    }
    const off = Math.abs(ahead)
    if (off < NOTABLE_MS) return [says.ok("within a minute of the API's")]
    const long = inWords(off)
    return [
      says.warn(`It is ${long} ${ahead > 0 ? 'behind' : 'ahead of'} the API's`, {
        why: 'zt shows wrong times for the end of tokens and secrets. With a larger difference certificates count as expired or not yet valid.',
        next: [setClock()],
        facts: {aheadMs: -ahead},
      }),
    ]
  },
}
