import net from 'node:net'
import path from 'node:path'
import {files as fs} from '../../../system/disk.js'
import {readConfig} from '../../../config/profiles.js'
import {hasCode} from '../../../core/errors.js'
import {quoteForPerson} from '../../../core/quote.js'
import {requireOwnDirectory} from '../../../system/own-files.js'
import {openConnections, type OpenConnection} from '../../../tunnel/connections/read.js'
import {leftBehind} from '../../../tunnel/connections/run-files.js'
import {sharingDirectories} from '../../../tunnel/ssh/sharing.js'
import {checkOf, type Says} from '../../finding.js'
import type {Check, DoctorWorld, Finding} from '../../types.js'
import {removable} from './files.js'
import {ending} from '../../../core/shell-words.js'

const connections = checkOf(
  {
    id: 'connections',
    area: 'ssh',
    title: 'Connections',
    doing: 'Looking at open connections',
    local: true,
  },
  async (world, says) => {
    const {state} = world.paths
    const open = openConnections(state)
    const ended = (): Promise<string[]> => Promise.resolve(leftBehind(state))
    const sockets = (): Promise<string[]> => deadSockets(state)
    const all = [
      await removable(says, ended, 'is of a process that has ended', 'file', {at: 'ended'}),
      await removable(says, sockets, 'is the socket of a shared connection that has ended', 'socket', {
        at: 'socket',
      }),
      ...(world.broken
        ? open.slice(0, 1).map(() => says.skipped('their service tokens are not known: Settings'))
        : await withoutToken(world, open, says)),
    ]
    const found = all.filter((one) => one.state !== 'ok')
    return found.length > 0 ? found : [says.ok(openInWords(open))]
  },
)

/** `zt forward list` lists none of ssh. */
export function openInWords(open: readonly Pick<OpenConnection, 'listener'>[]): string {
  if (open.length === 0) return 'none is open'
  const forwards = open.filter(({listener}) => listener !== undefined).length
  const listed = forwards === 0 ? '' : `, ${forwards} of zt forward (zt forward list)`
  return `${open.length} open${listed}`
}

/** Sockets in which ssh shared connections, and that no ssh listens on any more: it was killed. */
async function deadSockets(state: string): Promise<string[]> {
  const dead: string[] = []
  // The next one is only used if this one cannot be made.
  for (const directory of sharingDirectories({state}).slice(0, 1)) {
    try {
      requireOwnDirectory(directory, '', {secret: true})
      for (const name of (await fs.readdir(directory)).sort()) {
        const file = path.join(directory, name)
        if ((await fs.lstat(file)).isSocket() && !(await answers(file))) dead.push(file)
      }
    } catch {
      // There is none, or it is not safe: `zt ssh` says so, and the check of the files does.
    }
  }
  return dead
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      resolve(!hasCode(error, 'ECONNREFUSED'))
    })
  })
}

/** Connections go on when their profile or the secret of their token is removed here. */
async function withoutToken(
  {ctx, paths}: DoctorWorld,
  open: readonly OpenConnection[],
  says: Says,
): Promise<Finding[]> {
  if (open.length === 0) return []
  const [entries, {profiles}] = [await ctx.index.list(), await readConfig(paths)]
  const isKnown = ({profile, tokenId}: OpenConnection): boolean =>
    tokenId === 'env' || entries.some((one) => one.profile === profile && one.tokenId === tokenId)
  return open
    .filter((one) => !isKnown(one))
    .map((one) => {
      const {host, profile, pid, carries, listener} = one
      const gone = Object.hasOwn(profiles, profile) || profile === ctx.profile
      return says.warn(`a connection to ${host} uses a service token whose secret is no longer here`, {
        at: 'orphan',
        foreign: [host, profile, ...(listener ? [listener.place] : [])],
        why: `Process ${pid} carries ${carries} for profile ${profile}${gone ? '' : ', which does not exist'}, until it ends.`,
        next: [listener ? `zt forward stop ${quoteForPerson(listener.place)}` : ending(pid)],
      })
    })
}

export const connectionChecks: readonly Check[] = [connections]
